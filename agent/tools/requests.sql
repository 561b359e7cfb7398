-- question: How many requests did each service answer, how fast and how well, from $start to $end?
WITH {{spans}}, {{calls}}, {{served}}
SELECT
  service,
  bucket,
  count(*)                           AS requests,
  count(*) FILTER (failed)           AS failed,
  count(*) FILTER (own_failed)       AS own_failed,
  quantile_disc(duration_ns, 0.95)   AS p95_ns,
  quantile_disc(own_ns, 0.95)        AS own_p95_ns
FROM served
GROUP BY ALL
ORDER BY service, bucket
