-- How will a flight arrive: early, on time, late or very late?
-- Label:   arrival
-- Grain:   flight that arrived, January to June 2013
-- Leakage: nothing but the label is known after the scheduled departure
CREATE MODEL arrival_class
OPTIONS (
  model_type = 'DNN_CLASSIFIER',
  input_label_cols = ['arrival'],
  hidden_units = [64, 32],
  activation_fn = 'RELU',
  dropout = 0.1,
  batch_size = 256,
  optimizer = 'ADAM',
  learn_rate = 0.001,
  max_iterations = 20,
  tf_version = '2.8.0',
  data_split_method = 'RANDOM',
  data_split_eval_fraction = 0.2
)
AS
SELECT
  CASE
    WHEN arr_delay < -10 THEN 'early'
    WHEN arr_delay < 15 THEN 'on time'
    WHEN arr_delay < 60 THEN 'late'
    ELSE 'very late'
  END AS arrival,
  carrier,
  origin,
  hour AS scheduled_hour,
  month,
  distance AS distance_miles
FROM flights
WHERE month <= 6
  AND arr_delay IS NOT NULL
