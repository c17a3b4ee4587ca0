-- Which destinations are flown to alike?
-- Label:   none
-- Grain:   destination with 100 flights or more in 2013
-- Leakage: none is possible: the model describes the year
CREATE MODEL `my-project`.`flights`.`destination_groups`
OPTIONS (
  model_type = 'KMEANS',
  num_clusters = 5,
  kmeans_init_method = 'KMEANS++',
  standardize_features = TRUE,
  max_iterations = 20
)
AS
SELECT
  COUNT(*) AS flights,
  COUNT(DISTINCT carrier) AS carriers,
  AVG(distance) AS distance_miles,
  AVG(hour) AS scheduled_hour,
  AVG(arr_delay) AS arrival_delay_minutes
FROM `my-project`.`flights`.`flights`
GROUP BY dest
HAVING COUNT(*) >= 100
