-- question: How many requests to $service had $ill before $onset and from then to $end, by which of $values they had?
-- `has` has a bit for each of the values, the first one the lowest.
WITH {{asked}},
told AS (
  SELECT during, bad,
    list_select(
      CASE WHEN len($paths) = 0 THEN [] ELSE json_extract_string(attributes, $paths::VARCHAR[]) END
      || known, $places) AS had
  FROM asked
)
SELECT
  during,
  list_sum(list_transform(range(1, len($values) + 1),
    lambda i: CASE WHEN had[i] = $values[i] THEN 1::BIGINT << (i - 1)::INTEGER ELSE 0 END
  ))::BIGINT            AS has,
  count(*)              AS requests,
  count(*) FILTER (bad) AS bad
FROM told
GROUP BY ALL
ORDER BY during, has
