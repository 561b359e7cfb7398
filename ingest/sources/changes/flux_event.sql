-- name: flux_event
-- reads: json
-- class: application_lifecycle
-- product: Flux / Flux
-- sniff: "involvedObject":
-- sniff: "reportingController":\s*"(kustomize|helm|source|image-[a-z]+|notification)-controller"
-- https://fluxcd.io/flux/components/notification/events/
-- Events of Flux's controllers (event/v1beta1, Flux 0.x and 2.x) as the notification controller
-- sends them to a generic webhook; the keys of `metadata` with or without their group. An object at
-- a revision is a change.
WITH events AS (
  SELECT position, ingested_at, doc, from_json(doc, '{"involvedObject": {"kind": "VARCHAR",
      "namespace": "VARCHAR", "name": "VARCHAR", "uid": "VARCHAR", "apiVersion": "VARCHAR"},
      "severity": "VARCHAR", "timestamp": "VARCHAR", "message": "VARCHAR", "reason": "VARCHAR",
      "metadata": "MAP(VARCHAR, VARCHAR)", "reportingController": "VARCHAR",
      "reportingInstance": "VARCHAR"}')                    AS e
  FROM raw
),
named AS (
  SELECT *,
    coalesce(map_extract_value(e.metadata, 'revision'),
      map_extract_value(e.metadata, 'kustomize.toolkit.fluxcd.io/revision'),
      map_extract_value(e.metadata, 'helm.toolkit.fluxcd.io/revision'),
      map_extract_value(e.metadata, 'source.toolkit.fluxcd.io/revision')) AS told_revision,
    coalesce(nullif(regexp_extract(told_revision, '([0-9a-f]{40,64})$', 1), ''), told_revision)
                                                           AS revision,
    coalesce(map_extract_value(e.metadata, 'app-version'),
      map_extract_value(e.metadata, 'helm.toolkit.fluxcd.io/app-version')) AS version,
    concat_ws('/', e."involvedObject".kind, e."involvedObject".namespace, e."involvedObject".name)
      || coalesce('@' || told_revision, '')                AS uid,
    CASE
      WHEN e.severity = 'error' OR e.reason LIKE '%Failed' THEN 'failure'
      WHEN e.reason LIKE '%Succeeded' OR e.reason IN ('DriftCorrected', 'Pruned') THEN 'success'
      WHEN e.reason = 'DependencyNotReady' THEN 'queued'
      WHEN e."involvedObject".kind LIKE '%Repository' OR e."involvedObject".kind LIKE '%Chart'
        OR e."involvedObject".kind = 'Bucket' THEN 'created'
      ELSE 'in_progress'
    END                                                    AS state
  FROM events
)
SELECT
  position,
  ingested_at,
  any_time(e."timestamp")                                  AS "time",
  CASE WHEN e.reason LIKE 'Install%' THEN 1 WHEN e.reason LIKE 'Uninstall%' THEN 2 ELSE 8
  END                                                      AS activity_id,
  CASE e.severity WHEN 'error' THEN 4 ELSE 1 END           AS severity_id,
  change_status_id(state)                                  AS status_id,
  e.reason                                                 AS status_code,
  e.message                                                AS message,
  {'uid': uid || ':' || e.reason, 'correlation_uid': uid}  AS metadata,
  {'service': e."involvedObject".name, 'version': version,
   'namespace': e."involvedObject".namespace}              AS workload,
  {'name': e."involvedObject".name, 'version': version, 'uid': e."involvedObject".uid} AS app,
  {'app_name': e."reportingController"}                    AS actor,
  {'uid': uid, 'kind': 'deploy', 'state': state, 'revision': revision,
   'environment': e."involvedObject".namespace}            AS change,
  filled({
    'kind': e."involvedObject".kind, 'apiVersion': e."involvedObject"."apiVersion",
    'metadata': e.metadata, 'reportingInstance': e."reportingInstance"}) AS unmapped,
  CASE WHEN e."involvedObject".name IS NULL OR e.reason IS NULL OR e."timestamp" IS NULL
    THEN 'the document is no event of Flux' END            AS problem
FROM named
