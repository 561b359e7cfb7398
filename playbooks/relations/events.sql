-- What Kubernetes' events told before $end: one row an object, a reason and a message.
WITH told AS (
  SELECT object.kind AS kind, object.name AS name,
    coalesce(nullif(object.namespace, ''),
      max(nullif(object.namespace, '')) OVER (PARTITION BY object.kind, object.name), '') AS namespace,
    reason, message, event_type, workload.service AS service, workload.node AS node,
    coalesce(severity_id, 0) AS severity_id, coalesce(first_seen_time, time) AS first_at,
    greatest(time, last_seen_time) AS last_at, greatest(count, 1) AS times
  FROM kubernetes_event
  WHERE time < $end
)
SELECT kind, namespace, name, reason, message, max(event_type) AS event_type,
  max(service) AS service, max(node) AS node, max(severity_id) AS severity_id,
  min(first_at) AS first_at, max(last_at) AS seen_at, max(times)::BIGINT AS times,
  max(event_type) = 'Warning' OR max(severity_id) >= 3 AS is_warning
FROM told
GROUP BY kind, namespace, name, reason, message
