-- How many minutes late will a flight leave?
-- Label:   departure_delay_minutes, negative when early
-- Grain:   flight that left, 2013; busy days weigh as much as quiet ones
-- Leakage: nothing but the label is known after the scheduled departure; weight is no feature
CREATE MODEL departure_delay_minutes
OPTIONS (
  model_type = 'BOOSTED_TREE_REGRESSOR',
  input_label_cols = ['departure_delay_minutes'],
  instance_weight_col = 'weight',
  max_iterations = 30,
  max_tree_depth = 6,
  learn_rate = 0.1,
  colsample_bytree = 0.8,
  l2_reg = 1.0,
  data_split_method = 'RANDOM',
  data_split_eval_fraction = 0.2
)
AS
SELECT
  flights.dep_delay AS departure_delay_minutes,
  1000 / COUNT(*) OVER (PARTITION BY flights.month, flights.day) AS weight,
  flights.carrier,
  flights.origin,
  flights.hour AS scheduled_hour,
  flights.distance AS distance_miles,
  weather.wind_speed AS wind_speed_mph,
  weather.precip AS precipitation_inches,
  weather.visib AS visibility_miles
FROM flights
LEFT JOIN weather
  ON weather.origin = flights.origin AND weather.time_hour = flights.time_hour
WHERE flights.dep_delay IS NOT NULL
