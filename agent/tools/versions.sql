-- question: Which version ran on each instance, and when, from $start to $end?
-- A run is a stretch in which an instance reports one version; the newest wins within 5 seconds.
-- Metrics, which come seldom, tell it of a service whose spans and logs do not.
WITH said AS (
  SELECT workload.service AS service, workload.version AS version,
    coalesce(workload.instance, '') AS instance, time
  FROM trace_span WHERE time >= $start AND time < $end
  UNION ALL
  SELECT workload.service, workload.version, coalesce(workload.instance, ''), time
  FROM log_record WHERE time >= $start AND time < $end
),
seen AS (
  SELECT * FROM said
  UNION ALL
  SELECT workload.service, workload.version, workload.instance, time
  FROM metric_point
  ANTI JOIN (SELECT DISTINCT service FROM said WHERE version IS NOT NULL) AS told
    ON told.service = workload.service
  WHERE time >= $start AND time < $end AND workload.instance IS NOT NULL
),
ticks AS (
  SELECT service, instance, epoch_us(time) // 5000000 AS tick,
    arg_max(version, (time, version)) AS version, min(time) AS first_at, max(time) AS last_at
  FROM seen
  WHERE service IS NOT NULL AND version IS NOT NULL AND service <> 'inquest'
  GROUP BY ALL
),
turns AS (
  SELECT *, version IS DISTINCT FROM lag(version) OVER (
    PARTITION BY service, instance ORDER BY tick) AS turned
  FROM ticks
),
runs AS (
  SELECT *, count(*) FILTER (turned) OVER (
    PARTITION BY service, instance ORDER BY tick) AS run
  FROM turns
)
SELECT service, version, instance, min(first_at) AS first_seen_at, max(last_at) AS last_seen_at
FROM runs
GROUP BY service, version, instance, run
ORDER BY service, first_seen_at, instance, version
