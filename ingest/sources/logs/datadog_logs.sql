-- name: datadog_logs
-- reads: yaml
-- class: log_record
-- product: Datadog / Logs
-- sniff: "logs"\s*:\s*\[\s*\{|"type"\s*:\s*"log"
-- sniff: "(?:message|content)"\s*:
-- sniff: "(?:tags|ddtags|status)"\s*:\s*["\[]
-- https://docs.datadoghq.com/api/latest/logs/
-- What the API answers to a search of logs, version 2 ({"data": [{"attributes": ...}]}) and 1
-- ({"logs": [{"content": ...}]}), and the flat lists that tools make of it. A host is the pod where it
-- is named as one, the instance where it is named after its service, else the node.
WITH items AS (
  SELECT position, captured_at, ingested_at, doc, unnest(list_concat(
    doc->'$.logs[*]', doc->'$.data[*]', doc->'$.data.logs[*]')) AS one
  FROM raw
),
flat AS (
  SELECT *, coalesce(one->'$.attributes', one->'$.content', one) AS l FROM items
),
parsed AS (
  SELECT *, from_json(l, '{"timestamp": "VARCHAR", "message": "VARCHAR", "status": "VARCHAR",
      "service": "VARCHAR", "host": "VARCHAR", "tags": "JSON", "attributes": "JSON"}') AS e,
    CASE json_type(l, '$.tags') WHEN 'ARRAY' THEN from_json(l->'$.tags', '["VARCHAR"]')
      ELSE string_split_regex(coalesce(l->>'$.tags', l->>'$.ddtags', ''), ', *') END AS tags,
    any_time(coalesce(l->>'$.timestamp', l->>'$.date', l->>'$.time')) AS own_time
  FROM flat
),
named AS (
  SELECT *,
    map_from_entries(list_distinct(list_transform(list_filter(tags, lambda t: t LIKE '%:%'),
      lambda t: split_part(t, ':', 1))).list_transform(lambda k: {'key': k, 'value': substr(
        list_filter(tags, lambda t: starts_with(t, k || ':'))[1], length(k) + 2)})) AS tag,
    CASE WHEN is_pod(e.host) THEN e.host END               AS pod_host,
    CASE WHEN pod_host IS NULL AND starts_with(e.host, e.service || '-') THEN e.host END
                                                           AS own_host,
    exception_in(e.message)                                AS thrown
  FROM parsed
)
SELECT
  position,
  ingested_at,
  coalesce(own_time, captured_at)                          AS "time",
  finer_ns(e."timestamp")                                  AS time_ns,
  1                                                        AS activity_id,
  told_severity_id(e.status)                               AS severity_id,
  0                                                        AS status_id,
  e.message                                                AS message,
  e.status                                                 AS severity,
  {'uid': one->>'$.id'}                                    AS metadata,
  {'service': coalesce(e.service, tag['service']), 'version': tag['version'],
   'instance': own_host, 'pod': coalesce(tag['pod_name'], tag['kube_pod'], pod_host),
   'node': coalesce(tag['kube_node'], CASE WHEN pod_host IS NULL AND own_host IS NULL
     THEN e.host END),
   'namespace': tag['kube_namespace'],
   'cluster': coalesce(tag['kube_cluster_name'], tag['cluster_name']),
   'zone': tag['availability-zone'], 'region': tag['region']} AS workload,
  CASE WHEN thrown.type <> '' THEN {'type': thrown.type, 'message': thrown.message,
    'stacktrace': thrown.stacktrace} END                   AS exception,
  filled(json_merge_patch(coalesce(e.attributes, '{}'), coalesce(filled({'tags': nullif(tags, [''])}),
    '{}')))                                                AS attributes,
  CASE WHEN own_time IS NULL THEN '{"undated":true}' END   AS unmapped,
  CASE WHEN e.message IS NULL AND e.attributes IS NULL THEN 'the entry is no log of Datadog' END
                                                           AS problem
FROM named
UNION ALL BY NAME
SELECT position, ingested_at, NULL::TIMESTAMPTZ AS "time",
  CASE WHEN json_exists(doc, '$.logs') OR json_exists(doc, '$.data') THEN ''
    ELSE 'the document holds no logs' END                  AS problem
FROM raw
WHERE position NOT IN (SELECT position FROM items)
