-- name: prometheus_query
-- reads: json
-- class: metric_point
-- product: Prometheus / Prometheus
-- sniff: "resultType"\s*:\s*"(vector|scalar|string)"
-- https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
-- Vectors and scalars; a matrix is read as the range query's, which has the same shape. Kinds and
-- names as there. Native histograms too.
WITH parsed AS (
  SELECT position, ingested_at, metric_of_file(path) AS file_name,
    from_json(doc, '{"status": "VARCHAR",
      "data": {"resultType": "VARCHAR", "result": "JSON"},
      "warnings": "JSON", "infos": "JSON"}') AS answer
  FROM raw
),
checked AS (
  SELECT *, answer.data."resultType" AS kind,
    CASE
      WHEN answer.status = 'error' THEN 'Prometheus answered with an error'
      WHEN answer.status IS DISTINCT FROM 'success' THEN 'the document is no answer of Prometheus'
      WHEN kind = 'string' THEN 'the answer is a text and no number'
      WHEN coalesce(kind, '') NOT IN ('vector', 'scalar') THEN 'the answer is of no instant query'
      WHEN json_array_length(answer.data.result) = 0 THEN ''   -- nothing to map
    END AS problem
  FROM parsed
),
samples AS (
  SELECT position, ingested_at, problem, file_name, answer.warnings, answer.infos,
    unnest(CASE
      WHEN problem IS NOT NULL THEN [NULL]
      WHEN kind = 'scalar' THEN [{'metric': '{}'::JSON,
        'value': from_json(answer.data.result, '["VARCHAR"]'), 'histogram': NULL::JSON[]}]
      ELSE from_json(answer.data.result,
        '[{"metric": "JSON", "value": ["VARCHAR"], "histogram": ["JSON"]}]')
    END) AS one
  FROM checked
),
points AS (
  SELECT position, ingested_at, problem, warnings, infos,
    coalesce(one.metric->>'__name__', file_name)      AS name,
    is_counter_name(one.metric->>'__name__')          AS counts,
    label_workload(one.metric)                        AS workload,
    labels_without_name(one.metric)                   AS labels,
    coalesce(one.value[1], one.histogram[1]->>'$')    AS "at",
    one.value[2]                                      AS "value",
    one.histogram[2]                                  AS histogram
  FROM samples
)
SELECT
  position,
  ingested_at,
  time_from_us((try_cast("at" AS DECIMAL(20, 6)) * 1000000)::BIGINT) AS "time",
  1                                                   AS activity_id,
  1                                                   AS severity_id,
  0                                                   AS status_id,
  workload,
  series_of(name, labels)                             AS series_uid,
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
