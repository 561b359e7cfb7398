-- question: What telemetry is there from $start to $end, and when does it really begin?
-- A stray record does not begin it: `begins_at` leaves the earliest half per cent out.
WITH held AS (
  SELECT 'trace_span' AS "table", time FROM trace_span
  WHERE workload.service IS DISTINCT FROM 'inquest'
  UNION ALL
  SELECT 'log_record', time FROM log_record
  UNION ALL
  SELECT 'metric_point', time FROM metric_point
  WHERE workload.service IS DISTINCT FROM 'inquest'
  UNION ALL
  SELECT 'http_activity', time FROM http_activity
  WHERE workload.service IS NOT NULL  -- an access log's, and not what a network sensor saw
  UNION ALL
  SELECT 'application_lifecycle', time FROM application_lifecycle
  UNION ALL
  SELECT 'detection_finding', time FROM detection_finding
  UNION ALL
  SELECT 'kubernetes_object', time FROM kubernetes_object
  UNION ALL
  SELECT 'kubernetes_event', time FROM kubernetes_event
)
SELECT
  "table",
  count(*)                   AS records,
  min(time)                  AS first_at,
  quantile_disc(time, 0.005) AS begins_at,
  max(time)                  AS last_at
FROM held
WHERE time >= $start AND time < $end
GROUP BY ALL
ORDER BY "table"
