-- question: What did the cluster warn of, of which objects and since when, before $end?
-- What is reported again, as the cluster counts up, is the same warning.
WITH warned AS (
  SELECT object.kind AS kind, coalesce(object.namespace, '') AS namespace, object.name AS name,
    workload.service AS service, workload.node AS node, reason, message,
    coalesce(severity_id, 0) AS severity_id, coalesce(first_seen_time, time) AS first_at,
    greatest(time, last_seen_time) AS last_at, greatest(count, 1) AS times
  FROM kubernetes_event
  WHERE time < $end AND reason IS NOT NULL
    AND (event_type = 'Warning' OR coalesce(severity_id, 0) >= 3)
)
SELECT kind, namespace, name, reason, max(service) AS service, max(node) AS node,
  max(severity_id) AS severity_id, min(first_at) AS first_at, max(last_at) AS last_at,
  max(times)::BIGINT AS times, max(message) AS message
FROM warned
GROUP BY kind, namespace, name, reason
ORDER BY kind, namespace, name, reason
