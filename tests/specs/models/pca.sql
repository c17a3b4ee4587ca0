-- What are the few directions in which the weather varies?
-- Label:   none
-- Grain:   hour and weather station, 2013
-- Leakage: none is possible: the model describes the weather
CREATE MODEL `my-project`.`flights`.`weather_components`
OPTIONS (
  model_type = 'PCA',
  pca_explained_variance_ratio = 0.9,
  scale_features = TRUE,
  pca_solver = 'FULL'
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
