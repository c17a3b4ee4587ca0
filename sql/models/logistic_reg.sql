-- Will a flight arrive 30 minutes late or more? The later flights of the half year judge the model.
-- Label:   is_late
-- Grain:   flight that arrived, January to June 2013
-- Leakage: nothing is here that is known after the scheduled departure; time_hour only splits
CREATE MODEL late_arrival
TRANSFORM (
  is_late,
  time_hour,
  carrier,
  origin,
  ML.BUCKETIZE(hour, [9, 12, 15, 18, 21]) AS part_of_day,
  ML.QUANTILE_BUCKETIZE(distance, 5) OVER () AS distance_bucket,
  ML.STANDARD_SCALER(wind_speed) OVER () AS wind_speed_scaled,
  ML.IMPUTER(precip, 'mean') OVER () AS precipitation_inches
)
OPTIONS (
  model_type = 'LOGISTIC_REG',
  input_label_cols = ['is_late'],
  auto_class_weights = TRUE,
  l2_reg = 0.1,
  max_iterations = 30,
  data_split_method = 'SEQ',
  data_split_eval_fraction = 0.2,
  data_split_col = 'time_hour',
  enable_global_explain = TRUE
)
AS
SELECT
  flights.arr_delay >= 30 AS is_late,
  flights.time_hour,
  flights.carrier,
  flights.origin,
  flights.hour,
  flights.distance,
  weather.wind_speed,
  weather.precip
FROM flights
LEFT JOIN weather
  ON weather.origin = flights.origin AND weather.time_hour = flights.time_hour
WHERE flights.month <= 6
  AND flights.arr_delay IS NOT NULL
