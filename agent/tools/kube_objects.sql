-- question: In what state was each object of the cluster last seen before $end, and since when?
-- Severities are those that the sources of Kubernetes give: 4 and more is failing, 3 a warning.
-- `since` is from when on all that was seen of it was as bad; NULL where it was never seen well.
WITH seen AS (
  SELECT time, object.kind AS kind, coalesce(object.namespace, '') AS namespace,
    object.name AS name, workload.service AS service, workload.node AS node,
    coalesce(reason, phase, '') AS reason, coalesce(severity_id, 0) AS severity_id,
    coalesce(message, '') AS message, coalesce(restart_count, 0) AS restarts,
    coalesce(severity_id, 0) >= 3 AND status_id IS DISTINCT FROM 1 AS is_bad
  FROM kubernetes_object
  WHERE time < $end AND activity_id IS DISTINCT FROM 4 AND object.name IS NOT NULL
),
told AS (
  SELECT *, max(time) FILTER (NOT is_bad) OVER whole AS well_at,
    row_number() OVER (PARTITION BY kind, namespace, name
      ORDER BY time DESC, severity_id DESC, message, reason, service, node, restarts, is_bad)
      AS place,
    max(restarts) OVER whole - min(restarts) OVER whole AS restarted
  FROM seen
  WINDOW whole AS (PARTITION BY kind, namespace, name)
),
lasting AS (
  SELECT kind, namespace, name, min(time) AS since
  FROM told
  WHERE is_bad AND (well_at IS NULL OR time > well_at)
  GROUP BY kind, namespace, name
)
SELECT kind, namespace, name, service, node, reason, severity_id, message, is_bad, restarted,
  since, well_at
FROM told
LEFT JOIN lasting USING (kind, namespace, name)
WHERE place = 1
ORDER BY kind, namespace, name
