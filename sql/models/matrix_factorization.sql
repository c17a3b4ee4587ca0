-- Which destinations suit an airline that does not fly there yet?
-- Label:   flights, how often it flew there: feedback that nobody gave in so many words
-- Grain:   airline and destination, 2013
-- Leakage: none: what is asked for is what is missing
CREATE MODEL destination_recommender
OPTIONS (
  model_type = 'MATRIX_FACTORIZATION',
  feedback_type = 'IMPLICIT',
  user_col = 'carrier',
  item_col = 'dest',
  rating_col = 'flights',
  num_factors = 8,
  wals_alpha = 40,
  l2_reg = 1.0,
  max_iterations = 20
)
AS
SELECT
  carrier,
  dest,
  COUNT(*) AS flights
FROM flights
GROUP BY carrier, dest
