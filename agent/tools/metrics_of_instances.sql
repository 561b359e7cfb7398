-- question: How did each metric move on each instance of services with several, $start to $end?
-- Where an instance has several series, a gauge is the highest of them, a rate the sum of all.
WITH {{series}},
several AS (
  SELECT service
  FROM levels
  WHERE service IS NOT NULL AND instance <> ''
  GROUP BY service
  HAVING count(DISTINCT instance) > 1
),
of_instance AS (
  SELECT service, instance, metric_name, attributes, counts, bucket, max(unit) AS unit,
    CASE WHEN counts THEN sum(level::DECIMAL(38, 9)) ELSE max(level) END AS level
  FROM levels
  JOIN several USING (service)
  WHERE instance <> '' AND level IS NOT NULL
  GROUP BY service, instance, metric_name, attributes, counts, bucket
)
SELECT
  service, instance, metric_name, attributes, counts AS is_rate, max(unit) AS unit,
  list(bucket ORDER BY bucket)        AS buckets,
  list(level::DOUBLE ORDER BY bucket) AS "values"
FROM of_instance
GROUP BY service, instance, metric_name, attributes, counts
ORDER BY service, instance, metric_name, attributes, counts
