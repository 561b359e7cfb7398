-- question: How did each version of $service fare, on its own, from $start to $end?
WITH {{spans}}, {{calls}}, {{served}}
SELECT
  coalesce(version, '')              AS version,
  bucket,
  count(*)                           AS requests,
  count(*) FILTER (own_failed)       AS own_failed,
  quantile_disc(own_ns, 0.95)        AS own_p95_ns
FROM served
WHERE service = $service
GROUP BY ALL
ORDER BY version, bucket
