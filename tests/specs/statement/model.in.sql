CREATE MODEL IF NOT EXISTS arrival_delay
TRANSFORM (
  departures.is_late,
  ML.BUCKETIZE(departures, [1, 2]) AS weather
)
OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['departures'])
AS SELECT departures, is_late FROM departures
