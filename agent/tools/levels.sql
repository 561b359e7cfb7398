-- question: How did each service do before $onset, from then to $ended, and after?
WITH {{served}},
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
  count(*)                                                               AS requests,
  count(*) FILTER (failed)                                               AS failed,
  count(*) FILTER (own_failed)                                           AS own_failed,
  format('{:.3g}', 100 * count(*) FILTER (failed) / count(*))::DOUBLE    AS failed_percent,
  format('{:.3g}', quantile_disc(duration_ns, 0.95) / 1e6)::DOUBLE       AS p95_ms,
  format('{:.3g}', quantile_disc(own_ns, 0.95) / 1e6)::DOUBLE            AS own_p95_ms
FROM phased
GROUP BY ALL
ORDER BY service, phase
