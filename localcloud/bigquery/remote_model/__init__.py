"""Remote models: what they are over, and the functions that call it."""

from localcloud.bigquery.remote_model.creation import create
from localcloud.bigquery.remote_model.embedding import generate_embedding
from localcloud.bigquery.remote_model.prediction import predict
from localcloud.bigquery.remote_model.text import generate_text

__all__ = ["create", "generate_embedding", "generate_text", "predict"]
