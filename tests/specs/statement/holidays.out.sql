CREATE OR REPLACE MODEL `my-project`.`forecasts`.`daily`
OPTIONS (model_type = 'ARIMA_PLUS', time_series_timestamp_col = 'd', time_series_data_col = 'n')
AS (
  training_data AS (SELECT flight_date AS d, COUNT(*) AS n FROM `my-project`.`flights`.`departures` GROUP BY d),
  custom_holiday AS (SELECT region, holiday_name, primary_date FROM `my-project`.`seeds`.`holidays`)
);
