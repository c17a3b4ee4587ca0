-- Will a flight arrive late? A model that was made elsewhere with XGBoost.
-- Label:   that of the imported model
-- Grain:   flight
-- Leakage: as it was trained; BigQuery reads the file once, when the model is created
CREATE MODEL late_arrival_xgboost
INPUT (scheduled_hour INT64, distance_miles FLOAT64, wind_speed_mph FLOAT64)
OUTPUT (predicted_is_late FLOAT64)
OPTIONS (
  model_type = 'XGBOOST',
  model_path = 'gs://my-project-models/late_arrival/xgboost/*'
)
