-- question: What did $service $old and $new each do while both ran, $start to $end?
WITH {{spans}}, {{calls}}, {{served}}, {{cohort}}
SELECT
  is_new,
  count(*)                                    AS requests,
  count(*) FILTER (own_failed)                AS own_failed,
  round(100 * count(*) FILTER (own_failed) / count(*), 2) AS own_failed_percent,
  round(quantile_disc(own_ns, 0.95) / 1e6, 1) AS own_p95_ms
FROM cohort
GROUP BY ALL
ORDER BY is_new
