-- name: histories_logs
-- reads: json
-- class: log_record
-- files: logs.ndjson logs.ndjson.gz
-- A JSON record a line; what is not named here stays an attribute.
SELECT
  position,
  ingested_at,
  any_time(doc->>'$.timestamp')                         AS "time",
  1                                                     AS activity_id,
  level_severity_id(doc->>'$.severity_text')            AS severity_id,
  0                                                     AS status_id,
  doc->>'$.msg'                                         AS message,
  {'service': doc->>'$.service', 'version': doc->>'$.version'} AS workload,
  doc->>'$.severity_text'                               AS severity,
  nullif(doc->>'$.trace_id', '')                        AS trace_uid,
  remaining(doc, '{"timestamp": null, "service": null, "severity_text": null, "msg": null,
    "trace_id": null, "version": null}')                AS attributes
FROM raw
