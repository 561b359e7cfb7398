-- name: histories_metrics
-- reads: csv
-- class: metric_point
-- files: metrics.csv metrics.csv.gz
-- A row is a value: `timestamp,service,metric,value`.
SELECT
  position,
  ingested_at,
  any_time(fields['timestamp'])                         AS "time",
  1                                                     AS activity_id,
  1                                                     AS severity_id,
  0                                                     AS status_id,
  {'service': fields['service']}                        AS workload,
  md5(concat_ws(chr(31), fields['service'], fields['metric'])) AS series_uid,
  fields['metric']                                      AS metric_name,
  'gauge'                                               AS metric_type,
  try_cast(fields['value'] AS DOUBLE)                   AS "value",
  CASE WHEN try_cast(fields['value'] AS DOUBLE) IS NULL THEN 'the value is no number' END AS problem
FROM raw
