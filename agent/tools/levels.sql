-- question: How did each service do before $onset, from then to $ended, and after?
WITH {{spans}}, {{calls}}, {{served}},
phased AS (
  SELECT *, CASE
    WHEN bucket < (epoch_us($onset) - epoch_us($start)) // ($bucket_s * 1000000) THEN 'before'
    WHEN bucket < (epoch_us($ended) - epoch_us($start)) // ($bucket_s * 1000000) THEN 'during'
    ELSE 'after' END AS phase
  FROM served
)
SELECT
  service,
  phase,
  count(*)                                            AS requests,
  count(*) FILTER (failed)                            AS failed,
  count(*) FILTER (own_failed)                        AS own_failed,
  round(100 * count(*) FILTER (failed) / count(*), 2) AS failed_percent,
  round(quantile_disc(duration_ns, 0.95) / 1e6, 1)    AS p95_ms,
  round(quantile_disc(own_ns, 0.95) / 1e6, 1)         AS own_p95_ms
FROM phased
GROUP BY ALL
ORDER BY service, phase
