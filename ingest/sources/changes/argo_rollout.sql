-- name: argo_rollout
-- reads: yaml
-- class: application_lifecycle
-- product: Argo / Argo Rollouts
-- sniff: argoproj\.io/v1alpha1
-- sniff: kind"?:\s*"?Rollout\b
-- https://argo-rollouts.readthedocs.io/en/stable/features/specification/
-- Rollouts (argoproj.io/v1alpha1, Argo Rollouts 1.x) from kubectl or a watch, alone or in a list. A
-- revision is a change; what it came to is told by its conditions, each with the time at which it
-- turned. Complete or not tells when the revision began and when it was everywhere.
WITH documents AS (
  SELECT position, ingested_at, coalesce(doc->'$.object', doc) AS told FROM raw
),
listed AS (
  SELECT position, ingested_at, told, unnest(CASE WHEN json_array_length(told, '$.items') > 0
    THEN told->'$.items[*]' ELSE [told] END) AS doc
  FROM documents
),
rollouts AS (
  SELECT *,
    doc->>'$.metadata.name'                                AS name,
    nullif(doc->>'$.metadata.namespace', '')               AS namespace,
    json_extract_string(doc, '$.metadata.annotations."rollout.argoproj.io/revision"') AS revision,
    coalesce(doc->'$.metadata.labels'->>'app.kubernetes.io/name', name) AS service,
    json_extract_string(doc, '$.spec.template.spec.containers[*].image') AS images,
    concat_ws('/', namespace, name || '.v' || revision)    AS uid,
    list_concat(
      from_json(doc->'$.status.conditions', '[{"type": "VARCHAR", "status": "VARCHAR",
        "reason": "VARCHAR", "message": "VARCHAR", "lastTransitionTime": "VARCHAR"}]'),
      CASE WHEN doc->>'$.status.abortedAt' IS NOT NULL THEN [{'type': 'Aborted', 'status': 'True',
        'reason': 'RolloutAborted', 'message': doc->>'$.status.message',
        'lastTransitionTime': doc->>'$.status.abortedAt'}] END) AS conditions
  FROM listed
),
moments AS (
  SELECT *, unnest(CASE WHEN len(conditions) > 0 THEN conditions ELSE [NULL] END) AS c FROM rollouts
),
stated AS (
  SELECT *,
    image_tags(images, [service, name])                    AS tags,
    CASE
      WHEN c.type IN ('Aborted', 'InvalidSpec') AND c.status = 'True' THEN 'failure'
      WHEN c.reason IN ('RolloutAborted', 'ProgressDeadlineExceeded', 'ReplicaSetCreateError',
        'ReplicaSetUpdateError') THEN 'failure'
      WHEN c.type IN ('Completed', 'Healthy') AND c.status = 'True' THEN 'success'
      WHEN c.type IN ('Completed', 'Progressing') OR c.type = 'Paused' AND c.status = 'True'
        THEN 'in_progress'
    END                                                    AS state
  FROM moments
)
SELECT
  position,
  ingested_at,
  any_time(c."lastTransitionTime")                         AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  change_status_id(state)                                  AS status_id,
  coalesce(c.reason, c.type)                               AS status_code,
  nullif(c.message, '')                                    AS message,
  nullif(doc->>'$.status.message', '')                     AS status_detail,
  {'uid': uid || ':' || c.type, 'correlation_uid': uid}    AS metadata,
  {'service': service, 'version': CASE WHEN len(tags) = 1 THEN tags[1] END, 'namespace': namespace}
                                                           AS workload,
  {'name': service, 'version': CASE WHEN len(tags) = 1 THEN tags[1] END} AS app,
  {'app_name': 'Argo Rollouts'}                            AS actor,
  {'uid': uid, 'kind': 'deploy', 'state': state, 'revision': revision, 'environment': namespace}
                                                           AS change,
  filled({
    'condition': c.type, 'condition_status': c.status, 'phase': doc->>'$.status.phase',
    'images': images, 'currentPodHash': doc->>'$.status.currentPodHash',
    'stableRS': doc->>'$.status.stableRS', 'currentStepIndex': doc->'$.status.currentStepIndex',
    'abort': doc->'$.status.abort', 'pauseConditions': doc->'$.status.pauseConditions',
    'canary': doc->'$.status.canary', 'blueGreen': doc->'$.status.blueGreen'}) AS unmapped,
  CASE
    WHEN json_array_length(told, '$.items') = 0 THEN ''
    WHEN name IS NULL OR coalesce(doc->>'$.kind', '') <> 'Rollout'
      THEN 'the document is no Rollout of Argo'
    WHEN state IS NULL OR revision IS NULL THEN ''         -- no step of a revision
  END                                                      AS problem
FROM stated
