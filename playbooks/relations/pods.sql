-- Every pod that was seen or that an event names before $end, and the workload that it belongs to
-- (`holder_kind`, `holder`): by its owners, else by the name of a workload that is there, else by
-- how a Deployment names its pods; a pod of nobody holds itself.
WITH seen AS (
  SELECT namespace, name, max(seen_at) AS seen_at, max(service) AS service, max(node) AS node,
    max(owner_kind) AS owner_kind, max(owner_name) AS owner_name,
    regexp_extract(name, '^(.+)-(?:[bcdfghjklmnpqrstvwxz2456789]{6,10}|[a-z]*\d[a-z0-9]{5,9})-[a-z0-9]{5}$', 1)
      AS of_deployment,
    regexp_extract(name, '^(.+)-(?:[a-z0-9]{5}|\d{1,3})$', 1) AS of_other
  FROM (
    SELECT namespace, name, seen_at, service, node, owner_kind, owner_name
    FROM objects WHERE kind = 'Pod'
    UNION ALL
    SELECT namespace, name, seen_at, service, node, NULL, NULL FROM events WHERE kind = 'Pod'
  )
  GROUP BY namespace, name
),
workloads AS (
  SELECT namespace, name, arg_min(kind, (kind, kind)) AS kind, arg_min(owner_kind, (kind, owner_kind)) AS owner_kind,
    arg_min(owner_name, (kind, owner_name)) AS owner_name
  FROM objects
  WHERE kind IN ('DaemonSet', 'Deployment', 'Job', 'ReplicaSet', 'StatefulSet', 'Rollout')
  GROUP BY namespace, name
)
SELECT 'Pod' AS kind, seen.namespace, seen.name, seen.seen_at, seen.service, seen.node,
  CASE WHEN made.owner_kind = 'Job' OR made.kind = 'Job' OR seen.owner_kind = 'Job' THEN 'Job'
    WHEN of_deployment <> '' AND coalesce(seen.owner_kind, 'ReplicaSet') = 'ReplicaSet'
      THEN coalesce(made.owner_kind, 'Deployment')
    ELSE coalesce(made.owner_kind, seen.owner_kind, made.kind, 'Pod') END AS holder_kind,
  CASE WHEN seen.owner_kind = 'Job' THEN seen.owner_name
    WHEN of_deployment <> '' AND coalesce(seen.owner_kind, 'ReplicaSet') = 'ReplicaSet'
      THEN coalesce(made.owner_name, of_deployment)
    ELSE coalesce(CASE WHEN made.kind <> 'Job' THEN made.owner_name END, seen.owner_name,
      made.name, seen.name) END AS holder
FROM seen
LEFT JOIN workloads AS made ON made.namespace = seen.namespace
  AND made.name = coalesce(seen.owner_name, nullif(of_other, ''))
