-- question: What did each instance of $service measure, from $start to $end?
-- Where an instance has several series, a gauge is the highest of them, a rate the sum of all.
WITH {{series}},
of_instance AS (
  SELECT instance, version, metric_name, attributes, counts, bucket, max(unit) AS unit,
    CASE WHEN counts THEN sum(level::DECIMAL(38, 9)) ELSE max(level) END AS level
  FROM levels
  WHERE service = $service AND instance <> '' AND level IS NOT NULL
  GROUP BY instance, version, metric_name, attributes, counts, bucket
)
SELECT
  instance, version, metric_name, attributes, counts AS is_rate, max(unit) AS unit,
  list(bucket ORDER BY bucket)        AS buckets,
  list(level::DOUBLE ORDER BY bucket) AS "values"
FROM of_instance
GROUP BY instance, version, metric_name, attributes, counts
ORDER BY metric_name, attributes, instance, version, counts
