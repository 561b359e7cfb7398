-- question: Which metrics moved, over all instances of a service, from $start to $end?
-- A gauge is that of its highest instance, a rate the sum of all. What never moves is left out.
WITH {{series}},
of_service AS (
  SELECT service, metric_name, attributes, counts, bucket, max(unit) AS unit,
    CASE WHEN counts THEN sum(level::DECIMAL(38, 9)) ELSE max(level) END AS level
  FROM levels
  WHERE level IS NOT NULL
  GROUP BY service, metric_name, attributes, counts, bucket
)
SELECT
  service, metric_name, attributes, counts AS is_rate, max(unit) AS unit,
  list(bucket ORDER BY bucket)        AS buckets,
  list(level::DOUBLE ORDER BY bucket) AS "values"
FROM of_service
GROUP BY service, metric_name, attributes, counts
HAVING min(level) < max(level)
ORDER BY service, metric_name, attributes, counts
