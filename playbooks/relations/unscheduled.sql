-- Pods that no node takes, as the scheduler last said: one row a workload, and one of its pods.
WITH told AS (
  SELECT namespace, name, seen_at, message
  FROM events
  WHERE kind = 'Pod' AND reason = 'FailedScheduling' AND message <> ''
  UNION ALL
  SELECT namespace, name, seen_at, message
  FROM conditions
  WHERE kind = 'Pod' AND type = 'PodScheduled' AND status = 'False' AND message <> ''
),
latest AS (
  SELECT namespace, name, max(seen_at) AS seen_at, arg_max(message, (seen_at, message)) AS message
  FROM told
  GROUP BY namespace, name
),
placed AS (
  SELECT namespace, name, max(seen_at) AS placed_at
  FROM events
  WHERE kind = 'Pod' AND reason IN ('Scheduled', 'Pulling', 'Pulled', 'Created', 'Started')
  GROUP BY namespace, name
),
waiting AS (
  SELECT latest.*, pods.holder_kind, pods.holder, objects.spec
  FROM latest
  JOIN pods USING (namespace, name)
  LEFT JOIN placed USING (namespace, name)
  LEFT JOIN objects
    ON objects.kind = 'Pod' AND objects.namespace = latest.namespace AND objects.name = latest.name
  WHERE (placed_at IS NULL OR placed_at < latest.seen_at)
    AND coalesce(objects.phase, 'Pending') = 'Pending'
    AND NOT coalesce(regexp_matches(objects.conditions,
      '"type": ?"PodScheduled"[^}]*"status": ?"True"|"status": ?"True"[^}]*"type": ?"PodScheduled"'), false)
)
SELECT holder_kind AS kind, namespace, holder AS name,
  min(name) AS pod, count(*)::BIGINT AS pods, max(seen_at) AS seen_at,
  arg_min(message, (name, message)) AS message,
  left(regexp_replace(arg_min(message, (name, message)), '(?i)\.? *(?:preemption:|no new claims).*$', ''), 160)
    AS short,
  translate(array_to_string(json_extract_string(arg_min(spec, (name, spec)),
    '$.containers[*].resources.requests'), ' + '), '{}"', '') AS requests,
  arg_min(spec, (name, spec)) AS spec
FROM waiting
GROUP BY holder_kind, namespace, holder
