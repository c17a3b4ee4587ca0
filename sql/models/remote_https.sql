-- The arrival-delay model behind a Vertex AI endpoint, for ML.PREDICT.
-- Label:   predicted_is_late
-- Grain:   flight
-- Leakage: as it was trained; BigQuery sends rows to the endpoint over HTTPS
CREATE MODEL late_arrival_endpoint
INPUT (carrier STRING, scheduled_hour INT64, distance_miles INT64, temperature_f FLOAT64)
OUTPUT (predicted_is_late STRING, is_late_probs ARRAY<FLOAT64>, is_late_values ARRAY<STRING>)
REMOTE WITH CONNECTION `my-project.us-central1.remote`
OPTIONS (
  endpoint = 'https://us-central1-aiplatform.googleapis.com/v1/projects/my-project/locations/us-central1/endpoints/1234567890'
)
