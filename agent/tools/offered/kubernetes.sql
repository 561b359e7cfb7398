-- question: In what state were the cluster's objects before $end, and what was warned of them?
-- offer: Kubernetes objects, conditions, warnings, worst first
-- takes: kind text = all
-- takes: namespace text = all
-- takes: name text = all -- part of a name
-- takes: end time = end
WITH states AS (
  {{question(kube_objects)}}
),
warnings AS (
  {{question(kube_events)}}
),
latest AS (
  SELECT coalesce(object.kind, '') AS kind, coalesce(object.namespace, '') AS namespace,
    object.name AS name, phase, restart_count AS restarts,
    CASE WHEN replicas.desired IS NOT NULL
      THEN coalesce(replicas.ready, replicas.available, 0) || '/' || replicas.desired END AS ready
  FROM kubernetes_object
  WHERE time < $end
  QUALIFY row_number() OVER (PARTITION BY object.kind, object.namespace, object.name
    ORDER BY time DESC, phase, restart_count, ready) = 1
),
every AS (
  SELECT kind, namespace, name, 'state' AS sort, coalesce(nullif(reason, ''), phase) AS reason,
    severity_id, ready, restarts AS times, coalesce(since, created_at) AS since,
    NULL::TIMESTAMPTZ AS last_at, node, message
  FROM states
  LEFT JOIN latest USING (kind, namespace, name)
  UNION ALL
  SELECT kind, namespace, name, 'warning', reason, severity_id, NULL, times, first_at, last_at, node,
    message
  FROM warnings
)
SELECT kind, namespace, name, sort, reason,
  CASE WHEN severity_id >= 4 THEN 'failing' WHEN severity_id = 3 THEN 'warning' ELSE 'well' END
    AS state,
  ready, times, since, last_at, node, nullif(message, '') AS message
FROM every
WHERE ($kind IS NULL OR lower(kind) IN (lower($kind), rtrim(lower($kind), 's')))
  AND ($namespace IS NULL OR namespace = $namespace)
  AND ($name IS NULL OR contains(lower(name), lower($name)))
ORDER BY severity_id DESC, last_at DESC, times DESC, kind, namespace, name, sort, reason
LIMIT 200
