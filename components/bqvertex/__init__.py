"""Vertex AI for BigQuery users, as Pulumi components.

Import a component from the file that bears its name, as in
`from bqvertex.trained_model import TrainedModel`. This file imports none of them, since each
pulls in a part of pulumi-gcp that costs start-up time.
"""
