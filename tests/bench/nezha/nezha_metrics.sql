-- name: nezha_metrics
-- reads: csv
-- class: metric_point
-- files: metrics.csv.gz metrics.csv front_service.csv.gz front_service.csv
-- https://github.com/IntelligentDDS/Nezha#dataset
-- A row is a pod at a time with a column a metric, its unit in brackets. `Time` is Go's, with the
-- monotonic clock behind. What the node did is no pod's doing, so it names no service.
WITH cells AS (
  SELECT position, ingested_at, fields, unnest(map_entries(fields)) AS cell
  FROM raw
),
points AS (
  SELECT *,
    coalesce(fields['PodName'], fields['ServiceName'])                  AS pod,
    regexp_extract(cell.key, '^(.*?)(?:\((.*)\))?$', ['name', 'unit']) AS metric,
    try_cast(cell.value AS DOUBLE)                                      AS "value"
  FROM cells
  WHERE cell.key NOT IN ('Time', 'TimeStamp', 'PodName', 'ServiceName')
)
SELECT
  position,
  ingested_at,
  try_strptime(regexp_extract(fields['Time'], '^(.*?) m=', 1), '%Y-%m-%d %H:%M:%S.%n %z UTC') AS "time",
  1                                                     AS activity_id,
  1                                                     AS severity_id,
  0                                                     AS status_id,
  CASE WHEN starts_with(metric.name, 'Node') THEN {'pod': pod} ELSE pod_workload(pod, NULL) END
                                                        AS workload,
  md5(concat_ws(chr(31), pod, metric.name))             AS series_uid,
  metric.name                                           AS metric_name,
  given(metric.unit)                                    AS unit,
  'gauge'                                               AS metric_type,
  "value",
  CASE
    WHEN cell.value = '' THEN ''   -- nothing was measured
    WHEN "value" IS NULL THEN metric.name || ' is no number'
    WHEN starts_with(metric.name, 'PodClientLatency') AND "value" >= 1
      THEN metric.name || ' is in seconds or in milliseconds: which is not known'
  END                                                   AS problem
FROM points
