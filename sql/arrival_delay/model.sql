-- Will a flight arrive 30 minutes late or more?
-- Label:   is_late
-- Grain:   flight, January to June 2013; flights that never arrived have no label and are left out
-- Leakage: see departures.sql; the month is no feature, since it would only tell training from use
CREATE MODEL arrival_delay
TRANSFORM (
  is_late,
  carrier,
  origin,
  dest,
  scheduled_hour,
  day_of_week,
  ML.BUCKETIZE(distance_miles, [500, 1000, 1500, 2000]) AS distance_bucket,
  ML.STANDARD_SCALER(temperature_f) OVER () AS temperature_scaled,
  humidity_percent,
  wind_speed_mph,
  precipitation_inches,
  ML.STANDARD_SCALER(pressure_millibars) OVER () AS pressure_scaled,
  visibility_miles,
  seats,
  plane_age_years
)
OPTIONS (
  model_type = 'BOOSTED_TREE_CLASSIFIER',
  input_label_cols = ['is_late'],
  max_iterations = 40,
  early_stop = FALSE,
  max_tree_depth = 6,
  learn_rate = 0.2,
  subsample = 0.8,
  data_split_method = 'RANDOM',
  data_split_eval_fraction = 0.2,
  enable_global_explain = TRUE
)
AS
SELECT
  is_late,
  carrier,
  origin,
  dest,
  scheduled_hour,
  day_of_week,
  distance_miles,
  temperature_f,
  humidity_percent,
  wind_speed_mph,
  precipitation_inches,
  pressure_millibars,
  visibility_miles,
  seats,
  plane_age_years
FROM departures
WHERE flight_date BETWEEN DATE '2013-01-01' AND DATE '2013-06-30'
  AND is_late IS NOT NULL
