"""Remote models: made, and called row by row or in batches over HTTP."""

from localcloud.bigquery.remote_model.cloud_ai import translate, understand_text
from localcloud.bigquery.remote_model.creation import create
from localcloud.bigquery.remote_model.embedding import generate_embedding
from localcloud.bigquery.remote_model.prediction import predict
from localcloud.bigquery.remote_model.table import generate_table
from localcloud.bigquery.remote_model.text import generate_text

__all__ = [
    "create",
    "generate_embedding",
    "generate_table",
    "generate_text",
    "predict",
    "translate",
    "understand_text",
]
