-- name: postgresql_json
-- reads: json
-- class: log_record
-- product: PostgreSQL / PostgreSQL
-- sniff: "error_severity"\s*:
-- sniff: "backend_type"\s*:
-- https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-JSONLOG
-- A short zone name that means several offsets is not guessed: log_timezone = 'UTC' has none.
WITH records AS (
  SELECT position, ingested_at, doc,
    from_json(doc, '{"timestamp": "VARCHAR", "user": "VARCHAR", "dbname": "VARCHAR",
      "pid": "BIGINT", "remote_host": "VARCHAR", "session_id": "VARCHAR", "line_num": "VARCHAR",
      "session_start": "VARCHAR", "error_severity": "VARCHAR", "state_code": "VARCHAR",
      "message": "VARCHAR", "detail": "VARCHAR", "context": "VARCHAR", "statement": "VARCHAR",
      "application_name": "VARCHAR", "backend_type": "VARCHAR"}') AS e
  FROM raw
),
explained AS (
  SELECT *, postgresql_statement(e.message) AS told, postgresql_wait(e.message, e.detail) AS wait
  FROM records
)
SELECT
  position,
  ingested_at,
  zoned_time(e."timestamp")                        AS "time",
  1                                                AS activity_id,
  postgresql_severity_id(e.error_severity)         AS severity_id,
  0                                                AS status_id,
  e.message                                        AS message,
  {'uid': e.session_id || '/' || e.line_num}       AS metadata,
  {'service': 'postgresql'}                        AS workload,
  e.error_severity                                 AS severity,
  postgresql_attributes(e, told, wait)             AS attributes,
  nullif(json_merge_patch(doc, '{"timestamp": null, "user": null, "dbname": null, "pid": null,
    "remote_host": null, "session_id": null, "line_num": null, "session_start": null,
    "error_severity": null, "state_code": null, "message": null, "detail": null, "context": null,
    "statement": null, "application_name": null, "backend_type": null}')::VARCHAR, '{}')
                                                   AS unmapped,
  CASE
    WHEN e."timestamp" IS NULL OR e.pid IS NULL OR e.error_severity IS NULL
      THEN 'the document is no line of PostgreSQL''s jsonlog'
    ELSE zone_problem(e."timestamp")
  END                                              AS problem
FROM explained
