-- question: Which instances were announced to be started or stopped from $start to $end, and which were heard from?
-- An instance is started when OCSF's activity Start says so (3), and stopped with Stop (4). It is heard
-- from where any telemetry names it.
WITH told AS (
  SELECT coalesce(app.name, workload.service) AS service, workload.instance AS instance,
    max(coalesce(app.version, workload.version)) AS version,
    min(time) FILTER (activity_id = 3)           AS started_at,
    max(time) FILTER (activity_id = 4)           AS stopped_at
  FROM application_lifecycle
  WHERE time >= $start AND time < $end AND activity_id IN (3, 4) AND workload.instance IS NOT NULL
  GROUP BY ALL
),
heard AS (
  SELECT workload.instance AS instance, time FROM trace_span
  WHERE time >= $start AND time < $end
  UNION ALL
  SELECT workload.instance, time FROM log_record WHERE time >= $start AND time < $end
  UNION ALL
  SELECT workload.instance, time FROM metric_point WHERE time >= $start AND time < $end
),
extents AS (
  SELECT instance, min(time) AS first_at, max(time) AS last_at
  FROM heard
  SEMI JOIN told USING (instance)
  GROUP BY instance
)
SELECT service, instance, version, started_at, stopped_at, first_at, last_at
FROM told
LEFT JOIN extents USING (instance)
WHERE service IS NOT NULL
ORDER BY service, instance
