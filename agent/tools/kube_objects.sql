-- question: In what state was each object of the cluster last seen before $end, and since when?
-- Severities are those that the sources of Kubernetes give: 4 and more is failing, 3 a warning.
-- `since` is from when on all that was seen of it was as bad: if it was never seen well, `well_at`
-- is NULL and that is only when it was first seen. `restarted_at` is when its count had risen.
WITH seen AS (
  SELECT time, coalesce(object.kind, '') AS kind,
    coalesce(object.namespace, '') AS namespace, object.name AS name,
    workload.service AS service, workload.node AS node,
    coalesce(reason, phase, '') AS reason, coalesce(severity_id, 0) AS severity_id,
    coalesce(message, '') AS message, restart_count AS restarts,
    object.created_time AS created_at,
    coalesce(severity_id, 0) >= 3 AND status_id IS DISTINCT FROM 1 AS is_bad
  FROM kubernetes_object
  WHERE time < $end AND activity_id IS DISTINCT FROM 4 AND object.name IS NOT NULL
),
told AS (
  SELECT *, max(time) FILTER (NOT is_bad) OVER whole AS well_at,
    row_number() OVER (PARTITION BY kind, namespace, name
      ORDER BY time DESC, severity_id DESC, message, reason, service, node, restarts, created_at,
        is_bad) AS place,
    restarts > lag(restarts IGNORE NULLS) OVER (PARTITION BY kind, namespace, name
      ORDER BY time, restarts) AS has_restarted
  FROM seen
  WINDOW whole AS (PARTITION BY kind, namespace, name)
),
lasting AS (
  SELECT kind, namespace, name,
    min(time) FILTER (is_bad AND (well_at IS NULL OR time >= well_at)) AS since,
    coalesce(list(time ORDER BY time) FILTER (has_restarted), []) AS restarted_at
  FROM told
  GROUP BY kind, namespace, name
)
SELECT kind, namespace, name, service, node, reason, severity_id, message, is_bad, restarted_at,
  since, well_at, created_at
FROM told
JOIN lasting USING (kind, namespace, name)
WHERE place = 1
ORDER BY kind, namespace, name
