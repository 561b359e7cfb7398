-- name: releases_edge_metrics
-- reads: csv
-- class: metric_point
-- files: edge_metrics.csv.gz edge_metrics.csv
-- A row is a pod at a time as one end of an edge, with a column a metric, its unit in brackets. What
-- a pod says of itself stands in the row of each of its edges, and is taken from the first. A rate of
-- success is kept as the rate of failure: of several instances the worst then counts. What a pod sees of
-- its node stays with the pod: no row names the node.
WITH told AS (
  SELECT *, fields['pod'] AS pod, any_time(fields['Timestamp']) AS told_at,
    row_number() OVER (PARTITION BY fields['pod'], fields['Timestamp'] ORDER BY position) = 1 AS is_first
  FROM raw
),
cells AS (
  SELECT position, ingested_at, pod, told_at, is_first, fields['source'] AS source,
    fields['destination'] AS destination, unnest(map_entries(fields)) AS cell
  FROM told
),
named AS (
  SELECT *, regexp_extract(cell.key, '^(.*?)(?:\((.*)\))?$', ['name', 'unit']) AS metric
  FROM cells
  WHERE cell.key NOT IN ('pod', 'source', 'destination', 'Time', 'Timestamp')
),
points AS (
  SELECT *,
    metric.name IN ('SuccessRate', 'Latency')                          AS of_edge,
    try_cast(cell.value AS DOUBLE)                                     AS number,
    CASE WHEN of_edge THEN filled({'source_workload': source,
      'destination_workload': destination,
      'reporter': CASE WHEN pod_parts(pod).service = destination THEN 'destination' ELSE 'source' END
    }) END                                                             AS labels
  FROM named
)
SELECT
  position,
  ingested_at,
  told_at                                               AS "time",
  1                                                     AS activity_id,
  1                                                     AS severity_id,
  0                                                     AS status_id,
  pod_workload(pod)                                     AS workload,
  md5(concat_ws(chr(31), pod, metric.name, labels))     AS series_uid,
  CASE metric.name WHEN 'SuccessRate' THEN 'error_rate' WHEN 'Latency' THEN 'latency'
    ELSE metric.name END                                AS metric_name,
  CASE metric.name WHEN 'SuccessRate' THEN '%' WHEN 'Latency' THEN 'ms' ELSE given(metric.unit) END
                                                        AS unit,
  'gauge'                                               AS metric_type,
  CASE metric.name WHEN 'SuccessRate' THEN 100 - number ELSE number END AS "value",
  labels                                                AS attributes,
  CASE
    WHEN cell.value IN ('', 'NaN') OR NOT (is_first OR of_edge) THEN ''  -- nothing was measured
    WHEN number IS NULL THEN metric.name || ' is no number'
  END                                                   AS problem
FROM points
