-- question: What did users get at the entrance from $start to $end?
WITH {{spans}}, {{entered}}
SELECT
  (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000) AS bucket,
  count(*)                           AS requests,
  count(*) FILTER (failed)           AS failed,
  quantile_disc(duration_ns, 0.95)   AS p95_ns
FROM entered
GROUP BY ALL
ORDER BY bucket
