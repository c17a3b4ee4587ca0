-- Will a flight arrive late? A model that was made elsewhere, as TensorFlow Lite has it.
-- Label:   that of the imported model
-- Grain:   flight
-- Leakage: as it was trained; BigQuery reads the file once, when the model is created
CREATE MODEL `my-project`.`flights`.`late_arrival_tensorflow_lite`
OPTIONS (
  model_type = 'TENSORFLOW_LITE',
  model_path = 'gs://my-project-models/late_arrival/tensorflow_lite/*'
)
