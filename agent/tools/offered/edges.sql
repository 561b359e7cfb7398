-- question: Who called whom from $onset to $end, against the time from $start to $calm_until?
-- offer: Calls between services and stores: rate, failures, p95 since onset and before, worst first
-- takes: service text = all -- part of either's name
-- takes: start time = start
-- takes: onset time = onset
-- takes: end time = end
-- `worse` is in points of failure, ten of which are as bad as p95 times e.
WITH trace_span AS (
  FROM trace_span
  WHERE time >= $start AND time < $calm_until OR time >= $onset AND time < $end
),
{{spans}}, {{calls}}, {{called}},
lengths AS (
  SELECT (epoch_us($end) - epoch_us($onset)) / 6e7 AS during_min,
    greatest(epoch_us($calm_until) - epoch_us($start), 1) / 6e7 AS before_min
),
summed AS (
  SELECT caller, callee, system,
    count(*) FILTER (time < $onset)                                 AS calls_before,
    count(*) FILTER (time >= $onset)                                AS calls,
    count(*) FILTER (failed AND time < $onset)                      AS failed_before,
    count(*) FILTER (failed AND time >= $onset)                     AS failed_since,
    count(*) FILTER (answered_by IS NULL AND time >= $onset)        AS unanswered,
    quantile_disc(duration_ns, 0.95) FILTER (time < $onset)         AS p95_before_ns,
    quantile_disc(duration_ns, 0.95) FILTER (time >= $onset)        AS p95_ns
  FROM called
  WHERE $service IS NULL OR contains(lower(caller), lower($service))
    OR contains(lower(callee), lower($service))
  GROUP BY caller, callee, system
)
SELECT caller, callee, system,
  round(calls_before / before_min, 1)                      AS per_min_before,
  round(calls / during_min, 1)                             AS per_min,
  round(100 * failed_before / nullif(calls_before, 0), 2)  AS failed_pct_before,
  round(100 * failed_since / nullif(calls, 0), 2)          AS failed_pct,
  round(p95_before_ns / 1e6, 1)                            AS p95_ms_before,
  round(p95_ns / 1e6, 1)                                   AS p95_ms,
  CASE WHEN system IS NULL THEN unanswered END             AS unanswered,
  round(coalesce(failed_pct - failed_pct_before, failed_pct, 0)
    + 10 * ln(greatest(coalesce(p95_ns / p95_before_ns, 1), 1)), 1) AS worse
FROM summed, lengths
ORDER BY worse DESC NULLS LAST, caller, callee, system
LIMIT 200
