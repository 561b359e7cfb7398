-- name: otlp_metrics
-- reads: otlp_metrics
-- class: metric_point
-- product: OpenTelemetry / OTLP
-- sniff: "resourceMetrics"\s*:
-- files: *metric*
-- https://opentelemetry.io/docs/specs/otel/metrics/data-model/
WITH points AS (
  SELECT *, otlp_attributes(attributes) AS attributes_json FROM raw
)
SELECT
  position,
  ingested_at,
  time_from_ns(time_unix_nano)                     AS "time",
  1                                                AS activity_id,
  1                                                AS severity_id,
  0                                                AS status_id,
  resource_workload(resource)                      AS workload,
  md5(concat_ws(chr(31), resource, scope->>'$.name', metric_name, attributes_json)) AS series_uid,
  metric_name,
  nullif(metric_unit, '')                          AS unit,
  metric_type,
  CASE
    WHEN metric_type IN ('gauge', 'summary') THEN NULL
    ELSE coalesce(
      ['unspecified', 'delta', 'cumulative'][aggregation_temporality + 1], 'unspecified')
  END                                              AS temporality,
  is_monotonic,
  time_from_ns(start_time_unix_nano)               AS start_time,
  coalesce(as_double, as_int)                      AS "value",
  "sum",
  "count",
  "min",
  "max",
  CASE metric_type
    WHEN 'histogram' THEN explicit_bounds
    WHEN 'exponential_histogram' THEN exponential_bounds(scale, positive, negative)
  END                                              AS explicit_bounds,
  CASE metric_type
    WHEN 'histogram' THEN bucket_counts
    WHEN 'exponential_histogram' THEN exponential_counts(zero_count, positive, negative)
  END                                              AS bucket_counts,
  attributes_json                                  AS attributes,
  otlp_unmapped(resource, scope, {
    'scale': scale,
    'zero_threshold': nullif(zero_threshold, 0),
    'quantiles': CASE WHEN len(quantile_values) > 0 THEN quantile_values END,
    'exemplars': CASE WHEN len(exemplars) > 0 THEN list_transform(exemplars, lambda e: {
      'time_ns': e.time_unix_nano, 'value': coalesce(e.as_double, e.as_int),
      'trace_uid': otlp_id(e.trace_id), 'span_uid': otlp_id(e.span_id),
      'attributes': otlp_attributes(e.filtered_attributes)::JSON}) END,
    'no_recorded_value': CASE WHEN flags & 1 = 1 THEN true END}) AS unmapped
FROM points
