-- Pods that no node takes, as the scheduler last said: one row a workload, and one of its pods.
WITH told AS (
  SELECT namespace, name AS pod, seen_at, message
  FROM events
  WHERE kind = 'Pod' AND reason = 'FailedScheduling' AND message <> ''
  UNION ALL
  SELECT namespace, name, seen_at, message
  FROM conditions
  WHERE kind = 'Pod' AND type = 'PodScheduled' AND status = 'False' AND message <> ''
),
latest AS (
  SELECT namespace, pod, max(seen_at) AS seen_at, arg_max(message, (seen_at, message)) AS message
  FROM told
  GROUP BY namespace, pod
),
placed AS (
  SELECT namespace, name AS pod, max(seen_at) AS placed_at
  FROM events
  WHERE kind = 'Pod' AND reason IN ('Scheduled', 'Pulling', 'Pulled', 'Created', 'Started')
  GROUP BY namespace, name
),
waiting AS (
  SELECT latest.*, objects.spec,
    CASE WHEN owner_kind = 'ReplicaSet' THEN 'Deployment' ELSE coalesce(owner_kind, 'Pod') END
      AS owner_kind,
    CASE WHEN owner_kind = 'ReplicaSet' THEN regexp_replace(owner_name, '-[a-z0-9]{5,10}$', '')
      ELSE coalesce(owner_name, pod) END AS owner_name
  FROM latest
  LEFT JOIN placed USING (namespace, pod)
  LEFT JOIN objects
    ON objects.kind = 'Pod' AND objects.namespace = latest.namespace AND objects.name = latest.pod
  WHERE (placed_at IS NULL OR placed_at < latest.seen_at)
    AND nullif(objects.node, '<none>') IS NULL
    AND coalesce(objects.phase, 'Pending') = 'Pending'
)
SELECT owner_kind AS kind, namespace, owner_name AS name,
  min(pod) AS pod, count(*)::BIGINT AS pods, max(seen_at) AS seen_at,
  arg_min(message, pod) AS message,
  left(regexp_replace(arg_min(message, pod), '(?i)\.? *(?:preemption:|no new claims).*$', ''), 160)
    AS short,
  translate(array_to_string(json_extract_string(arg_min(spec, pod),
    '$.containers[*].resources.requests'), ' + '), '{}"', '') AS requests,
  arg_min(spec, pod) AS spec
FROM waiting
GROUP BY owner_kind, namespace, owner_name
