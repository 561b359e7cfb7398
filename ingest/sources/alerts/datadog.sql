-- name: datadog
-- reads: json
-- class: detection_finding
-- product: Datadog / Datadog
-- sniff: (?i)"\$?(alert_transition|alert_cycle_key|aggreg_key|trans_name|monitor_groups|date_happened)"\s*:|"event_type"\s*:\s*"[a-z_]*(_alert|_monitor)"
-- sniff: (?i)"\$?(event_title|alert_title|title)"\s*:
-- https://docs.datadoghq.com/integrations/webhooks/ (its default payload, and payloads whose keys
-- are the names of its variables, in any case)
-- https://docs.datadoghq.com/api/latest/events/ (v1 and v2, alone or in a list)
WITH documents AS (
  SELECT position, ingested_at, doc, unnest(CASE
    WHEN json_array_length(doc, '$.events') > 0 THEN doc->'$.events[*]'
    WHEN json_type(doc, '$.event') = 'OBJECT' THEN [doc->'$.event']
    WHEN json_array_length(doc, '$.data') > 0 THEN doc->'$.data[*]'
    WHEN json_type(doc, '$.data') = 'OBJECT' THEN [doc->'$.data']
    WHEN json_type(doc) = 'OBJECT' THEN [doc]
    ELSE [NULL]
  END) AS one
  FROM raw
),
flat AS (
  SELECT * EXCLUDE (one),
    CASE WHEN json_exists(one, '$.attributes.attributes')
      THEN json_merge_patch(one, one->'$.attributes', one->'$.attributes.attributes',
        '{"attributes": null}')
      ELSE '{' || array_to_string(map_entries(from_json(one, '"MAP(VARCHAR, JSON)"'))
        .list_transform(lambda e: to_json(lower(ltrim(e.key, '$')))::VARCHAR || ':' || e."value"),
        ',') || '}'
    END AS one
  FROM documents
),
parsed AS (
  SELECT *, from_json(one, '{"id": "VARCHAR", "title": "VARCHAR", "event_title": "VARCHAR",
    "alert_title": "VARCHAR", "body": "VARCHAR", "event_msg": "VARCHAR", "text": "VARCHAR",
    "text_only_msg": "VARCHAR", "message": "VARCHAR", "date": "VARCHAR", "last_updated": "VARCHAR",
    "date_happened": "VARCHAR", "timestamp": "VARCHAR", "alert_id": "VARCHAR",
    "monitor_id": "VARCHAR", "alert_type": "VARCHAR", "status": "VARCHAR",
    "alert_transition": "VARCHAR", "alert_priority": "VARCHAR", "alert_scope": "VARCHAR",
    "alert_cycle_key": "VARCHAR", "aggreg_key": "VARCHAR", "aggregation_key": "VARCHAR",
    "host": "VARCHAR", "hostname": "VARCHAR", "service": "VARCHAR", "tags": "JSON",
    "link": "VARCHAR", "url": "VARCHAR", "monitor_groups": ["VARCHAR"], "monitor": {
      "id": "VARCHAR", "name": "VARCHAR", "transition": {"trans_name": "VARCHAR"}}}') AS e
  FROM flat
),
told AS (
  SELECT *,
    coalesce(e.event_title, e.title)                       AS headline,
    coalesce(e.alert_transition, e.monitor.transition.trans_name,
      nullif(regexp_extract(headline,
        '^\[(Re-Triggered|Triggered|Re-Warn|Warn|Recovered|Re-No Data|No Data|Renotify)', 1), ''))
                                                           AS transition,
    coalesce(e.alert_id, e.monitor_id, e.monitor.id)       AS monitor_id,
    list_concat(
      CASE json_type(e.tags) WHEN 'ARRAY' THEN from_json(e.tags, '["VARCHAR"]')
        ELSE string_split_regex(e.tags->>'$', ', *') END,
      string_split_regex(e.alert_scope, ', *'), e.monitor_groups) AS tags,
    any_time(coalesce(e.date_happened, e."timestamp", e."date", e.last_updated)) AS "at"
  FROM parsed
)
SELECT
  position,
  ingested_at,
  "at"                                                     AS "time",
  CASE WHEN transition = 'Recovered' THEN 3 WHEN transition LIKE 'Re%' THEN 2 ELSE 1
  END                                                      AS activity_id,
  coalesce(nullif(priority_severity_id(e.alert_priority), 0),
    CASE lower(coalesce(e.alert_type, e.status, transition))
      WHEN 'success' THEN 1 WHEN 'ok' THEN 1 WHEN 'recovered' THEN 1 WHEN 'triggered' THEN 4
      ELSE alert_severity_id(coalesce(e.alert_type, e.status, transition)) END) AS severity_id,
  CASE WHEN transition = 'Recovered' THEN 4 ELSE 1 END     AS status_id,
  transition                                               AS status_code,
  coalesce(headline, e.alert_title)                        AS message,
  {'service': coalesce(e.service, tag(tags, 'service')), 'version': tag(tags, 'version'),
   'pod': tag(tags, 'pod_name'),
   'node': coalesce(tag(tags, 'kube_node'), e.hostname, e.host, tag(tags, 'host')),
   'namespace': tag(tags, 'kube_namespace'),
   'cluster': coalesce(tag(tags, 'kube_cluster_name'), tag(tags, 'cluster_name')),
   'zone': tag(tags, 'availability-zone'), 'region': tag(tags, 'region'),
   'account': tag(tags, 'aws_account')}                    AS workload,
  {'uid': e.id}                                            AS metadata,
  {'uid': coalesce(e.alert_cycle_key, e.aggreg_key, e.aggregation_key,
     nullif(concat_ws(':', monitor_id, array_to_string(e.monitor_groups, ',')), ''), e.id),
   'title': coalesce(e.alert_title, e.monitor.name, regexp_replace(headline, '^\[[^\]]*\] *', '')),
   'desc': nullif(coalesce(e.event_msg, e.body, e.text, e.text_only_msg, e.message), ''),
   'first_seen_time': CASE WHEN transition IN ('Triggered', 'Warn', 'No Data') THEN "at" END,
   'last_seen_time': CASE WHEN transition = 'Recovered' THEN "at" END,
   'src_url': coalesce(e.link, regexp_replace(e.url, '^/', 'https://app.datadoghq.com/')),
   'analytic': rule(monitor_id, coalesce(e.alert_title, e.monitor.name))} AS finding_info,
  filled({'tags': nullif(list_sort(list_distinct(tags)), [])})        AS attributes,
  remaining(one, '{"id": null, "event_title": null, "title": null, "alert_title": null,
    "event_msg": null, "body": null, "text": null, "alert_transition": null, "alert_id": null,
    "alert_cycle_key": null, "hostname": null, "host": null, "service": null, "tags": null,
    "link": null}')                                        AS unmapped,
  CASE
    WHEN json_array_length(doc, '$.events') = 0 OR json_array_length(doc, '$.data') = 0 THEN ''
    WHEN coalesce(headline, e.alert_title) IS NULL
      THEN 'the document is no webhook and no event of Datadog'
    WHEN transition IS NULL THEN 'the event tells no alert of a monitor'
  END                                                      AS problem
FROM told
