-- Will a flight arrive late? A model that was made elsewhere, as ONNX has it.
-- Label:   that of the imported model
-- Grain:   flight
-- Leakage: as it was trained; BigQuery reads the file once, when the model is created
CREATE MODEL late_arrival_onnx
OPTIONS (
  model_type = 'ONNX',
  model_path = 'gs://my-project-models/late_arrival/onnx/model.onnx'
)
