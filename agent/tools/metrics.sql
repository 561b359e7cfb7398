-- question: How did each metric of each service move, over all its instances, from $start to $end?
-- A gauge is that of its highest instance, a rate the sum of all. What belongs to no service is its
-- node's.
WITH {{series}},
owned AS (
  SELECT * REPLACE (CASE WHEN service IS NULL THEN node ELSE '' END AS node)
  FROM levels
  WHERE level IS NOT NULL
),
of_service AS (
  SELECT service, node, metric_name, attributes, counts, bucket, max(unit) AS unit,
    CASE WHEN counts THEN sum(level::DECIMAL(38, 9)) ELSE max(level) END AS level
  FROM owned
  GROUP BY service, node, metric_name, attributes, counts, bucket
)
SELECT
  service, node, metric_name, attributes, counts AS is_rate, max(unit) AS unit,
  list(bucket ORDER BY bucket)        AS buckets,
  list(level::DOUBLE ORDER BY bucket) AS "values"
FROM of_service
GROUP BY service, node, metric_name, attributes, counts
ORDER BY service, node, metric_name, attributes, counts
