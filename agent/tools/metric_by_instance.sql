-- question: How did $metric move on each instance of $service, from $start to $end?
-- The ceiling is what the instance says of $ceiling, if it says anything. Where an instance has
-- several series, a gauge is the highest of them, a rate the sum of all.
WITH {{series}},
ceilings AS (
  SELECT instance, max(level)::DOUBLE AS ceiling
  FROM levels
  WHERE service = $service AND metric_name = $ceiling
  GROUP BY instance
),
of_instance AS (
  SELECT instance, version, bucket, max(unit) AS unit,
    CASE WHEN bool_or(counts) THEN sum(level::DECIMAL(38, 9)) ELSE max(level) END AS level
  FROM levels
  WHERE service = $service AND metric_name = $metric AND attributes = $attributes
    AND level IS NOT NULL
  GROUP BY instance, version, bucket
)
SELECT
  instance, version, max(unit) AS unit, max(ceiling) AS ceiling,
  list(bucket ORDER BY bucket)        AS buckets,
  list(level::DOUBLE ORDER BY bucket) AS "values"
FROM of_instance
LEFT JOIN ceilings USING (instance)
GROUP BY instance, version
ORDER BY min(bucket), instance, version
