-- question: What did $service do in the same hours a week before, $start to $end?
SELECT
  count(*)                          AS requests,
  count(*) FILTER (status_id = 2)   AS failed,
  quantile_disc(duration_ns, 0.95)  AS p95_ns
FROM trace_span
WHERE time >= $start AND time < $end
  AND workload.service = $service AND span_kind IN ('server', 'consumer')
ORDER BY requests
