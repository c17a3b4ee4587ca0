"""INFORMATION_SCHEMA.JOBS as documented, from the jobs that are kept.

https://cloud.google.com/bigquery/docs/information-schema-jobs
"""

QUERY = """
SELECT
  CAST(resource ->> '$.statistics.query.cacheHit' AS BOOLEAN) AS cache_hit,
  make_timestamptz(creation_time * 1000) AS creation_time,
  CASE WHEN (resource ->> '$.configuration.query.destinationTable.tableId') IS NULL THEN NULL
  ELSE struct_pack(
    project_id := resource ->> '$.configuration.query.destinationTable.projectId',
    dataset_id := resource ->> '$.configuration.query.destinationTable.datasetId',
    table_id := resource ->> '$.configuration.query.destinationTable.tableId') END
    AS destination_table,
  CASE WHEN (resource ->> '$.statistics.query.dmlStats') IS NULL THEN NULL ELSE struct_pack(
    inserted_row_count :=
      CAST(resource ->> '$.statistics.query.dmlStats.insertedRowCount' AS BIGINT),
    deleted_row_count := CAST(resource ->> '$.statistics.query.dmlStats.deletedRowCount' AS BIGINT),
    updated_row_count := CAST(resource ->> '$.statistics.query.dmlStats.updatedRowCount' AS BIGINT))
    END AS dml_statistics,
  make_timestamptz(CAST(resource ->> '$.statistics.endTime' AS BIGINT) * 1000) AS end_time,
  CASE WHEN (resource ->> '$.status.errorResult.reason') IS NULL THEN NULL ELSE struct_pack(
    reason := resource ->> '$.status.errorResult.reason',
    location := resource ->> '$.status.errorResult.location',
    debug_info := resource ->> '$.status.errorResult.debugInfo',
    message := resource ->> '$.status.errorResult.message') END AS error_result,
  job_id,
  resource ->> '$.configuration.jobType' AS job_type,
  parent_job_id,
  coalesce(resource ->> '$.configuration.query.priority', 'INTERACTIVE') AS priority,
  project_id,
  {number} AS project_number,
  resource ->> '$.configuration.query.query' AS query,
  resource ->> '$.reservation_id' AS reservation_id,
  make_timestamptz(CAST(resource ->> '$.statistics.startTime' AS BIGINT) * 1000) AS start_time,
  state,
  resource ->> '$.statistics.query.statementType' AS statement_type,
  CAST(resource ->> '$.statistics.query.totalBytesBilled' AS BIGINT) AS total_bytes_billed,
  CAST(resource ->> '$.statistics.query.totalBytesProcessed' AS BIGINT) AS total_bytes_processed,
  CAST(resource ->> '$.statistics.totalSlotMs' AS BIGINT) AS total_slot_ms,
  resource ->> '$.statistics.transactionInfo.transactionId' AS transaction_id,
  resource ->> '$.user_email' AS user_email
FROM emulator.main.jobs
WHERE project_id = {project}
"""
"""DuckDB's SQL for what is documented and known here, in the documented order."""
