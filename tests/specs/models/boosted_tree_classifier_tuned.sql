-- Will a flight arrive 30 minutes late or more? The best of ten trials.
-- Label:   is_late
-- Grain:   flight that arrived, January to June 2013
-- Leakage: see arrival_delay/departures.sql
CREATE MODEL `my-project`.`flights`.`late_arrival_tuned`
OPTIONS (
  model_type = 'BOOSTED_TREE_CLASSIFIER',
  input_label_cols = ['is_late'],
  num_trials = 10,
  max_parallel_trials = 2,
  hparam_tuning_algorithm = 'VIZIER_DEFAULT',
  hparam_tuning_objectives = ['ROC_AUC'],
  learn_rate = HPARAM_RANGE(0.05, 0.5),
  max_tree_depth = HPARAM_CANDIDATES([3, 5, 7]),
  subsample = HPARAM_RANGE(0.5, 1.0),
  max_iterations = 20,
  data_split_method = 'RANDOM',
  data_split_eval_fraction = 0.1,
  data_split_test_fraction = 0.1
)
AS
SELECT
  is_late,
  carrier,
  origin,
  scheduled_hour,
  day_of_week,
  distance_miles,
  wind_speed_mph,
  precipitation_inches,
  visibility_miles
FROM `my-project`.`flights`.`departures`
WHERE flight_date < DATE '2013-07-01'
  AND is_late IS NOT NULL
