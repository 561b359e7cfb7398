-- name: helm
-- reads: yaml
-- class: application_lifecycle
-- product: Helm / Helm
-- sniff: "?(app_version|last_deployed)"?:
-- sniff: "?(chart|first_deployed)"?:
-- https://helm.sh/docs/helm/helm_history/ https://helm.sh/docs/helm/helm_list/
-- What Helm 3 and 4 print as JSON or YAML: `history`, `list`, `status`, and the release that a
-- Secret sh.helm.release.v1... holds, decoded. A revision has one time, that at which it began, and
-- no history names its release: its chart's name stands in. The same chart as in the revision
-- before means other values: a change of configuration. Values, manifests and notes may hold
-- secrets: of the first two a digest is kept.
WITH documents AS (
  SELECT position, ingested_at,
    unnest(CASE WHEN json_array_length(doc) > 0 THEN doc->'$[*]' ELSE [doc] END) AS doc
  FROM raw
),
told AS (
  SELECT position, ingested_at, doc,
    from_json(doc, '{"name": "VARCHAR", "namespace": "VARCHAR", "revision": "VARCHAR",
      "version": "VARCHAR", "updated": "VARCHAR", "status": "VARCHAR", "chart": "JSON",
      "app_version": "VARCHAR", "description": "VARCHAR", "info": {"first_deployed": "VARCHAR",
        "last_deployed": "VARCHAR", "deleted": "VARCHAR", "description": "VARCHAR",
        "status": "VARCHAR"}}')                            AS r,
    helm_chart(doc->>'$.chart')                            AS packed
  FROM documents
),
named AS (
  SELECT *,
    coalesce(r.chart->>'$.metadata.name', packed.name)     AS chart,
    coalesce(r.chart->>'$.metadata.version', packed.version) AS chart_version,
    coalesce(r.app_version, r.chart->>'$.metadata.appVersion') AS app_version,
    coalesce(r.name, chart)                                AS release,
    coalesce(r.revision, r.version)                        AS revision,
    coalesce(r.status, r.info.status)                      AS status,
    concat_ws('/', r.namespace, release || '.v' || revision) AS uid
  FROM told
)
SELECT
  position,
  ingested_at,
  any_time(CASE WHEN status = 'uninstalled'
    THEN coalesce(nullif(r.info.deleted, ''), r.info.last_deployed, r.updated)
    ELSE coalesce(r.info.last_deployed, r.updated) END)    AS "time",
  helm_activity_id(status, revision)                       AS activity_id,
  1                                                        AS severity_id,
  change_status_id(helm_state(status))                     AS status_id,
  status                                                   AS status_code,
  coalesce(r.description, r.info.description)              AS message,
  {'uid': uid || ':' || status, 'correlation_uid': uid}    AS metadata,
  {'service': release, 'version': nullif(app_version, ''), 'namespace': r.namespace} AS workload,
  {'name': release, 'version': nullif(app_version, '')}    AS app,
  {'app_name': 'Helm'}                                     AS actor,
  {'uid': uid,
   'kind': CASE WHEN (chart, chart_version, app_version)
     = lag((chart, chart_version, app_version)) OVER of_release THEN 'config' ELSE 'deploy' END,
   'state': helm_state(status), 'revision': revision,
   'environment': r.namespace}                             AS change,
  filled({
    'chart': chart || '-' || chart_version, 'first_deployed': r.info.first_deployed,
    'config_sha256': sha256(nullif(doc->'$.config', 'null')),
    'manifest_sha256': sha256(doc->>'$.manifest')})        AS unmapped,
  CASE
    WHEN json_type(doc) = 'ARRAY' THEN ''                  -- it is empty
    WHEN release IS NULL OR revision IS NULL OR helm_state(status) IS NULL
      THEN 'the document is no release or revision of Helm'
  END                                                      AS problem
FROM named
WINDOW of_release AS (PARTITION BY file_of(position), r.namespace, release
  ORDER BY try_cast(revision AS BIGINT))
