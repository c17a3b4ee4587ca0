-- The features of a departure as models of several kinds take them.
-- Label:   none
-- Grain:   flight, January to June 2013
-- Leakage: see arrival_delay/departures.sql; scales and buckets are those of these months
CREATE MODEL `my-project`.`flights`.`departure_features`
TRANSFORM (
  carrier,
  origin,
  dest,
  ML.BUCKETIZE(scheduled_hour, [9, 12, 15, 18, 21]) AS part_of_day,
  ML.STANDARD_SCALER(distance_miles) OVER () AS distance_scaled,
  ML.STANDARD_SCALER(temperature_f) OVER () AS temperature_scaled,
  ML.IMPUTER(wind_speed_mph, 'median') OVER () AS wind_speed_mph
)
OPTIONS (model_type = 'TRANSFORM_ONLY')
AS
SELECT
  carrier,
  origin,
  dest,
  scheduled_hour,
  distance_miles,
  temperature_f,
  wind_speed_mph
FROM `my-project`.`flights`.`departures`
WHERE flight_date < DATE '2013-07-01'
