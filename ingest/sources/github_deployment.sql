-- name: github_deployment
-- reads: json
-- class: application_lifecycle
-- https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status
WITH events AS (
  SELECT position, ingested_at, doc,
    doc->'$.deployment'                                    AS deployment,
    nullif(doc->'$.deployment_status', 'null')             AS status,
    doc->'$.repository'                                    AS repository,
    -- GitHub passes on what the deployer gave: an object, or text that may hold one
    CASE json_type(doc, '$.deployment.payload')
      WHEN 'OBJECT' THEN doc->'$.deployment.payload'
      WHEN 'VARCHAR' THEN TRY((doc->>'$.deployment.payload')::JSON)
    END                                                    AS payload
  FROM raw
),
named AS (
  SELECT *,
    coalesce(payload->>'$.service', repository->>'$.name') AS service,
    coalesce(payload->>'$.version',
      nullif(regexp_extract(deployment->>'$.ref', '^v?(\d+(?:\.\d+)+\S*)$', 1), '')) AS version,
    deployment->>'$.id'                                    AS uid,
    deployment->>'$.sha'                                   AS sha,
    coalesce(status->>'$.state', 'created')                AS state
  FROM events
)
SELECT
  position,
  ingested_at,
  coalesce(status->>'$.created_at', deployment->>'$.created_at') AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  CASE WHEN state = 'success' THEN 1 WHEN state IN ('failure', 'error') THEN 2 ELSE 0
  END                                                      AS status_id,
  nullif(deployment->>'$.description', '')                 AS message,
  {'uid': coalesce(status->>'$.id', uid), 'correlation_uid': uid} AS metadata,
  {'service': service, 'version': version}                 AS workload,
  {'name': service, 'version': version}                    AS app,
  {'user': {'name': coalesce(deployment->>'$.creator.login', doc->>'$.sender.login')}} AS actor,
  nullif(status->>'$.description', '')                     AS status_detail,
  {'uid': uid, 'kind': 'deploy', 'state': state, 'revision': sha,
   'url': coalesce(payload->>'$.url', repository->>'$.html_url' || '/commit/' || sha,
     deployment->>'$.url'),
   'environment': deployment->>'$.environment'}            AS change,
  filled({
    'action': doc->>'$.action', 'ref': deployment->>'$.ref', 'task': deployment->>'$.task',
    'repository': repository->>'$.full_name', 'payload': payload,
    'log_url': nullif(status->>'$.log_url', '')})          AS unmapped,
  CASE WHEN uid IS NULL THEN 'the document is no deployment webhook of GitHub' END AS problem
FROM named
