-- How many minutes late will a flight arrive?
-- Label:   arrival_delay_minutes, negative when early
-- Grain:   flight that arrived, January to June 2013
-- Leakage: nothing but the label is known after the scheduled departure
CREATE MODEL `my-project`.`flights`.`arrival_delay_network`
TRANSFORM (
  arrival_delay_minutes,
  carrier,
  origin,
  ML.MIN_MAX_SCALER(scheduled_hour) OVER () AS scheduled_hour_scaled,
  ML.STANDARD_SCALER(distance_miles) OVER () AS distance_scaled
)
OPTIONS (
  model_type = 'DNN_REGRESSOR',
  input_label_cols = ['arrival_delay_minutes'],
  hidden_units = [32, 16],
  optimizer = 'ADAGRAD',
  l2_reg = 0.01,
  learn_rate = 0.01,
  batch_size = 512,
  max_iterations = 20,
  data_split_method = 'NO_SPLIT'
)
AS
SELECT
  arr_delay AS arrival_delay_minutes,
  carrier,
  origin,
  hour AS scheduled_hour,
  distance AS distance_miles
FROM `my-project`.`flights`.`flights`
WHERE month <= 6
  AND arr_delay IS NOT NULL
