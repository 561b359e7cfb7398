-- name: argocd_application
-- reads: json
-- class: application_lifecycle kubernetes_object
-- product: Argo / Argo CD
-- sniff: "argoproj\.io/[^"]*"|"destination"\s*:\s*\{[^{}]*"(?:server|name)"
-- sniff: "kind"\s*:\s*"Application"|\A\s*(?:\[\s*)?\{\s*"metadata"\s*:
-- context: file
-- https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml
-- Applications from kubectl, from a watch, from Argo CD's API or `argocd app get -o json`, which does
-- not say what kind it is, alone or in a list, and as `app`
-- of a webhook of Argo CD Notifications whose template has `"app": {{toJson .app}}`. One tells when
-- its last sync began and ended; of those in its history, only when they began and what revision. A
-- sync is a change of configuration if it says that it changed a ConfigMap or Secret and nothing
-- shows another image under way; else a deploy, whose version is the image's tag. The Application
-- itself is an object, as kubernetes_objects tells one from YAML.
WITH documents AS (
  SELECT position, ingested_at, coalesce(doc->>'$.type', doc->>'$.result.type') AS event,
    coalesce(doc->'$.object', doc->'$.result.application',
      CASE WHEN json_type(doc, '$.app') = 'OBJECT' THEN doc->'$.app' END, doc) AS told
  FROM raw
),
listed AS (
  SELECT position, ingested_at, event, told, unnest(
    CASE WHEN json_array_length(told, '$.items') > 0 THEN told->'$.items[*]' ELSE [told] END) AS doc
  FROM documents
),
applications AS (
  SELECT *,
    doc->>'$.metadata.name'                                AS application,
    coalesce(doc->'$.metadata.labels'->>'app.kubernetes.io/name', application) AS service,
    concat_ws('/', doc->>'$.metadata.namespace', application) AS path,
    nullif(doc->>'$.spec.destination.namespace', '')       AS namespace,
    nullif(coalesce(
      nullif(nullif(doc->>'$.spec.destination.name', ''), 'in-cluster'),
      regexp_extract(doc->>'$.spec.destination.server', '^(?:https://)?([^/:]*)', 1)),
      'kubernetes.default.svc')                            AS cluster,
    nullif(doc->'$.status.operationState', 'null')         AS operation,
    operation->>'$.startedAt'                              AS started_at,
    operation->>'$.finishedAt'                             AS finished_at,
    from_json(operation->'$.syncResult.resources',
      '[{"kind": "VARCHAR", "message": "VARCHAR", "images": ["VARCHAR"]}]') AS resources,
    from_json(doc->'$.status.summary.images', '["VARCHAR"]') AS images,
    image_tags(flatten(resources.list_transform(lambda r: r.images)), [service, application])
                                                           AS wanted,
    image_tags(images, [service, application])             AS running,
    list_concat(wanted, running)                           AS tags
  FROM listed
),
syncs AS (
  SELECT *,
    CASE
      WHEN min(list_min(tags)) OVER of_sync < max(list_max(tags)) OVER of_sync THEN 'deploy'
      WHEN len(list_filter(resources,
        lambda r: r.kind IN ('ConfigMap', 'Secret', 'SealedSecret', 'ExternalSecret')
          AND regexp_matches(r.message, '^(\S+ )?(configured|created|replaced|pruned)\b'))) > 0
        THEN 'config'
      ELSE 'deploy'
    END                                                    AS kind,
    CASE
      WHEN len(wanted) > 0 THEN wanted
      WHEN finished_at IS NOT NULL AND doc->>'$.status.health.status' = 'Healthy' THEN running
    END                                                    AS versions,
    CASE WHEN position = max(position) OVER (PARTITION BY path) THEN list_filter(
      json_extract(doc, '$.status.history[*]'),
      lambda h: (h->>'$.deployStartedAt') <> coalesce(started_at, '')) END AS past
  FROM applications
  WINDOW of_sync AS (PARTITION BY path, started_at)
),
moments AS (
  SELECT *, unnest(coalesce(nullif(list_concat(
    CASE WHEN operation IS NOT NULL THEN
      [{'at': started_at, 'state': 'in_progress', 'detail': CASE WHEN finished_at IS NULL
        THEN operation->>'$.message' END, 'entry': NULL::JSON}] END,
    CASE WHEN finished_at IS NOT NULL THEN
      [{'at': finished_at, 'state': CASE operation->>'$.phase'
        WHEN 'Succeeded' THEN 'success' WHEN 'Failed' THEN 'failure' WHEN 'Error' THEN 'error'
        ELSE 'in_progress' END, 'detail': operation->>'$.message', 'entry': NULL::JSON}] END,
    list_transform(past,
      lambda h: {'at': h->>'$.deployStartedAt', 'state': 'success', 'detail': NULL, 'entry': h})),
    []), [NULL])) AS m
  FROM syncs
),
told AS (   -- of an earlier sync its entry in the history, of the last one its operation and result
  SELECT *,
    m.entry IS NULL                                        AS is_last,
    path || '@' || coalesce(m.entry->>'$.deployStartedAt', started_at) AS uid,
    CASE WHEN is_last THEN doc->>'$.metadata.resourceVersion' ELSE m.entry->>'$.id' END AS event_id,
    CASE WHEN is_last THEN operation->'$.operation.initiatedBy' ELSE m.entry->'$.initiatedBy'
    END                                                    AS initiator,
    CASE WHEN is_last THEN coalesce(operation->'$.syncResult',   -- before there is one, the plan
      json_merge_patch(doc->'$.spec', operation->'$.operation.sync')) ELSE m.entry END AS result,
    from_json(coalesce(result->'$.revisions', json_array(result->'$.revision')),
      '["VARCHAR"]')                                       AS revisions,
    coalesce(list_position(list_transform(revisions,
      lambda r: regexp_full_match(r, '[0-9a-f]{7,64}')), true), 1) AS nth,   -- a commit, if any is
    CASE WHEN is_last AND len(versions) = 1 THEN versions[1] END AS version
  FROM moments
),
changes AS (
  SELECT
    position,
    ingested_at,
    'application_lifecycle'                                AS class_name,
    m."at"                                                   AS "time",
    8                                                        AS activity_id,
    1                                                        AS severity_id,
    CASE m.state WHEN 'success' THEN 1 WHEN 'in_progress' THEN 0 ELSE 2 END AS status_id,
    {'uid': event_id, 'correlation_uid': uid}               AS metadata,
    {'service': service, 'version': version, 'namespace': namespace, 'cluster': cluster} AS workload,
    {'name': service, 'version': version}                    AS app,
    {'user': {'name': coalesce(nullif(initiator->>'$.username', ''),
      CASE WHEN initiator->>'$.automated' = 'true' THEN 'automated' END)}} AS actor,
    m.detail                                                 AS status_detail,
    {'uid': uid, 'kind': CASE WHEN is_last THEN kind ELSE 'deploy' END, 'state': m.state,
     'revision': revisions[nth],
     'url': commit_url(coalesce(json_extract_string(result, '$.sources[*].repoURL')[nth],
       result->>'$.source.repoURL'), revisions[nth]),
     'environment': nullif(concat_ws('/', cluster, namespace), '')} AS change,
    filled({
      'event': event, 'source': result->'$.source', 'sources': result->'$.sources',
      'revisions': result->'$.revisions',
      'resources': CASE WHEN is_last THEN operation->'$.syncResult.resources' END,
      'images': CASE WHEN is_last THEN images END,
      'sync': CASE WHEN is_last THEN doc->>'$.status.sync.status' END,
      'health': CASE WHEN is_last THEN doc->>'$.status.health.status' END}) AS unmapped,
    CASE
      WHEN event = 'BOOKMARK' OR json_array_length(told, '$.items') = 0 THEN ''   -- nothing to map
      WHEN application IS NULL OR json_type(doc, '$.spec.destination') IS DISTINCT FROM 'OBJECT'
        OR coalesce(doc->>'$.kind', 'Application') <> 'Application'
        THEN 'the document is no Application of Argo CD'
      WHEN m IS NULL THEN ''                                 -- it was never synced
    END                                                      AS problem
  FROM told
),
states AS (
  SELECT *,
    doc->>'$.status.sync.status'                           AS sync,
    doc->>'$.status.health.status'                         AS health,
    coalesce(sync, 'Synced') = 'Synced'
      AND coalesce(health, 'Healthy') IN ('Healthy', 'Progressing', 'Suspended') AS is_well,
    coalesce(list_max([any_time(doc->>'$.status.reconciledAt'), any_time(finished_at),
        any_time(started_at)]),
      any_time(doc->>'$.metadata.creationTimestamp'), ingested_at) AS seen_at
  FROM applications
  WHERE application IS NOT NULL AND json_type(doc, '$.spec.destination') = 'OBJECT'
    AND coalesce(doc->>'$.kind', 'Application') = 'Application'
    AND event IS DISTINCT FROM 'BOOKMARK'
),
objects AS (
  SELECT
    position,
    ingested_at,
    'kubernetes_object'                                    AS class_name,
    seen_at                                                AS "time",
    CASE event WHEN 'ADDED' THEN 2 WHEN 'MODIFIED' THEN 3 WHEN 'DELETED' THEN 4 ELSE 1 END
                                                           AS activity_id,
    CASE WHEN is_well THEN 1 ELSE 4 END                    AS severity_id,
    CASE WHEN is_well THEN 1 ELSE 2 END                    AS status_id,
    concat('Application ', path,
      CASE WHEN NOT is_well THEN ': it is ' || concat_ws(', ', sync, health) END) AS message,
    {'uid': nullif(concat_ws('@', doc->>'$.metadata.uid', doc->>'$.metadata.resourceVersion'), '')}
                                                           AS metadata,
    {'service': application}                               AS workload,
    {'kind': 'Application', 'name': application, 'namespace': doc->>'$.metadata.namespace',
     'uid': doc->>'$.metadata.uid', 'api_version': doc->>'$.apiVersion',
     'resource_version': doc->>'$.metadata.resourceVersion',
     'created_time': any_time(doc->>'$.metadata.creationTimestamp')} AS object,
    is_well                                                AS is_ready,
    CASE WHEN NOT is_well THEN CASE WHEN health <> 'Healthy' THEN health ELSE sync END END
                                                           AS reason,
    nullif(doc->'$.status.conditions', 'null')::VARCHAR    AS conditions,
    (doc->'$.metadata.labels')::VARCHAR                    AS attributes,
    filled({'object': json_merge_patch(doc, '{"kind": null, "apiVersion": null, "metadata": {
      "name": null, "namespace": null, "uid": null, "resourceVersion": null, "generation": null,
      "creationTimestamp": null, "labels": null, "managedFields": null, "annotations":
        {"kubectl.kubernetes.io/last-applied-configuration": null}},
      "status": {"conditions": null}}')})                  AS unmapped,
    NULL::VARCHAR                                          AS problem
  FROM states
)
FROM changes UNION ALL BY NAME FROM objects
