-- name: releases_deploys
-- reads: json
-- class: application_lifecycle
-- files: deploys.json
-- A document lists the steps of staged rollouts: pods of the new version that were started and pods of
-- the old one that were stopped, from when to when. All steps of a service are one change. A pod that
-- was to be stopped counts as stopped, and one that was to be started as started, once the step is
-- complete; that it began is told by the new version's pods.
WITH steps AS (
  SELECT position, ingested_at, unnest(from_json(doc->'$.rollout_steps', '[{"service": "VARCHAR",
    "timestamp": "VARCHAR", "release_complete_timestamp": "VARCHAR", "release_pod": ["VARCHAR"],
    "delete_pod": ["VARCHAR"], "v1": "BIGINT", "v2": "BIGINT", "target_replicas": "BIGINT"}]')) AS s
  FROM raw
),
events AS (
  SELECT position, ingested_at, s, unnest(list_concat(
    list_transform(coalesce(s.release_pod, []),
      lambda p: {'pod': p, 'activity': 8, 'state': 'in_progress', 'at': s."timestamp"}),
    list_transform(coalesce(s.release_pod, []),
      lambda p: {'pod': p, 'activity': 3, 'state': 'success', 'at': s.release_complete_timestamp}),
    list_transform(coalesce(s.delete_pod, []),
      lambda p: {'pod': p, 'activity': 4, 'state': 'success', 'at': s.release_complete_timestamp}))
    ) AS e
  FROM steps
),
pods AS (
  SELECT *, max(given(pod_parts(e.pod).version)) FILTER (e.activity <> 4)
    OVER (PARTITION BY position, s.service) AS to_version
  FROM events
)
SELECT
  position,
  ingested_at,
  any_time(e."at")                                      AS "time",
  e.activity                                            AS activity_id,
  1                                                     AS severity_id,
  CASE e.state WHEN 'success' THEN 1 ELSE 0 END         AS status_id,
  {'uid': concat_ws(':', s.service, e.pod, e.activity),
   'correlation_uid': s.service || '@' || coalesce(to_version, 'new')} AS metadata,
  {'service': s.service, 'version': coalesce(to_version, 'new'), 'instance': e.pod, 'pod': e.pod}
                                                        AS workload,
  {'name': s.service, 'version': to_version}            AS app,
  {'uid': s.service || '@' || coalesce(to_version, 'new'), 'kind': 'deploy', 'state': e.state}
                                                        AS change,
  filled({'v1': s.v1, 'v2': s.v2, 'target_replicas': s.target_replicas}) AS unmapped,
  CASE WHEN s.service IS NULL THEN 'the step names no service' END AS problem
FROM pods
