"""Remote models: made, and called row by row or in batches over HTTP."""

from localcloud.bigquery.remote_model.creation import create
from localcloud.bigquery.remote_model.embedding import generate_embedding
from localcloud.bigquery.remote_model.prediction import predict
from localcloud.bigquery.remote_model.table import generate_table
from localcloud.bigquery.remote_model.text import generate_text

__all__ = ["create", "generate_embedding", "generate_table", "generate_text", "predict"]
