-- Every pod that does not do well, and its worst container: one row a pod, and one for a Job that
-- failed whose pods are gone (`pod` is then NULL). `kind`, `namespace`, `name` are the workload.
-- `state` tells how it is, as `CrashLoopBackOff, exit code 1, 5 restarts`.
WITH each AS (
  SELECT *, coalesce(exit_code, last_exit_code) AS ended_with,
    CASE WHEN waiting_reason NOT IN ('ContainerCreating', 'PodInitializing') THEN 3
      WHEN exit_code <> 0 OR ended_reason IN ('Error', 'OOMKilled', 'ContainerCannotRun') THEN 2
      WHEN last_reason IS NOT NULL AND (restarts > 0 OR last_exit_code <> 0)
        AND coalesce(ended_at >= $start OR seen_at < ended_at + INTERVAL 1 DAY, true)
        AND last_reason IS DISTINCT FROM 'Completed' THEN 1
      ELSE 0 END AS illness
  FROM containers
),
worst AS (
  SELECT namespace, name, max(illness) AS illness, max(restarts) AS restarts,
    bool_and(is_ready OR is_init) AS is_ready, arg_max({'container': container, 'image': image,
      'exit_code': ended_with, 'reason': coalesce(waiting_reason, ended_reason, last_reason),
      'ended': coalesce(ended_reason, last_reason), 'is_init': coalesce(is_init, false),
      'spec': spec, 'restarts': restarts},
      (illness, restarts, container)) AS c
  FROM each
  GROUP BY namespace, name
),
jobs AS (
  SELECT namespace, name, max(seen_at) AS seen_at, max(service) AS service,
    arg_max(reason, seen_at) AS reason
  FROM (
    SELECT namespace, name, seen_at, service, reason FROM events
    WHERE kind = 'Job' AND reason IN ('BackoffLimitExceeded', 'DeadlineExceeded')
    UNION ALL
    SELECT namespace, name, seen_at, service, reason FROM conditions
    WHERE kind = 'Job' AND type IN ('Failed', 'FailureTarget') AND status = 'True'
  )
  GROUP BY namespace, name
),
told AS (   -- of pods of which nothing but events is known, or that are not ready
  SELECT namespace, name, arg_max(reason, seen_at) AS reason
  FROM events
  WHERE kind = 'Pod' AND is_warning AND regexp_matches(reason,
    '^(BackOff|Failed|Unhealthy|Evicted|OOM|Error|CrashLoop|Inspect|ErrImage|NetworkNotReady)')
    AND NOT (reason = 'Unhealthy' AND (namespace, name) IN (   -- while it was ended on purpose
      SELECT (namespace, name) FROM events
      WHERE kind = 'Pod' AND reason = 'Killing' AND starts_with(message, 'Stopping container')))
  GROUP BY namespace, name
)
SELECT pods.holder_kind AS kind, pods.namespace, pods.holder AS name, pods.name AS pod,
  pods.seen_at, pods.service, pods.node, objects.phase, objects.spec AS pod_spec,
  CASE WHEN worst.illness > 0 THEN c.container END AS container,
  CASE WHEN worst.illness > 0 THEN c.image ELSE objects.images[1] END AS image, c.exit_code,
  c.spec, c.is_init, coalesce(worst.restarts, objects.restarts, 0) AS restarts,
  coalesce(CASE WHEN worst.illness > 0 THEN c.reason END, nullif(objects.reason, ''),
    told.reason, objects.phase) AS reason,
  concat_ws(', ', coalesce(CASE WHEN worst.illness > 0 THEN c.reason END,
      nullif(objects.reason, ''), told.reason, objects.phase),
    CASE WHEN worst.illness > 0 AND c.ended <> c.reason THEN c.ended END,
    CASE WHEN worst.illness > 0 THEN 'exit code ' || c.exit_code END,
    CASE WHEN coalesce(worst.restarts, objects.restarts) > 0
      THEN coalesce(worst.restarts, objects.restarts) || ' restarts' END,
    'Job ' || jobs.reason) AS state,
  coalesce(objects.is_ready, false) AS is_ready
FROM pods
LEFT JOIN objects ON objects.kind = 'Pod' AND objects.namespace = pods.namespace
  AND objects.name = pods.name
LEFT JOIN worst ON worst.namespace = pods.namespace AND worst.name = pods.name
LEFT JOIN jobs ON pods.holder_kind = 'Job' AND jobs.namespace = pods.namespace
  AND jobs.name = pods.holder
LEFT JOIN told ON told.namespace = pods.namespace AND told.name = pods.name
WHERE worst.illness > 0
  OR objects.phase IS DISTINCT FROM 'Succeeded' AND objects.reason IS DISTINCT FROM 'Completed'
    AND (objects.is_bad OR told.reason IS NOT NULL AND objects.is_ready IS DISTINCT FROM true)
UNION ALL
SELECT 'Job', namespace, name, NULL, seen_at, service, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, 0, reason, reason, false
FROM jobs
