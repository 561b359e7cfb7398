-- name: otlp_logs
-- reads: otlp_logs
-- class: log_record
-- product: OpenTelemetry / OTLP
-- sniff: "resourceLogs"\s*:
-- files: *log*
-- https://opentelemetry.io/docs/specs/otel/logs/data-model/
WITH records AS (
  SELECT *, otlp_attributes(attributes) AS attributes_json FROM raw
),
found AS (
  SELECT *, json_extract_string(attributes_json,
    ['/exception.type', '/exception.message', '/exception.stacktrace']) AS v
  FROM records
)
SELECT
  position,
  ingested_at,
  coalesce(time_from_ns(time_unix_nano), time_from_ns(observed_time_unix_nano)) AS "time",
  1                                                AS activity_id,
  log_severity_id(severity_number)                 AS severity_id,
  0                                                AS status_id,
  otlp_text(body)                                  AS message,
  resource_workload(resource)                      AS workload,
  nullif(severity_text, '')                        AS severity,
  otlp_id(trace_id)                                AS trace_uid,
  otlp_id(span_id)                                 AS span_uid,
  nullif(scope->>'$.name', '')                     AS scope,
  {'type': v[1], 'message': v[2], 'stacktrace': v[3]} AS exception,
  attributes_json                                  AS attributes,
  otlp_unmapped(resource, scope, {
    'event_name': nullif(event_name, ''),
    'observed_time_ns': nullif(observed_time_unix_nano, 0),
    'dropped_attributes_count': nullif(dropped_attributes_count, 0)}) AS unmapped
FROM found
