"""BigQuery Data Transfer v1: scheduled queries that run, other data sources only kept."""
