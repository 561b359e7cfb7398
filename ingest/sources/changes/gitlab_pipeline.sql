-- name: gitlab_pipeline
-- reads: json
-- class: application_lifecycle
-- product: GitLab / GitLab CI/CD
-- sniff: "object_kind":\s*"pipeline"
-- https://docs.gitlab.com/user/project/integrations/webhook_events/#pipeline-events
-- Pipeline events as webhooks send them. A pipeline is a change if one of its jobs deploys: to an
-- environment, or by its stage's name; of the others there is nothing to map. Deployment events
-- (gitlab_deployment) tell the same more precisely where a project sends both.
WITH pipelines AS (
  SELECT position, ingested_at, doc, doc->>'$.object_kind' AS object_kind,
    from_json(doc->'$.object_attributes', '{"id": "VARCHAR", "iid": "VARCHAR", "name": "VARCHAR",
      "ref": "VARCHAR", "tag": "BOOLEAN", "sha": "VARCHAR", "before_sha": "VARCHAR",
      "source": "VARCHAR", "status": "VARCHAR", "detailed_status": "VARCHAR",
      "created_at": "VARCHAR", "finished_at": "VARCHAR", "duration": "VARCHAR",
      "queued_duration": "VARCHAR", "url": "VARCHAR"}')    AS pipeline,
    doc->'$.project'                                       AS project,
    from_json(doc->'$.builds', '[{"id": "VARCHAR", "name": "VARCHAR", "stage": "VARCHAR",
      "status": "VARCHAR", "started_at": "VARCHAR", "environment":
        {"name": "VARCHAR", "action": "VARCHAR", "deployment_tier": "VARCHAR"}}]') AS builds
  FROM raw
),
named AS (
  SELECT *,
    project->>'$.path_with_namespace'                      AS path,
    path || '/pipelines/' || pipeline.id                   AS uid,
    list_filter(builds, lambda b: b.environment.name IS NOT NULL
      OR delivers(concat_ws(' ', b.stage, b.name)))       AS deploys,
    list_distinct(list_filter(list_transform(deploys, lambda b: b.environment.name),
      lambda e: e IS NOT NULL))                            AS environments,
    list_min(list_transform(deploys, lambda b: any_time(b.started_at))) AS deploying_at
  FROM pipelines
)
SELECT
  position,
  ingested_at,
  CASE
    WHEN pipeline.finished_at IS NOT NULL THEN any_time(pipeline.finished_at)
    WHEN pipeline.status = 'running' THEN coalesce(deploying_at, any_time(pipeline.created_at))
    ELSE any_time(pipeline.created_at)
  END                                                      AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  change_status_id(change_state(pipeline.status))          AS status_id,
  pipeline.status                                          AS status_code,
  coalesce(pipeline.name, doc->>'$.commit.title')          AS message,
  {'uid': uid || ':' || pipeline.status, 'correlation_uid': uid} AS metadata,
  {'service': parse_filename(path), 'version': ref_version(pipeline.ref)} AS workload,
  {'name': parse_filename(path), 'version': ref_version(pipeline.ref)} AS app,
  {'user': change_user(doc->>'$.user.username', doc->>'$.user.name', NULL)} AS actor,
  {'uid': uid, 'kind': 'deploy', 'state': change_state(pipeline.status),
   'revision': pipeline.sha,
   'url': coalesce(doc->>'$.commit.url', project->>'$.web_url' || '/-/commit/' || pipeline.sha),
   'environment': nullif(array_to_string(environments, ','), '')} AS change,
  filled({
    'ref': pipeline.ref, 'tag': pipeline.tag, 'before_sha': pipeline.before_sha,
    'source': pipeline.source, 'detailed_status': pipeline.detailed_status,
    'duration': pipeline.duration, 'queued_duration': pipeline.queued_duration,
    'url': pipeline.url, 'project': path, 'builds': builds,
    'merge_request': doc->>'$.merge_request.url'})         AS unmapped,
  CASE
    WHEN object_kind IS DISTINCT FROM 'pipeline' OR uid IS NULL OR pipeline.status IS NULL
      THEN 'the document is no pipeline event of GitLab'
    WHEN len(deploys) = 0 OR deploys IS NULL OR pipeline.source = 'merge_request_event' THEN ''
  END                                                      AS problem
FROM named
