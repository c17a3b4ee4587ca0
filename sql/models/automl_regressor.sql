-- How many minutes late will a flight arrive? December tests the model.
-- Label:   arrival_delay_minutes
-- Grain:   flight that arrived, 2013
-- Leakage: nothing but the label is known after the scheduled departure; split is no feature
CREATE MODEL arrival_delay_automl
OPTIONS (
  model_type = 'AUTOML_REGRESSOR',
  input_label_cols = ['arrival_delay_minutes'],
  optimization_objective = 'MINIMIZE_MAE',
  budget_hours = 2.0,
  data_split_col = 'split'
)
AS
SELECT
  arr_delay AS arrival_delay_minutes,
  CASE month WHEN 12 THEN 'TEST' WHEN 11 THEN 'VALIDATE' ELSE 'TRAIN' END AS split,
  carrier,
  origin,
  dest,
  hour AS scheduled_hour,
  distance AS distance_miles
FROM flights
WHERE arr_delay IS NOT NULL
