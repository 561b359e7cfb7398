-- name: otlp_logs
-- reads: otlp_logs
-- class: log_record
-- product: OpenTelemetry / OTLP
-- sniff: "(resourceLogs|resource_logs)"\s*:
-- files: *log*
-- https://opentelemetry.io/docs/specs/otel/logs/data-model/
-- OTLP 0.15 to 1.10, protobuf and JSON, as exported and as the Collector's file exporter writes it.
WITH records AS (
  SELECT *, otlp_attributes(attributes) AS attributes_json,
    coalesce(nullif(time_unix_nano, 0), nullif(observed_time_unix_nano, 0)) AS time_ns
  FROM raw
),
found AS (
  SELECT *, json_extract_string(attributes_json,
    ['/exception.type', '/exception.message', '/exception.stacktrace']) AS v
  FROM records
)
SELECT
  position,
  ingested_at,
  time_from_ns(time_ns)                            AS "time",
  time_ns,
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
  otlp_unmapped(found,
    otlp_text_member('event_name', event_name)
    || otlp_count('observed_time_ns', observed_time_unix_nano)
    || otlp_count('severity_number', severity_number)
    || otlp_count('flags', flags)
    || otlp_count('dropped_attributes_count', dropped_attributes_count)) AS unmapped
FROM found
