-- name: histories_deploys
-- reads: json
-- class: application_lifecycle
-- files: deploys.json
-- A list of deployments, each of one commit; of those that ship several there is one for each.
SELECT
  position,
  ingested_at,
  any_time(deploy->>'$.timestamp')                      AS "time",
  8                                                     AS activity_id,
  1                                                     AS severity_id,
  1                                                     AS status_id,
  {'uid': uid, 'correlation_uid': uid}                  AS metadata,
  {'service': deploy->>'$.service', 'version': deploy->>'$.version'} AS workload,
  {'name': deploy->>'$.service', 'version': deploy->>'$.version'} AS app,
  {'uid': uid, 'kind': 'deploy', 'state': 'success', 'revision': deploy->>'$.commit_sha'} AS change,
  CASE WHEN deploy->>'$.service' IS NULL THEN 'the deployment names no service' END AS problem
FROM (
  SELECT *, concat_ws('@', deploy->>'$.service', deploy->>'$.version', deploy->>'$.commit_sha') AS uid
  FROM (SELECT position, ingested_at, unnest(
    CASE WHEN json_type(doc) = 'ARRAY' THEN doc->'$[*]' ELSE [doc] END) AS deploy FROM raw))
