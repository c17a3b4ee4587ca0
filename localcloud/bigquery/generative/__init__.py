"""BigQuery's AI.* functions of a row and of a group, which ask Gemini and embedding models.

Each call becomes one DuckDB function over its arguments as JSON; what answers it is this cloud's
own Vertex AI, over HTTP, where stand-ins say what they are.
https://cloud.google.com/bigquery/docs/generative-ai-overview
"""
