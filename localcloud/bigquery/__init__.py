"""The BigQuery of the local cloud: REST, GoogleSQL, load jobs and BigQuery ML statements.

SQL runs in local-bigquery on DuckDB files; `upstream` says which of its functions are replaced.
The mathematics of BigQuery ML is `localcloud.bqml`'s.
"""
