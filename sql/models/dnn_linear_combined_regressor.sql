-- How many minutes will a flight be in the air?
-- Label:   air_time_minutes
-- Grain:   flight that arrived, 2013
-- Leakage: no time after the departure is here but the label
CREATE MODEL air_time_wide_and_deep
OPTIONS (
  model_type = 'DNN_LINEAR_COMBINED_REGRESSOR',
  input_label_cols = ['air_time_minutes'],
  hidden_units = [32],
  batch_size = 512,
  max_iterations = 10,
  enable_global_explain = TRUE,
  integrated_gradients_num_steps = 20
)
AS
SELECT
  air_time AS air_time_minutes,
  carrier,
  origin,
  dest,
  month,
  distance AS distance_miles
FROM flights
WHERE air_time IS NOT NULL
