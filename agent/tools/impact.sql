-- question: What share of users' requests failed before $onset, from then to $end, and how slow were they?
WITH {{spans}}, {{entered}}
SELECT
  time >= $onset                                   AS during,
  count(*)                                         AS requests,
  count(*) FILTER (failed)                         AS failed,
  round(100 * count(*) FILTER (failed) / count(*), 2) AS failed_percent,
  round(quantile_disc(duration_ns, 0.95) / 1e9, 3) AS p95_s
FROM entered
GROUP BY ALL
ORDER BY during
