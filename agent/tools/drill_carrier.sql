-- question: How many requests to $service with $attributes had $ill from $onset to $end and before, beside all others?
WITH {{asked}},
told AS (
  SELECT during, bad,
    coalesce(list_select(
      CASE WHEN len($paths) = 0 THEN [] ELSE json_extract_string(attributes, $paths::VARCHAR[]) END
      || known, $places)
      = $values, false) AS inside
  FROM asked
)
SELECT
  during,
  inside,
  CASE WHEN inside THEN $attributes ELSE 'all others' END AS "with",
  count(*)                                          AS requests,
  count(*) FILTER (bad)                             AS bad,
  round(100 * count(*) FILTER (bad) / count(*), 2)  AS bad_percent,
  sum(count(*) FILTER (bad)) OVER (PARTITION BY during) AS all_bad
FROM told
GROUP BY during, inside
ORDER BY during, inside
