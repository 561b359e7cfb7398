-- name: otlp_metrics
-- reads: otlp_metrics
-- class: metric_point
-- product: OpenTelemetry / OTLP
-- sniff: "(resourceMetrics|resource_metrics)"\s*:
-- files: *metric*
-- https://opentelemetry.io/docs/specs/otel/metrics/data-model/
-- OTLP 0.15 to 1.10, protobuf and JSON, as exported and as the Collector's file exporter writes it;
-- CloudWatch metric streams in OpenTelemetry 0.7 and 1.0, whose quantiles 0 and 1 are the extremes.
WITH points AS (
  SELECT * EXCLUDE ("min", "max"),
    CASE WHEN len(labels) > 0
      THEN sorted_object(to_json(MAP(labels.list_transform(lambda l: l.key),
        labels.list_transform(lambda l: l.value))))
      ELSE otlp_attributes(attributes) END AS attributes_json,
    CASE WHEN metric_type <> 'summary' THEN "min"
      ELSE list_filter(quantile_values, lambda q: q.quantile = 0)[1]."value" END AS "min",
    CASE WHEN metric_type <> 'summary' THEN "max"
      ELSE list_filter(quantile_values, lambda q: q.quantile = 1)[1]."value" END AS "max"
  FROM raw
)
SELECT
  position,
  ingested_at,
  time_from_ns(time_unix_nano)                     AS "time",
  time_unix_nano                                   AS time_ns,
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
  coalesce(otlp_finite(as_double), as_int)         AS "value",
  otlp_finite("sum")                               AS "sum",
  "count",
  otlp_finite("min")                               AS "min",
  otlp_finite("max")                               AS "max",
  CASE metric_type
    WHEN 'histogram' THEN explicit_bounds
    WHEN 'exponential_histogram' THEN exponential_bounds(scale, positive, negative)
  END                                              AS explicit_bounds,
  CASE metric_type
    WHEN 'histogram' THEN bucket_counts
    WHEN 'exponential_histogram' THEN exponential_counts(zero_count, positive, negative)
  END                                              AS bucket_counts,
  attributes_json                                  AS attributes,
  otlp_unmapped(points,
    otlp_text_member('description', metric_description)
    || otlp_member('metadata',
      CASE WHEN len(metric_metadata) > 0 THEN otlp_attributes(metric_metadata) END)
    || otlp_count('start_time_ns',
      CASE WHEN start_time_unix_nano % 1000 > 0 THEN start_time_unix_nano END)
    || otlp_count('as_int', otlp_exact(as_int))
    || CASE WHEN isfinite(coalesce(as_double, 0) + coalesce("sum", 0) + coalesce("min", 0)
        + coalesce("max", 0)) THEN ''
      ELSE otlp_infinite('value', as_double) || otlp_infinite('sum', "sum")
        || otlp_infinite('min', "min") || otlp_infinite('max', "max") END
    || CASE metric_type
      WHEN 'exponential_histogram' THEN otlp_member('scale', scale::VARCHAR)
        || otlp_count('zero_threshold', zero_threshold)
        || otlp_member('positive_offset',
          CASE WHEN len(positive.bucket_counts) > 0 THEN positive."offset"::VARCHAR END)
        || otlp_member('negative_offset',
          CASE WHEN len(negative.bucket_counts) > 0 THEN negative."offset"::VARCHAR END)
      WHEN 'summary' THEN otlp_member('quantiles',
        CASE WHEN len(quantile_values) > 0 THEN to_json(quantile_values)::VARCHAR END)
      ELSE '' END
    || CASE WHEN len(exemplars) > 0 THEN otlp_member('exemplars', '[' || array_to_string(
      exemplars.list_transform(lambda e: otlp_exemplar(e)), ',') || ']') ELSE '' END
    || CASE WHEN flags > 0 THEN
        otlp_member('no_recorded_value', CASE WHEN flags & 1 = 1 THEN 'true' END)
        || otlp_count('flags', flags & ~1::UINTEGER) ELSE '' END) AS unmapped
FROM points
