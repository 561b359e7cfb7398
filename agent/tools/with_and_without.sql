-- question: How did $instances of $service fare beside its others, on their own, from $start to $end?
WITH {{spans}}, {{calls}}, {{served}}
SELECT
  list_contains($instances, instance) AS has_it,
  bucket,
  count(*)                            AS requests,
  count(*) FILTER (own_failed)        AS own_failed,
  quantile_disc(own_ns, 0.95)         AS own_p95_ns
FROM served
WHERE service = $service
GROUP BY ALL
ORDER BY has_it, bucket
