-- Which airlines and airports made July later than January?
-- Label:   none; the metric is minutes of delay a flight
-- Grain:   flight that arrived, January (control) and July (test) 2013
-- Leakage: none is possible: the model explains what happened
CREATE MODEL delay_contributions
OPTIONS (
  model_type = 'CONTRIBUTION_ANALYSIS',
  contribution_metric = 'SUM(delay_minutes)/SUM(flights)',
  dimension_id_cols = ['carrier', 'origin', 'dest'],
  is_test_col = 'is_july',
  min_apriori_support = 0.02,
  pruning_method = 'PRUNE_REDUNDANT_INSIGHTS'
)
AS
SELECT
  carrier,
  origin,
  dest,
  month = 7 AS is_july,
  GREATEST(arr_delay, 0) AS delay_minutes,
  1 AS flights
FROM flights
WHERE month IN (1, 7)
  AND arr_delay IS NOT NULL
