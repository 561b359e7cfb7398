-- name: nezha_edge_latency
-- reads: csv
-- class: metric_point
-- files: source_[0-9]*.csv source_[0-9]*.csv.gz destination_[0-9]*.csv destination_[0-9]*.csv.gz
-- context: path
-- A row is a time with a column an edge, `caller_callee`: a percentile of the latency of its calls,
-- which the file is called by, on the account of the caller (source) or the callee (destination).
WITH cells AS (
  SELECT position, ingested_at, unnest(map_entries(fields)) AS cell,
    try_strptime(regexp_extract(fields['time'], '^(.*?)(?: m=|$)', 1), '%Y-%m-%d %H:%M:%S.%n %z UTC')
                                                        AS told_at,
    any_time(fields['timestamp'])::TIMESTAMPTZ_NS       AS epoch,
    regexp_extract(parse_filename(path), '^(source|destination)_(\d+)', ['by', 'percentile']) AS file
  FROM raw
),
named AS (
  SELECT *, try_cast(cell.value AS DOUBLE) AS number,
    regexp_extract(cell.key, '^([^_]+)_(.+)$', ['source', 'destination']) AS edge
  FROM cells
  WHERE lower(cell.key) NOT IN ('time', 'timestamp')
),
points AS (
  SELECT *, 'latency_p' || file.percentile AS metric, filled({'source_workload': edge.source,
      'destination_workload': edge.destination, 'reporter': file."by"}) AS labels
  FROM named
)
SELECT
  position,
  ingested_at,
  coalesce(told_at, epoch)                              AS "time",
  1                                                     AS activity_id,
  1                                                     AS severity_id,
  0                                                     AS status_id,
  {'service': CASE file."by" WHEN 'source' THEN edge.source ELSE edge.destination END} AS workload,
  md5(concat_ws(chr(31), metric, labels))               AS series_uid,
  metric                                                AS metric_name,
  'gauge'                                               AS metric_type,
  number                                                AS "value",
  labels                                                AS attributes,
  CASE WHEN cell.value = '' THEN ''   -- nothing was measured
    WHEN number IS NULL THEN cell.key || ' is no number'
    WHEN edge.source = '' THEN cell.key || ' is no edge' END AS problem
FROM points
