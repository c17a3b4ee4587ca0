-- How many minutes late will a flight arrive that has just left?
-- Label:   arrival_delay_minutes, negative when early
-- Grain:   flight that arrived, 2013
-- Leakage: the departure delay is known when this is asked; arrival and air time are not
CREATE MODEL arrival_delay_minutes
OPTIONS (
  model_type = 'LINEAR_REG',
  input_label_cols = ['arrival_delay_minutes'],
  category_encoding_method = 'DUMMY_ENCODING',
  calculate_p_values = TRUE,
  data_split_method = 'RANDOM',
  data_split_eval_fraction = 0.2
)
AS
SELECT
  arr_delay AS arrival_delay_minutes,
  dep_delay AS departure_delay_minutes,
  carrier,
  origin,
  hour AS scheduled_hour,
  distance AS distance_miles
FROM flights
WHERE arr_delay IS NOT NULL
