-- name: cloudwatch_metric_stream
-- reads: json
-- class: metric_point
-- product: AWS / CloudWatch
-- sniff: "metric_stream_name"\s*:
-- https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-json.html
-- A metric stream in JSON, a record a line, with additional statistics; in OpenTelemetry 0.7 and 1.0
-- it is a file for the source otlp_metrics.
WITH parsed AS (
  SELECT position, ingested_at,
    from_json(doc, '{"metric_stream_name": "VARCHAR", "account_id": "VARCHAR", "region": "VARCHAR",
      "namespace": "VARCHAR", "metric_name": "VARCHAR", "dimensions": "JSON",
      "timestamp": "VARCHAR", "value": "JSON", "unit": "VARCHAR"}') AS m
  FROM raw
),
found AS (
  SELECT position, ingested_at, m.*, sorted_object(m.dimensions) AS attributes
  FROM parsed
)
SELECT
  position,
  ingested_at,
  any_time("timestamp")                    AS "time",
  1                                        AS activity_id,
  1                                        AS severity_id,
  0                                        AS status_id,
  cloudwatch_workload(dimensions, region, account_id) AS workload,
  md5(concat_ws(chr(31), account_id, region, namespace, metric_name, attributes)) AS series_uid,
  metric_name,
  cloudwatch_unit(unit)                    AS unit,
  'summary'                                AS metric_type,
  decimal_number("value"->>'$.sum')        AS "sum",
  whole(decimal_number("value"->>'$.count')) AS "count",
  decimal_number("value"->>'$.min')        AS "min",
  decimal_number("value"->>'$.max')        AS "max",
  attributes,
  filled({'metric_stream_name': metric_stream_name, 'namespace': namespace, 'unit': unit,
    'statistics': filled(json_merge_patch("value", '{"sum": null, "min": null, "max": null'
      || CASE WHEN whole(decimal_number("value"->>'$.count')) IS NOT NULL THEN ', "count": null}'
        ELSE '}' END))::JSON}) AS unmapped,
  CASE
    WHEN metric_name IS NULL OR namespace IS NULL THEN 'the record has no metric'
    WHEN json_type("value") IS DISTINCT FROM 'OBJECT' THEN 'the record has no statistics'
  END                                      AS problem
FROM found
