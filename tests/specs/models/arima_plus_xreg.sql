-- How long will flights from JFK be delayed on average, given the weather of the day?
-- Label:   departure_delay_minutes, the series that is forecast
-- Grain:   day, 2013
-- Leakage: the weather of a day that is forecast has to be forecast itself
CREATE MODEL `my-project`.`flights`.`daily_delay_jfk`
OPTIONS (
  model_type = 'ARIMA_PLUS_XREG',
  time_series_timestamp_col = 'flight_date',
  time_series_data_col = 'departure_delay_minutes',
  data_frequency = 'DAILY',
  auto_arima_max_order = 2,
  holiday_region = 'US',
  l2_reg = 0.1,
  horizon = 30
)
AS
SELECT
  DATE(flights.year, flights.month, flights.day) AS flight_date,
  AVG(flights.dep_delay) AS departure_delay_minutes,
  AVG(weather.wind_speed) AS wind_speed_mph,
  SUM(weather.precip) AS precipitation_inches,
  MIN(weather.visib) AS visibility_miles
FROM `my-project`.`flights`.`flights`
JOIN `my-project`.`flights`.`weather`
  ON weather.origin = flights.origin AND weather.time_hour = flights.time_hour
WHERE flights.origin = 'JFK'
GROUP BY flight_date
