-- The shape of every series of a metric from $start to $end: its levels, before $since and after.
-- Of a counter the level is the whole count; `rise` is what it gained.
SELECT
  coalesce(workload.service, workload.node, '') AS service, workload.namespace AS namespace,
  workload.pod AS pod, workload.node AS node, workload.zone AS zone,
  metric_name AS metric, unit, attributes, coalesce(is_monotonic, false) AS is_counter,
  count(*)::BIGINT AS points, min(time) AS first_at, max(time) AS seen_at,
  arg_min(value, (time, value)) AS first, arg_max(value, time) AS last,
  min(value) AS low, max(value) AS high, round(avg(value), 6) AS mean,
  arg_max(time, value) AS high_at, arg_min(time, (value, time)) AS low_at,
  round(median(value) FILTER (time < $since), 6) AS before,
  round(median(value) FILTER (time >= $since), 6) AS during,
  arg_max(value, time) - arg_min(value, (time, value)) AS rise
FROM (
  SELECT * REPLACE (coalesce(value, sum / nullif(count, 0)) AS value) FROM metric_point
  WHERE time >= $start AND time < $end
)
WHERE value IS NOT NULL AND NOT isnan(value)
GROUP BY ALL
