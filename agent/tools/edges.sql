-- question: Who called whom, how fast and how well, from $start to $end?
WITH {{spans}}, {{calls}}, {{called}}
SELECT
  caller, callee, system,
  (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000) AS bucket,
  count(*)                                                     AS calls,
  count(DISTINCT trace_uid)                                    AS traces,
  count(*) FILTER (failed)                                     AS failed,
  count(*) FILTER (failed AND answered_by IS NULL)             AS unanswered,
  quantile_disc(duration_ns, 0.95)                             AS p95_ns
FROM called
GROUP BY ALL
ORDER BY caller, callee, system, bucket
