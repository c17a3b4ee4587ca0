-- Will a flight arrive 30 minutes late or more? June judges the model that January to May made.
-- Label:   is_late
-- Grain:   flight that arrived, January to June 2013
-- Leakage: see arrival_delay/departures.sql; is_evaluated only splits
CREATE MODEL late_arrival_trees
OPTIONS (
  model_type = 'BOOSTED_TREE_CLASSIFIER',
  input_label_cols = ['is_late'],
  auto_class_weights = TRUE,
  max_iterations = 30,
  max_tree_depth = 5,
  learn_rate = 0.2,
  subsample = 0.8,
  tree_method = 'HIST',
  xgboost_version = '1.1',
  data_split_method = 'CUSTOM',
  data_split_col = 'is_evaluated'
)
AS
SELECT
  is_late,
  carrier,
  origin,
  scheduled_hour,
  day_of_week,
  distance_miles,
  temperature_f,
  wind_speed_mph,
  precipitation_inches,
  visibility_miles,
  seats,
  flight_date >= DATE '2013-06-01' AS is_evaluated
FROM departures
WHERE flight_date < DATE '2013-07-01'
  AND is_late IS NOT NULL
