-- name: github_deployment
-- reads: json
-- class: application_lifecycle
-- product: GitHub / GitHub
-- sniff: "deployment":\s*\{|/deployments/\d+
-- sniff: "(repository|repository_url|statuses_url)":
-- https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status
-- https://docs.github.com/en/rest/deployments
-- Bodies of the webhooks deployment and deployment_status, and what the REST API lists (API version
-- 2022-11-28): deployments, and the statuses of one, which name their deployment by its URL only.
WITH events AS (
  SELECT position, ingested_at, doc,
    CASE
      WHEN json_type(doc, '$.deployment') = 'OBJECT' THEN doc->'$.deployment'
      WHEN json_exists(doc, '$.deployment_url') THEN json_object(
        'id', parse_filename(doc->>'$.deployment_url'),
        'environment', doc->'$.environment', 'url', doc->'$.deployment_url')
      WHEN json_exists(doc, '$.statuses_url') THEN doc
    END                                                    AS deployment,
    CASE
      WHEN json_exists(doc, '$.deployment_url') THEN doc
      ELSE nullif(doc->'$.deployment_status', 'null')
    END                                                    AS status,
    doc->'$.repository'                                    AS repository,
    regexp_extract(doc->>'$.repository_url', '^https://(api\.)?([^/]+)/(?:api/v3/)?repos/(.+)$',
      ['api', 'host', 'name'])                             AS listed,
    -- GitHub passes on what the deployer gave: an object, or text that may hold one
    CASE json_type(deployment, '$.payload')
      WHEN 'OBJECT' THEN deployment->'$.payload'
      WHEN 'VARCHAR' THEN TRY((deployment->>'$.payload')::JSON)
    END                                                    AS payload
  FROM raw
),
named AS (
  SELECT *,
    coalesce(repository->>'$.full_name', nullif(listed.name, '')) AS repository_name,
    coalesce(repository->>'$.html_url',
      'https://' || listed.host || '/' || nullif(listed.name, '')) AS repository_url,
    coalesce(payload->>'$.service', repository->>'$.name',
      parse_filename(repository_name))                     AS service,
    coalesce(payload->>'$.version', ref_version(deployment->>'$.ref')) AS version,
    deployment->>'$.id'                                    AS uid,
    deployment->>'$.sha'                                   AS sha,
    coalesce(status->>'$.state', 'created')                AS state,
    coalesce(status->'$.creator', deployment->'$.creator', doc->'$.sender') AS maker
  FROM events
)
SELECT
  position,
  ingested_at,
  coalesce(status->>'$.created_at', deployment->>'$.created_at') AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  change_status_id(state)                                  AS status_id,
  nullif(deployment->>'$.description', '')                 AS message,
  {'uid': coalesce(status->>'$.id', uid), 'correlation_uid': uid} AS metadata,
  {'service': service, 'version': version}                 AS workload,
  {'name': coalesce(service, deployment->>'$.environment', uid), 'version': version} AS app,
  {'user': change_user(
    coalesce(deployment->>'$.creator.login', maker->>'$.login', doc->>'$.sender.login'),
    NULL, coalesce(deployment->>'$.creator.type', maker->>'$.type'))} AS actor,
  nullif(status->>'$.description', '')                     AS status_detail,
  {'uid': uid, 'kind': 'deploy', 'state': state, 'revision': sha,
   'url': coalesce(payload->>'$.url', repository_url || '/commit/' || sha,
     deployment->>'$.url'),
   'environment': deployment->>'$.environment'}            AS change,
  filled({
    'action': doc->>'$.action', 'ref': deployment->>'$.ref', 'task': deployment->>'$.task',
    'repository': repository_name,
    'payload': coalesce(payload, nullif(deployment->'$.payload', '""')),
    'original_environment': deployment->>'$.original_environment',
    'production_environment': deployment->'$.production_environment',
    'transient_environment': deployment->'$.transient_environment',
    'environment_url': nullif(status->>'$.environment_url', ''),
    'target_url': nullif(status->>'$.target_url', ''),
    'sender': doc->>'$.sender.login', 'workflow_run': doc->'$.workflow_run.html_url',
    'log_url': nullif(status->>'$.log_url', '')})          AS unmapped,
  CASE WHEN uid IS NULL THEN 'the document is no deployment or deployment status of GitHub'
  END                                                      AS problem
FROM named
