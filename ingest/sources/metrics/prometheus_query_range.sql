-- name: prometheus_query_range
-- reads: json
-- class: metric_point
-- product: Prometheus / Prometheus
-- sniff: "resultType"\s*:\s*"matrix"
-- https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
-- The answer does not say of which kind a metric is: what the naming rules call a counter is one,
-- all else a gauge. The result of an expression has no name and takes its file's. Native histograms
-- too, whose samples have a count, a sum and buckets.
WITH parsed AS (
  SELECT position, ingested_at, metric_of_file(path) AS file_name,
    from_json(doc, '{"status": "VARCHAR", "data": {"resultType": "VARCHAR",
      "result": [{"metric": "JSON", "values": [["VARCHAR"]], "histograms": [["JSON"]]}]},
      "warnings": "JSON", "infos": "JSON"}') AS answer
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
  SELECT * EXCLUDE (answer), answer.warnings, answer.infos,
    unnest(CASE WHEN problem IS NULL THEN answer.data.result ELSE [NULL] END) AS one
  FROM checked
),
series AS (
  SELECT position, ingested_at, problem, warnings, infos,
    coalesce(one.metric->>'__name__', file_name)      AS name,
    is_counter_name(one.metric->>'__name__')          AS counts,
    label_workload(one.metric)                        AS workload,
    labels_without_name(one.metric)                   AS labels,
    list_concat(
      list_transform(one.values, lambda pair: {'at': pair[1], 'value': pair[2]}),
      list_transform(one.histograms, lambda pair: {'at': pair[1]->>'$', 'histogram': pair[2]}))
      AS samples
  FROM answered
),
points AS (
  SELECT * EXCLUDE (samples), series_of(name, labels) AS series_uid,
    unnest(CASE WHEN len(samples) > 0 THEN samples ELSE [NULL] END, recursive := true)
  FROM series
)
SELECT
  position,
  ingested_at,
  time_from_us((try_cast("at" AS DECIMAL(20, 6)) * 1000000)::BIGINT) AS "time",
  1                                                   AS activity_id,
  1                                                   AS severity_id,
  0                                                   AS status_id,
  workload,
  series_uid,
  name                                                AS metric_name,
  CASE WHEN histogram IS NOT NULL THEN 'histogram' WHEN counts THEN 'sum' ELSE 'gauge'
    END                                               AS metric_type,
  CASE WHEN counts THEN 'cumulative'
    WHEN histogram IS NOT NULL THEN 'unspecified' END AS temporality,
  CASE WHEN counts THEN true END                      AS is_monotonic,
  finite(try_cast("value" AS DOUBLE))                 AS "value",
  finite(try_cast(histogram->>'$.sum' AS DOUBLE))     AS "sum",
  whole(try_cast(histogram->>'$.count' AS DOUBLE))    AS "count",
  sparse_bounds(api_buckets(histogram))               AS explicit_bounds,
  whole_counts(sparse_counts(api_buckets(histogram))) AS bucket_counts,
  labels                                              AS attributes,
  filled({'value': infinite(try_cast("value" AS DOUBLE), "value"),
    'histogram': histogram, 'warnings': warnings, 'infos': infos}) AS unmapped,
  coalesce(problem, CASE WHEN "value" IS NOT NULL AND try_cast("value" AS DOUBLE) IS NULL
    THEN 'the value is no number' END)                AS problem
FROM points
