-- name: datadog_monitors
-- reads: yaml
-- class: detection_finding
-- product: Datadog / Monitors
-- sniff: "overall_?[sS]tate"\s*:
-- https://docs.datadoghq.com/api/latest/monitors/
-- What the API answers of monitors, one, a list, or {"monitors": [...]}: how each is as of the file's
-- capture, since `overall_state_modified` where that is told. One that is OK, or that has no state, is
-- no alarm.
WITH items AS (
  SELECT position, captured_at, ingested_at, unnest(CASE WHEN json_type(doc) = 'ARRAY' THEN doc->'$[*]'
    WHEN json_type(doc, '$.monitors') = 'ARRAY' THEN doc->'$.monitors[*]'
    WHEN json_type(doc, '$.data') = 'ARRAY' THEN doc->'$.data[*]' ELSE [doc] END) AS one
  FROM raw
),
parsed AS (
  SELECT *, from_json(one, '{"id": "VARCHAR", "name": "VARCHAR", "type": "VARCHAR",
      "query": "VARCHAR", "message": "VARCHAR", "priority": "VARCHAR",
      "overall_state_modified": "VARCHAR"}') AS e,
    coalesce(one->>'$.overall_state', one->>'$.overallState') AS state,
    list_concat(from_json(one->'$.tags', '["VARCHAR"]'), list_transform(regexp_extract_all(
      one->>'$.query', '[{,]\s*([a-z_]+:[\w./-]+)', 1), lambda t: t)) AS tags,
    any_time(one->>'$.overall_state_modified')             AS changed_at
  FROM items
),
told AS (
  SELECT *, state IN ('Alert', 'Warn', 'No Data') AS is_firing FROM parsed
)
SELECT
  position,
  ingested_at,
  coalesce(changed_at, captured_at)                        AS "time",
  CASE WHEN is_firing THEN 1 ELSE 3 END                    AS activity_id,
  CASE WHEN NOT is_firing THEN 1 ELSE coalesce(
    nullif(priority_severity_id('P' || e.priority), 0),
    CASE state WHEN 'Alert' THEN 4 ELSE 3 END) END         AS severity_id,
  CASE WHEN is_firing THEN 1 ELSE 4 END                    AS status_id,
  state                                                    AS status_code,
  e.name                                                   AS message,
  is_firing                                                AS is_alert,
  {'service': coalesce(tag(tags, 'service'), tag(tags, 'kube_deployment'),
     tag(tags, 'kube_stateful_set'), tag(tags, 'kube_daemon_set')),
   'pod': tag(tags, 'pod_name'), 'node': coalesce(tag(tags, 'kube_node'), tag(tags, 'host')),
   'namespace': tag(tags, 'kube_namespace'),
   'cluster': coalesce(tag(tags, 'kube_cluster_name'), tag(tags, 'cluster_name')),
   'zone': tag(tags, 'availability-zone'), 'region': tag(tags, 'region')} AS workload,
  {'uid': coalesce(e.id, md5(concat(e.name, e.query))), 'title': e.name,
   'desc': nullif(e.message, ''), 'first_seen_time': changed_at,
   'analytic': rule(e.id, e.name)}                         AS finding_info,
  filled({'tags': from_json(one->'$.tags', '["VARCHAR"]'), 'query': e.query, 'type': e.type})
                                                           AS attributes,
  filled({'undated': CASE WHEN changed_at IS NULL THEN true END, 'monitor': json_merge_patch(one,
    '{"id": null, "name": null, "query": null, "message": null, "tags": null, "type": null}')})
                                                           AS unmapped,
  CASE WHEN state IS NULL OR e.name IS NULL THEN 'the document is no monitor of Datadog' END
                                                           AS problem
FROM told
