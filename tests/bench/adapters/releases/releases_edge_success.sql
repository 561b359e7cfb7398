-- name: releases_edge_success
-- reads: csv
-- class: metric_point
-- files: destination_success.csv source_success.csv destination_success.csv.gz source_success.csv.gz
-- context: path
-- A row is a time with a column an edge, `caller_callee`: the percentage of its calls that succeeded,
-- as the file's name says by the caller's account (source) or by the callee's (destination). It is
-- kept as the rate of failure, on the service whose account it is.
WITH cells AS (
  SELECT position, ingested_at, any_time(fields['timestamp']) AS told_at,
    starts_with(parse_filename(path), 'source') AS by_source, unnest(map_entries(fields)) AS cell
  FROM raw
),
named AS (
  SELECT *, try_cast(cell.value AS DOUBLE) AS number,
    regexp_extract(cell.key, '^([^_]+)_(.+)$', ['source', 'destination']) AS edge
  FROM cells
  WHERE cell.key NOT IN ('time', 'timestamp')
),
points AS (
  SELECT *, filled({'source_workload': edge.source, 'destination_workload': edge.destination,
      'reporter': CASE WHEN by_source THEN 'source' ELSE 'destination' END}) AS labels
  FROM named
)
SELECT
  position,
  ingested_at,
  told_at                                               AS "time",
  1                                                     AS activity_id,
  1                                                     AS severity_id,
  0                                                     AS status_id,
  {'service': CASE WHEN by_source THEN edge.source ELSE edge.destination END} AS workload,
  md5(concat_ws(chr(31), cell.key, by_source))          AS series_uid,
  'edge_error_rate'                                     AS metric_name,
  '%'                                                   AS unit,
  'gauge'                                               AS metric_type,
  100 - number                                          AS "value",
  labels                                                AS attributes,
  CASE
    WHEN cell.value = '' THEN ''
    WHEN number IS NULL OR edge.source = '' THEN cell.key || ' has no edge or no number'
  END                                                   AS problem
FROM points
