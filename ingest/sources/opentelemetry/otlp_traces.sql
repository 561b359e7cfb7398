-- name: otlp_traces
-- reads: otlp_traces
-- class: trace_span
-- product: OpenTelemetry / OTLP
-- sniff: "(resourceSpans|resource_spans)"\s*:
-- files: *trace* *span*
-- https://opentelemetry.io/docs/specs/otel/trace/api/#span
-- OTLP 0.15 to 1.10, protobuf and JSON, as exported and as the Collector's file exporter writes it.
WITH spans AS (
  SELECT *, otlp_attributes(attributes) AS attributes_json FROM raw
),
found AS (   -- stable names of the semantic conventions first, then those they replaced
  SELECT *, json_extract_string(attributes_json, [
    '/http.request.method', '/http.method',
    '/url.path', '/http.target',
    '/http.response.status_code', '/http.status_code',
    '/http.route',
    '/peer.service',
    '/server.address', '/net.peer.name',
    '/server.port', '/net.peer.port',
    '/db.system.name', '/db.system', '/messaging.system', '/rpc.system',
    '/db.namespace', '/db.name', '/messaging.destination.name',
    '/db.operation.name', '/db.operation', '/messaging.operation.name', '/rpc.method']) AS v
  FROM spans
)
SELECT
  position,
  ingested_at,
  time_from_ns(start_time_unix_nano)                      AS "time",
  1                                                       AS activity_id,
  1                                                       AS severity_id,
  CASE status.code WHEN 2 THEN 2 ELSE 1 END               AS status_id,
  nullif(status.message, '')                              AS status_detail,
  resource_workload(resource)                             AS workload,
  otlp_id(trace_id)                                       AS trace_uid,
  otlp_id(span_id)                                        AS span_uid,
  otlp_id(parent_span_id)                                 AS parent_span_uid,
  name                                                    AS span_name,
  coalesce(['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'][kind + 1],
    'unspecified')                                        AS span_kind,
  start_time_unix_nano                                    AS start_time_ns,
  end_time_unix_nano::HUGEINT - start_time_unix_nano      AS duration_ns,
  nullif(scope->>'$.name', '')                            AS scope,
  {'http_method': coalesce(v[1], v[2]),
   'url': {'path': coalesce(v[3], split_part(v[4], '?', 1))}} AS http_request,
  {'code': coalesce(v[5], v[6])}                          AS http_response,
  v[7]                                                    AS http_route,
  {'service': v[8], 'address': coalesce(v[9], v[10]), 'port': coalesce(v[11], v[12]),
   'system': coalesce(v[13], v[14], v[15], v[16]), 'namespace': coalesce(v[17], v[18], v[19]),
   'operation': coalesce(v[20], v[21], v[22], v[23])}     AS peer,
  attributes_json                                         AS attributes,
  CASE WHEN len(events) > 0 THEN '[' || array_to_string(list_transform(events, lambda e:
    '{"time_ns":' || e.time_unix_nano || ',"name":' || to_json(e.name)
      || ',"attributes":' || otlp_attributes(e.attributes)
      || otlp_count('dropped_attributes_count', e.dropped_attributes_count) || '}'), ',') || ']'
  END                                                     AS span_events,
  CASE WHEN len(links) > 0 THEN '[' || array_to_string(list_transform(links, lambda l:
    '{"trace_uid":"' || lower(hex(l.trace_id)) || '","span_uid":"' || lower(hex(l.span_id))
      || '","attributes":' || otlp_attributes(l.attributes)
      || otlp_text_member('trace_state', l.trace_state) || otlp_count('flags', l.flags)
      || otlp_count('dropped_attributes_count', l.dropped_attributes_count) || '}'), ',') || ']'
  END                                                     AS span_links,
  otlp_unmapped(found,
    otlp_text_member('trace_state', trace_state)
    || otlp_count('flags', flags)
    || otlp_count('status_code', CASE WHEN status.code <> 2 THEN status.code END)
    || otlp_count('dropped_attributes_count', dropped_attributes_count)
    || otlp_count('dropped_events_count', dropped_events_count)
    || otlp_count('dropped_links_count', dropped_links_count)) AS unmapped,
  CASE
    WHEN end_time_unix_nano < start_time_unix_nano THEN 'the span ends before it starts'
    WHEN otlp_id(trace_id) IS NULL OR otlp_id(span_id) IS NULL THEN 'the span has no id'
  END                                                     AS problem
FROM found
