-- Will a flight arrive 30 minutes late or more? The linear part learns routes by heart.
-- Label:   is_late
-- Grain:   flight that arrived, January to June 2013
-- Leakage: see arrival_delay/departures.sql
CREATE MODEL late_arrival_wide_and_deep
TRANSFORM (
  is_late,
  carrier,
  ML.FEATURE_CROSS(STRUCT(origin, dest)) AS route,
  ML.STANDARD_SCALER(distance_miles) OVER () AS distance_scaled,
  scheduled_hour
)
OPTIONS (
  model_type = 'DNN_LINEAR_COMBINED_CLASSIFIER',
  input_label_cols = ['is_late'],
  hidden_units = [64, 32],
  optimizer = [STRUCT('dnn', 'ADAM'), STRUCT('linear', 'FTRL')],
  learn_rate = [STRUCT('dnn', 0.001), STRUCT('linear', 0.01)],
  dropout = 0.1,
  batch_size = 256,
  max_iterations = 10
)
AS
SELECT
  is_late,
  carrier,
  origin,
  dest,
  distance_miles,
  scheduled_hour
FROM departures
WHERE flight_date < DATE '2013-07-01'
  AND is_late IS NOT NULL
