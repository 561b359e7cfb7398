-- question: What did $service do in the same hours a week before, $start to $end?
WITH {{spans}}
SELECT
  count(*)                          AS requests,
  count(*) FILTER (failed)          AS failed,
  quantile_disc(duration_ns, 0.95)  AS p95_ns
FROM spans
WHERE service = $service AND span_kind IN ('server', 'consumer')
ORDER BY requests
