-- How many minutes will a flight be in the air?
-- Label:   air_time_minutes
-- Grain:   flight that arrived, 2013
-- Leakage: no time after the departure is here but the label
CREATE MODEL air_time_minutes
OPTIONS (
  model_type = 'RANDOM_FOREST_REGRESSOR',
  input_label_cols = ['air_time_minutes'],
  num_parallel_tree = 30,
  max_tree_depth = 12,
  min_tree_child_weight = 5,
  tree_method = 'HIST',
  data_split_method = 'RANDOM',
  data_split_eval_fraction = 0.2
)
AS
SELECT
  flights.air_time AS air_time_minutes,
  flights.carrier,
  flights.origin,
  flights.dest,
  flights.month,
  flights.distance AS distance_miles,
  planes.engines,
  planes.seats
FROM flights
LEFT JOIN planes
  ON planes.tailnum = flights.tailnum
WHERE flights.air_time IS NOT NULL
