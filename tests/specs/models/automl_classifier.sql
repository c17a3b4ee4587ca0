-- Will a flight be cancelled? Vertex AI chooses the kind of model.
-- Label:   is_cancelled
-- Grain:   scheduled flight, 2013
-- Leakage: weather is the observation of the scheduled hour at the origin; no actual time is here
CREATE MODEL `my-project`.`flights`.`cancellation_automl`
OPTIONS (
  model_type = 'AUTOML_CLASSIFIER',
  input_label_cols = ['is_cancelled'],
  optimization_objective = STRUCT('MAXIMIZE_PRECISION_AT_RECALL', 0.5),
  budget_hours = 1.0
)
AS
SELECT
  IF(flights.dep_time IS NULL, 'cancelled', 'flown') AS is_cancelled,
  flights.carrier,
  flights.origin,
  flights.month,
  flights.hour AS scheduled_hour,
  weather.wind_speed AS wind_speed_mph,
  weather.precip AS precipitation_inches,
  weather.visib AS visibility_miles
FROM `my-project`.`flights`.`flights`
LEFT JOIN `my-project`.`flights`.`weather`
  ON weather.origin = flights.origin AND weather.time_hour = flights.time_hour
