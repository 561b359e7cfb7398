-- What is to run, once for what is made alike: deployments and their like, jobs without a cron job,
-- and pods whose maker was not listed. `pod` is the pod's spec, `is_system` whether it is of the
-- cluster itself.
WITH made AS (
  SELECT *, coalesce(object->'$.spec.jobTemplate.spec.template.spec', object->'$.spec.template.spec',
    CASE WHEN kind = 'Pod' THEN object->'$.spec' END) AS pod
  FROM objects
)
SELECT kind, namespace, name, seen_at, service, labels, desired, is_ready, pod,
  namespace IN ('kube-system', 'kube-public', 'kube-node-lease') AS is_system
FROM made o
WHERE pod IS NOT NULL AND coalesce(phase, '') NOT IN ('Succeeded', 'Failed')
  AND NOT EXISTS (FROM objects m WHERE m.kind = o.owner_kind AND m.namespace = o.namespace
    AND m.name = o.owner_name)
  AND NOT (kind = 'ReplicaSet' AND coalesce(desired, 0) = 0)
  AND NOT (kind = 'Pod' AND EXISTS (FROM made m WHERE m.namespace = o.namespace
    AND m.name = o.service AND m.kind IN ('Deployment', 'StatefulSet', 'DaemonSet')))
QUALIFY kind <> 'Pod' OR service IS NULL
  OR row_number() OVER (PARTITION BY kind, namespace, service ORDER BY name) = 1
