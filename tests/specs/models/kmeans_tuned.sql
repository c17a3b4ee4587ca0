-- Which planes are alike? The number of groups is found by trial.
-- Label:   none
-- Grain:   plane
-- Leakage: none is possible: the model describes planes
CREATE MODEL `my-project`.`flights`.`plane_groups`
OPTIONS (
  model_type = 'KMEANS',
  num_trials = 5,
  hparam_tuning_objectives = ['DAVIES_BOULDIN_INDEX'],
  num_clusters = HPARAM_RANGE(2, 8),
  distance_type = 'EUCLIDEAN'
)
AS
SELECT
  engines,
  seats,
  year AS built_in
FROM `my-project`.`flights`.`planes`
WHERE year IS NOT NULL
