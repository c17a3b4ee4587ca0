-- Will a flight arrive late? A model that was made elsewhere, as TensorFlow has it.
-- Label:   that of the imported model
-- Grain:   flight
-- Leakage: as it was trained; BigQuery reads the file once, when the model is created
CREATE MODEL `my-project`.`flights`.`late_arrival_tensorflow`
OPTIONS (
  model_type = 'TENSORFLOW',
  model_path = 'gs://my-project-models/late_arrival/tensorflow/*'
)
