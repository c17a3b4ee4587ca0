-- How many flights will leave each airport on each of the next 30 days?
-- Label:   departures, the series that is forecast
-- Grain:   day and airport of departure, 2013
-- Leakage: none: a day is forecast from the days before it
CREATE MODEL `my-project`.`flights`.`daily_departures`
OPTIONS (
  model_type = 'ARIMA_PLUS',
  time_series_timestamp_col = 'flight_date',
  time_series_data_col = 'departures',
  time_series_id_col = 'origin',
  horizon = 30,
  data_frequency = 'DAILY',
  auto_arima_max_order = 3,
  holiday_region = 'US',
  decompose_time_series = TRUE
)
AS
SELECT
  DATE(year, month, day) AS flight_date,
  origin,
  COUNT(*) AS departures
FROM `my-project`.`flights`.`flights`
GROUP BY flight_date, origin
