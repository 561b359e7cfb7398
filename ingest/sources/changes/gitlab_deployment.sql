-- name: gitlab_deployment
-- reads: json
-- class: application_lifecycle
-- product: GitLab / GitLab
-- sniff: "object_kind":\s*"deployment"|"deployable":\s*(\{|null)
-- sniff: "(environment_slug|environment_external_url|deployable_url|deployable)":
-- https://docs.gitlab.com/user/project/integrations/webhook_events/#deployment-events
-- https://docs.gitlab.com/api/deployments/
-- Deployment events as webhooks send them, and the deployments that the REST API (v4) lists; a
-- listed one tells when it was declared, began and ended. The API names a project only in the URLs
-- of its job, so one that no job made has but its environment for a name.
WITH documents AS (
  SELECT position, ingested_at, doc, doc->>'$.object_kind' AS object_kind,
    from_json(doc, '{"id": "VARCHAR", "deployment_id": "VARCHAR", "iid": "VARCHAR",
      "status": "VARCHAR", "status_changed_at": "VARCHAR", "created_at": "VARCHAR",
      "updated_at": "VARCHAR", "sha": "VARCHAR", "short_sha": "VARCHAR", "ref": "VARCHAR",
      "environment": "JSON", "environment_tier": "VARCHAR", "environment_external_url": "VARCHAR",
      "deployable_url": "VARCHAR", "commit_url": "VARCHAR", "commit_title": "VARCHAR",
      "user": "JSON", "user_url": "VARCHAR", "project": "JSON",
      "deployable": {"id": "VARCHAR", "name": "VARCHAR", "stage": "VARCHAR", "status": "VARCHAR",
        "tag": "BOOLEAN", "web_url": "VARCHAR", "started_at": "VARCHAR", "finished_at": "VARCHAR",
        "coverage": "JSON", "commit": "JSON", "pipeline": "JSON"}}') AS told
  FROM raw
),
named AS (
  SELECT *,
    object_kind IS NOT NULL                                AS is_webhook,
    coalesce(told.deployment_id, told.id)                  AS id,
    coalesce(told.project->>'$.web_url', nullif(regexp_extract(
      coalesce(told.deployable.web_url, told.deployable.pipeline->>'$.web_url'),
      '^(https?://.+?)/-/', 1), ''))                       AS project_url,
    coalesce(told.project->>'$.path_with_namespace',
      regexp_extract(project_url, '^https?://[^/]+/(.+)$', 1)) AS project,
    concat_ws('/', project, 'deployments', id)             AS uid,
    coalesce(told.sha, regexp_extract(told.commit_url, '/commit/([0-9a-f]{40,64})$', 1)) AS sha,
    coalesce(told.environment->>'$.name', told.environment->>'$') AS environment
  FROM documents
),
moments AS (
  SELECT *, unnest(CASE
    WHEN is_webhook OR told.deployable.started_at IS NULL THEN
      [{'at': CASE WHEN is_webhook THEN told.status_changed_at
        WHEN told.status IN ('created', 'blocked') THEN told.created_at
        ELSE told.updated_at END, 'word': told.status}]
    ELSE happened([
      {'at': told.created_at, 'word': 'created'},
      {'at': told.deployable.started_at, 'word': 'running'},
      {'at': CASE WHEN told.status NOT IN ('created', 'running') THEN
        coalesce(told.deployable.finished_at, told.updated_at) END, 'word': told.status}])
    END) AS moment
  FROM named
)
SELECT
  position,
  ingested_at,
  coalesce(zoned_time(moment."at"), any_time(moment."at")) AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  change_status_id(change_state(moment.word))              AS status_id,
  moment.word                                              AS status_code,
  coalesce(told.commit_title, told.deployable.commit->>'$.title') AS message,
  {'uid': uid || ':' || moment.word, 'correlation_uid': uid} AS metadata,
  {'service': parse_filename(project), 'version': ref_version(told.ref)} AS workload,
  {'name': coalesce(parse_filename(project), environment), 'version': ref_version(told.ref)} AS app,
  {'user': change_user(coalesce(told.user->>'$.username', parse_filename(told.user_url)),
    told.user->>'$.name', NULL)}                           AS actor,
  {'uid': uid, 'kind': 'deploy', 'state': change_state(moment.word),
   'revision': coalesce(nullif(sha, ''), told.short_sha),
   'url': coalesce(told.commit_url, told.deployable.commit->>'$.web_url',
     project_url || '/-/commit/' || sha),
   'environment': environment}                             AS change,
  filled({
    'id': id, 'iid': told.iid, 'ref': told.ref, 'project': project,
    'environment_tier': coalesce(told.environment_tier, told.environment->>'$.tier'),
    'environment_external_url':
      coalesce(told.environment_external_url, told.environment->>'$.external_url'),
    'deployable_url': coalesce(told.deployable_url, told.deployable.web_url),
    'deployable': {'id': told.deployable.id, 'name': told.deployable.name,
      'stage': told.deployable.stage, 'status': told.deployable.status},
    'pipeline': told.deployable.pipeline->>'$.web_url'})   AS unmapped,
  CASE WHEN id IS NULL OR told.status IS NULL OR environment IS NULL
    OR coalesce(object_kind, 'deployment') <> 'deployment'
    THEN 'the document is no deployment of GitLab' END     AS problem
FROM moments
