-- question: How did $metric move on each instance of $service, from $start to $end?
-- The ceiling is what the instance says of $ceiling, if it says anything.
WITH {{series}},
ceilings AS (
  SELECT instance, max(level)::DOUBLE AS ceiling
  FROM levels
  WHERE service = $service AND metric_name = $ceiling
  GROUP BY instance
)
SELECT
  instance, version, max(unit) AS unit, max(ceiling) AS ceiling,
  list(bucket ORDER BY bucket)        AS buckets,
  list(level::DOUBLE ORDER BY bucket) AS "values"
FROM levels
LEFT JOIN ceilings USING (instance)
WHERE service = $service AND metric_name = $metric AND attributes = $attributes
  AND level IS NOT NULL
GROUP BY instance, version
ORDER BY min(bucket), instance, version
