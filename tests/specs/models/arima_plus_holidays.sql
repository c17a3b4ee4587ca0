-- How many flights will leave New York on each of the next 30 days, now that storms are known?
-- Label:   departures, the series that is forecast
-- Grain:   day, 2013
-- Leakage: none: a day is forecast from the days before it
CREATE MODEL `my-project`.`flights`.`daily_departures_with_storms`
OPTIONS (
  model_type = 'ARIMA_PLUS',
  time_series_timestamp_col = 'flight_date',
  time_series_data_col = 'departures',
  horizon = 30,
  data_frequency = 'DAILY',
  holiday_region = ['US', 'GLOBAL']
)
AS (
  training_data AS (
    SELECT
      DATE(year, month, day) AS flight_date,
      COUNTIF(dep_time IS NOT NULL) AS departures
    FROM `my-project`.`flights`.`flights`
    GROUP BY flight_date
  ),
  custom_holiday AS (
    SELECT
      'New York' AS region,
      'storm' AS holiday_name,
      storm AS primary_date,
      1 AS preholiday_days,
      1 AS postholiday_days
    FROM UNNEST([DATE '2013-02-09', DATE '2013-03-08', DATE '2013-12-05']) AS storm
  )
)
