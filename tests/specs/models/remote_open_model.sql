-- An open model of Hugging Face that BigQuery deploys on Vertex AI and takes down when idle.
-- Label:   none
-- Grain:   none: the model reads no rows when it is created
-- Leakage: none; machines are paid for from the creation until 8 hours after the last use
CREATE MODEL `my-project`.`flights`.`open_notice_writer`
REMOTE WITH CONNECTION DEFAULT
OPTIONS (
  hugging_face_model_id = 'google/gemma-3-270m-it',
  machine_type = 'g2-standard-12',
  min_replica_count = 1,
  max_replica_count = 2,
  endpoint_idle_ttl = INTERVAL 8 HOUR
)
