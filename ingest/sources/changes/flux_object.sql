-- name: flux_object
-- reads: yaml
-- class: application_lifecycle
-- product: Flux / Flux
-- sniff: (helm|kustomize)\.toolkit\.fluxcd\.io/v\d
-- sniff: kind"?:\s*"?(HelmRelease|Kustomization)\b
-- sniff: \bspec"?:
-- https://fluxcd.io/flux/components/helm/helmreleases/#history
-- https://fluxcd.io/flux/components/kustomize/kustomizations/#history
-- HelmReleases (v2beta1 to v2) and Kustomizations (v1beta2, v1) from kubectl, alone or in a list,
-- with their history; one that keeps none tells by its condition Ready when it last turned. The
-- same chart as in the release before means other values: a change of configuration.
WITH documents AS (
  SELECT position, ingested_at, coalesce(doc->'$.object', doc) AS told FROM raw
),
listed AS (
  SELECT position, ingested_at, told, unnest(CASE WHEN json_array_length(told, '$.items') > 0
    THEN told->'$.items[*]' ELSE [told] END) AS doc
  FROM documents
),
objects AS (
  SELECT *,
    doc->>'$.kind'                                         AS kind,
    doc->>'$.metadata.name'                                AS name,
    nullif(doc->>'$.metadata.namespace', '')               AS namespace,
    from_json(doc->'$.status.history', '[{"version": "VARCHAR", "status": "VARCHAR",
      "chartName": "VARCHAR", "chartVersion": "VARCHAR", "appVersion": "VARCHAR",
      "configDigest": "VARCHAR", "digest": "VARCHAR", "namespace": "VARCHAR",
      "firstDeployed": "VARCHAR", "lastDeployed": "VARCHAR", "firstReconciled": "VARCHAR",
      "lastReconciled": "VARCHAR", "lastReconciledStatus": "VARCHAR",
      "lastReconciledDuration": "VARCHAR",
      "totalReconciliations": "VARCHAR", "metadata": {"revision": "VARCHAR"}}]') AS history,
    list_filter(from_json(doc->'$.status.conditions', '[{"type": "VARCHAR", "status": "VARCHAR",
      "reason": "VARCHAR", "message": "VARCHAR", "lastTransitionTime": "VARCHAR"}]'),
      lambda c: c.type = 'Ready')[1]                       AS ready
  FROM listed
),
entries AS (
  SELECT *, unnest(CASE WHEN len(history) > 0 THEN history ELSE [NULL] END) AS h,
    unnest(CASE WHEN len(history) > 1 THEN list_append(history[2:], NULL) ELSE [NULL] END) AS before
  FROM objects
),
stated AS (
  SELECT *,
    coalesce(h.metadata.revision, doc->>'$.status.lastAppliedRevision',
      doc->>'$.status.lastAttemptedRevision')              AS told_revision,
    concat_ws('/', kind, namespace, name)
      || coalesce('.v' || h.version, '@' || told_revision, '') AS uid,
    CASE
      WHEN h.status IS NOT NULL THEN helm_state(h.status)
      WHEN h."lastReconciledStatus" IS NOT NULL
        THEN CASE WHEN h."lastReconciledStatus" LIKE '%Succeeded' THEN 'success' ELSE 'failure' END
      WHEN ready.status = 'True' THEN 'success' WHEN ready.status = 'False' THEN 'failure'
      WHEN ready.status = 'Unknown' THEN 'in_progress'
    END                                                    AS state
  FROM entries
)
SELECT
  position,
  ingested_at,
  any_time(coalesce(h."lastDeployed", h."firstReconciled", ready."lastTransitionTime")) AS "time",
  CASE WHEN h IS NULL THEN 8 ELSE helm_activity_id(h.status, h.version) END AS activity_id,
  1                                                        AS severity_id,
  change_status_id(state)                                  AS status_id,
  coalesce(h.status, h."lastReconciledStatus", ready.reason) AS status_code,
  CASE WHEN h IS NULL THEN ready.message END               AS message,
  {'uid': uid, 'correlation_uid': uid}                     AS metadata,
  {'service': name, 'version': h."appVersion",
   'namespace': coalesce(h.namespace, namespace)}          AS workload,
  {'name': name, 'version': h."appVersion"}                AS app,
  {'app_name': 'Flux'}                                     AS actor,
  {'uid': uid,
   'kind': CASE WHEN h."chartName" = before."chartName" AND h."chartVersion" = before."chartVersion"
     THEN 'config' ELSE 'deploy' END,
   'state': state,
   'revision': coalesce(h."chartVersion",
     nullif(regexp_extract(told_revision, '([0-9a-f]{40,64})$', 1), ''), told_revision),
   'environment': coalesce(h.namespace, namespace)}        AS change,
  filled({
    'kind': kind, 'chartName': h."chartName", 'version': h.version,
    'configDigest': h."configDigest", 'digest': h.digest, 'firstDeployed': h."firstDeployed",
    'lastReconciled': h."lastReconciled", 'lastReconciledDuration': h."lastReconciledDuration",
    'ready': CASE WHEN h IS NOT NULL THEN ready END,
    'totalReconciliations': h."totalReconciliations",
    'revision': told_revision, 'sourceRef': coalesce(doc->'$.spec.sourceRef',
      doc->'$.spec.chart.spec.sourceRef', doc->'$.spec.chartRef'),
    'path': doc->>'$.spec.path', 'suspend': doc->'$.spec.suspend'}) AS unmapped,
  CASE
    WHEN json_array_length(told, '$.items') = 0 THEN ''
    WHEN name IS NULL OR coalesce(kind, '') NOT IN ('HelmRelease', 'Kustomization')
      OR NOT coalesce(doc->>'$.apiVersion' LIKE '%.toolkit.fluxcd.io/%', true)
      THEN 'the document is no HelmRelease or Kustomization of Flux'
    WHEN state IS NULL THEN ''                             -- it was never reconciled
  END                                                      AS problem
FROM stated
