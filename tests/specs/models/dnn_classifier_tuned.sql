-- How will a flight arrive? The best of several networks.
-- Label:   arrival
-- Grain:   flight that arrived, January to June 2013
-- Leakage: nothing but the label is known after the scheduled departure
CREATE MODEL `my-project`.`flights`.`arrival_class_tuned`
OPTIONS (
  model_type = 'DNN_CLASSIFIER',
  input_label_cols = ['arrival'],
  num_trials = 8,
  hparam_tuning_objectives = ['F1_SCORE'],
  hidden_units = HPARAM_CANDIDATES([STRUCT([32]), STRUCT([64, 32]), STRUCT([64, 32, 16])]),
  activation_fn = HPARAM_CANDIDATES(['RELU', 'TANH']),
  dropout = HPARAM_RANGE(0, 0.5),
  batch_size = 256,
  max_iterations = 10
)
AS
SELECT
  IF(arr_delay < 15, 'on time', 'late') AS arrival,
  carrier,
  origin,
  hour AS scheduled_hour,
  distance AS distance_miles
FROM `my-project`.`flights`.`flights`
WHERE month <= 6
  AND arr_delay IS NOT NULL
