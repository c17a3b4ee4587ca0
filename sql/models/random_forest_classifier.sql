-- Will a flight be cancelled?
-- Label:   is_cancelled, it has no actual departure
-- Grain:   scheduled flight, 2013
-- Leakage: weather is the observation of the scheduled hour at the origin; no actual time is here
CREATE MODEL cancellation
OPTIONS (
  model_type = 'RANDOM_FOREST_CLASSIFIER',
  input_label_cols = ['is_cancelled'],
  class_weights = [STRUCT('false', 0.05), STRUCT('true', 0.95)],
  num_parallel_tree = 50,
  max_tree_depth = 10,
  subsample = 0.8,
  data_split_method = 'RANDOM',
  data_split_eval_fraction = 0.2
)
AS
SELECT
  flights.dep_time IS NULL AS is_cancelled,
  flights.carrier,
  flights.origin,
  flights.month,
  flights.hour AS scheduled_hour,
  weather.temp AS temperature_f,
  weather.wind_speed AS wind_speed_mph,
  weather.precip AS precipitation_inches,
  weather.visib AS visibility_miles
FROM flights
LEFT JOIN weather
  ON weather.origin = flights.origin AND weather.time_hour = flights.time_hour
