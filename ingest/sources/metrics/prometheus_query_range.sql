-- name: prometheus_query_range
-- reads: json
-- class: metric_point
-- product: Prometheus / Prometheus
-- sniff: "resultType"\s*:\s*"matrix"
-- https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
-- The answer does not say of which kind a metric is: what the naming rules call a counter is one,
-- all else a gauge. The result of an expression has no name and takes its file's.
WITH parsed AS (
  SELECT position, ingested_at,
    regexp_extract(path, '([^/\\]+?)(?:\.(?:jsonl?|gz|zst))*$', 1) AS file_name,
    from_json(doc, '{"status": "VARCHAR", "data": {"resultType": "VARCHAR",
      "result": [{"metric": "JSON", "values": [["VARCHAR"]]}]}}') AS answer
  FROM raw
),
checked AS (
  SELECT *,
    CASE
      WHEN answer.status = 'error' THEN 'Prometheus answered with an error'
      WHEN answer.status IS DISTINCT FROM 'success' THEN 'the document is no answer of Prometheus'
      WHEN answer.data."resultType" IS DISTINCT FROM 'matrix' THEN 'the answer is of no range query'
      WHEN coalesce(len(answer.data.result), 0) = 0 THEN ''   -- nothing to map
    END AS problem
  FROM parsed
),
answered AS (
  SELECT * EXCLUDE (answer),
    unnest(CASE WHEN problem IS NULL THEN answer.data.result ELSE [NULL] END) AS one
  FROM checked
),
series AS (
  SELECT position, ingested_at, problem,
    coalesce(one.metric->>'__name__', regexp_replace(file_name, '^prometheus_(\d+_)?', '')) AS name,
    coalesce(regexp_matches(one.metric->>'__name__',
      '_(total|bucket)$|_(seconds|bytes)_(count|sum)$'), false) AS counts,
    label_workload(one.metric)                        AS workload,
    sorted_object(json_merge_patch(one.metric, '{"__name__": null}')) AS labels,
    CASE WHEN len(one.values) > 0 THEN one.values ELSE [NULL] END AS pairs
  FROM answered
)
SELECT
  position,
  ingested_at,
  time_from_us((try_cast(pair[1] AS DECIMAL(20, 6)) * 1000000)::BIGINT) AS "time",
  1                                                   AS activity_id,
  1                                                   AS severity_id,
  0                                                   AS status_id,
  workload,
  series_uid,
  name                                                AS metric_name,
  CASE WHEN counts THEN 'sum' ELSE 'gauge' END        AS metric_type,
  CASE WHEN counts THEN 'cumulative' END              AS temporality,
  CASE WHEN counts THEN true END                      AS is_monotonic,
  try_cast(pair[2] AS DOUBLE)                         AS "value",
  labels                                              AS attributes,
  problem
FROM (
  SELECT *, md5(concat_ws(chr(31), name, labels)) AS series_uid, unnest(pairs) AS pair FROM series
)
