-- name: log_query
-- reads: json
-- class: log_record
-- product: Log store / query answer
-- sniff: "streams?"\s*:\s*[{"\[][\s\S]*"values"\s*:\s*\[\s*\[|"hits"\s*:\s*\[\s*\{[\s\S]*"_source"\s*:|"events"\s*:\s*\[\s*\{[\s\S]*"(?:logStreamName|ingestionTime)"\s*:|"field"\s*:\s*"@message"|"userData"\s*:
-- over: json_log kubernetes_objects generic_alert prometheus_query prometheus_query_range datadog_logs
-- What stores of logs answer to a query: Loki's streams, Elasticsearch's and OpenSearch's hits,
-- CloudWatch Logs' events and rows of Insights, Coralogix' results. A line that is JSON is told as
-- json_log would; labels that the store keeps beside it say who speaks where the line does not.
-- https://grafana.com/docs/loki/latest/reference/loki-http-api/#query-logs-within-a-range-of-time
-- https://www.elastic.co/docs/reference/elasticsearch/rest-apis/search-hits
-- https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
-- https://coralogix.com/docs/dataprime/API/direct-archive-query-http/
WITH parts AS (
  SELECT position, ingested_at, doc,
    CASE json_type(doc) WHEN 'ARRAY' THEN doc->'$[*]' ELSE list_concat(
      doc->'$.data.result[*]', doc->'$.result[*]', doc->'$.streams[*]',
      CASE WHEN json_exists(doc, '$.values') THEN [doc] END) END AS streams,
    list_concat(doc->'$.hits.hits[*]', doc->'$.hits[*]', doc->'$.events[*]', doc->'$.results[*]',
      doc->'$.result.results[*]', CASE WHEN json_exists(doc, '$._source') THEN [doc] END) AS entries
  FROM raw
),
items AS (
  SELECT position, ingested_at, v->>'$[0]' AS moment, v->>'$[1]' AS text,
    coalesce(s->'$.stream', '{}') AS labels
  FROM (
    SELECT *, unnest(coalesce(s->'$.values[*]', [])) AS v
    FROM (SELECT position, ingested_at, unnest(streams) AS s FROM parts)
  )
  UNION ALL
  SELECT position, ingested_at,
    coalesce(r->>'$.timestamp', f['@timestamp'], m['timestamp']),
    coalesce(r->>'$._source', r->>'$.message', f['@message'], r->>'$.userData'),
    coalesce(json_merge_patch(to_json(m), to_json({'log_stream': coalesce(r->>'$.logStreamName',
      f['@logStream']), 'log_group': f['@log']})), '{}')
  FROM (
    SELECT *,
      map_from_entries(list_distinct(list_transform(CASE json_type(r) WHEN 'ARRAY' THEN r->'$[*]'
        ELSE [] END, lambda e: {'key': e->>'$.field', 'value': e->>'$.value'}))) AS f,
      map_from_entries(list_distinct(list_transform(list_concat(r->'$.metadata[*]', r->'$.labels[*]'),
        lambda e: {'key': e->>'$.key', 'value': e->>'$.value'}))) AS m
    FROM (SELECT position, ingested_at, unnest(entries) AS r FROM parts)
  )
),
named AS (
  SELECT *,
    json_extract_string(labels, ['/namespace', '/kubernetes_namespace_name', '/k8s_namespace_name']) AS ns,
    json_extract_string(labels, ['/pod', '/pod_name', '/kubernetes_pod_name', '/k8s_pod_name',
      '/instance']) AS pods,
    json_extract_string(labels, ['/service_name', '/app', '/app_kubernetes_io_name', '/service',
      '/subsystemname', '/job']) AS services,
    json_extract_string(labels, ['/detected_level', '/level', '/severity']) AS levels,
    json_extract_string(labels, ['/node_name', '/node', '/cluster']) AS places
  FROM items
),
found AS (SELECT *, json_found(object_in(text)) AS f FROM named),
firsts AS (SELECT *, json_firsts(f) AS i FROM found),
told AS (
  SELECT *, json_told(f, i) AS t, exception_in(coalesce(f.stack[i.stack], text)) AS e FROM firsts
),
levelled AS (
  SELECT *, told_workload(t) AS w, coalesce(t.level, level_in(text),
    list_filter(levels, lambda one: one <> 'unknown')[1]) AS level
  FROM told
)
SELECT
  position,
  ingested_at,
  coalesce(any_time(moment), any_time(t."at"))                AS "time",
  finer_ns(moment)                                            AS time_ns,
  1                                                       AS activity_id,
  told_severity_id(level)                                 AS severity_id,
  0                                                       AS status_id,
  coalesce(t.message, without_trace(text, e.stacktrace))  AS message,
  {'service': coalesce(w.service, list_filter(services, lambda one: one <> '')[1]),
   'version': w."version", 'instance': w."instance",
   'pod': coalesce(w.pod, list_filter(pods, lambda one: is_pod(one) OR one = pods[1])[1],
     CASE WHEN is_pod(labels->>'$.log_stream') THEN labels->>'$.log_stream' END),
   'node': coalesce(w.node, places[1], places[2]),
   'namespace': coalesce(w."namespace", list_filter(ns, lambda one: one <> '')[1]),
   'cluster': coalesce(w."cluster", places[3]), 'zone': w."zone", 'region': w.region,
   'account': w.account}                                  AS workload,
  level                                                   AS severity,
  t.trace_uid                                             AS trace_uid,
  t.span_uid                                              AS span_uid,
  t.scope                                                 AS scope,
  told_exception(t, e)                                    AS exception,
  untold(object_in(text), t)::VARCHAR                     AS attributes,
  filled({'labels': labels})                              AS unmapped,
  CASE WHEN text IS NULL THEN 'the entry has no line' END AS problem
FROM levelled
UNION ALL BY NAME
SELECT position, ingested_at, NULL::TIMESTAMPTZ AS "time", '' AS problem
FROM raw
WHERE position NOT IN (SELECT position FROM items)
