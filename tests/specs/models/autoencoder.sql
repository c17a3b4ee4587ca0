-- Which hours have unusual weather: those that the network cannot reproduce?
-- Label:   none
-- Grain:   hour and weather station, 2013
-- Leakage: none is possible: the model describes the weather
CREATE MODEL `my-project`.`flights`.`weather_anomalies`
OPTIONS (
  model_type = 'AUTOENCODER',
  hidden_units = [16, 3, 16],
  activation_fn = 'RELU',
  l1_reg_activation = 0.0001,
  batch_size = 128,
  learn_rate = 0.001,
  max_iterations = 10
)
AS
SELECT
  temp,
  dewp,
  humid,
  wind_speed,
  precip,
  pressure,
  visib
FROM `my-project`.`flights`.`weather`
WHERE temp IS NOT NULL
  AND pressure IS NOT NULL
  AND wind_speed IS NOT NULL
