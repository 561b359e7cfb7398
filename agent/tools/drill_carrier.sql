-- question: How many requests to $service with $attributes$without had $ill from $onset to $end and before, beside all others?
-- `combinations` are places in `values`: the first is asked about, who fits a later one is left out.
WITH {{asked}},
told AS (
  SELECT during, bad,
    list_select(
      CASE WHEN len($paths) = 0 THEN [] ELSE json_extract_string(attributes, $paths::VARCHAR[]) END
      || known, $places) AS had
  FROM asked
),
fitted AS (
  SELECT during, bad,
    list_transform($combinations::BIGINT[][],
      lambda c: coalesce(list_select(had, c) = list_select($values::VARCHAR[], c), false)) AS fits
  FROM told
),
sided AS (
  SELECT during, bad, fits[1] AS inside
  FROM fitted
  WHERE NOT list_contains(fits[2:], true)
)
SELECT
  during,
  inside,
  (CASE WHEN inside THEN $attributes ELSE 'all others' END) || $without AS "with",
  count(*)                                          AS requests,
  count(*) FILTER (bad)                             AS bad,
  round(100 * count(*) FILTER (bad) / count(*), 2)  AS bad_percent,
  sum(count(*) FILTER (bad)) OVER (PARTITION BY during) AS all_bad
FROM sided
GROUP BY during, inside
ORDER BY during, inside
