-- question: What had the requests to $service with $ill from $onset to $end, and what had others then?
-- Of a sample of either, drawn by lot. Values of one `lots` are of the same requests.
WITH {{asked}},
numbered AS (
  SELECT *, row_number() OVER (ORDER BY bad, md5(uid), time, attributes) AS lot
  FROM (
    (FROM asked WHERE during AND bad ORDER BY md5(uid), time, attributes LIMIT 4000)
    UNION ALL
    (FROM asked WHERE during AND NOT bad ORDER BY md5(uid), time, attributes LIMIT 4000)
  )
),
keyed AS (
  SELECT bad, lot, attributes, unnest(json_keys(attributes)) AS "key"
  FROM numbered
),
had AS (  -- `place` is that in `known`; NULL for one of the attributes
  SELECT bad, lot, unnest(names) AS attribute, unnest(range(1, len(names) + 1)) AS place,
    unnest(known) AS value
  FROM numbered
  UNION ALL
  SELECT bad, lot, "key", NULL, json_extract_string(attributes, '$."' || "key" || '"')
  FROM keyed
  WHERE "key" NOT LIKE '%"%' AND "key" NOT LIKE '%\%'
)
SELECT
  attribute, place, value,
  count(*) FILTER (bad)                             AS bad,
  count(*) FILTER (NOT bad)                         AS others,
  (SELECT count(*) FROM numbered WHERE bad)         AS all_bad,
  (SELECT count(*) FROM numbered WHERE NOT bad)     AS all_others,
  sum(lot) || '/' || sum(lot * lot)                 AS lots
FROM had
WHERE length(value) BETWEEN 1 AND 120
GROUP BY attribute, place, value
HAVING 10 * count(*) FILTER (bad) >= all_bad AND count(*) FILTER (bad) > 0
ORDER BY attribute, place, value
