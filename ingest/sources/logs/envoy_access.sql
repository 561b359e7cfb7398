-- name: envoy_access
-- reads: lines
-- class: http_activity network_activity
-- product: Envoy / Envoy Proxy
-- sniff: ^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] "(?:[A-Z-]+ \S+ \S+|-)" \d+ \S+ |^\{.*"response_flags"\s*:
-- https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
-- The default format of Envoy and Istio's, as text and as JSON, of HTTP and of TCP, which has no
-- method. The speaker is the service that is called where the line is of an inbound call and its
-- authority names one in the cluster, else `envoy`; whom it called is `dst_endpoint`.
WITH lines AS (
  SELECT position, ingested_at, line, object_in(line) AS doc,
    regexp_extract(line,
      '^\[([^\]]+)\] "(?:(\S+) (\S+) (\S+)|-)" (\d+) (\S+) (?:(\S+) (\S+) "([^"]*)" )?(\d+) (\d+) '
      || '(\d+|-) (\S+) "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)"'
      || '(?: (\S+) (\S+) (\S+) (\S+) (\S+) (\S+))?(?: (.*))?$',
      ['start_time', 'method', 'path', 'protocol', 'response_code', 'response_flags',
       'response_code_details', 'connection_termination_details',
       'upstream_transport_failure_reason', 'bytes_received', 'bytes_sent', 'duration',
       'upstream_service_time', 'x_forwarded_for', 'user_agent', 'request_id', 'authority',
       'upstream_host', 'upstream_cluster', 'upstream_local_address', 'downstream_local_address',
       'downstream_remote_address', 'requested_server_name', 'route_name', 'tail']) AS l
  FROM raw
),
entries AS (
  SELECT *, CASE WHEN doc IS NULL THEN l ELSE from_json(doc, '{"start_time": "VARCHAR",
    "method": "VARCHAR", "path": "VARCHAR", "protocol": "VARCHAR", "response_code": "VARCHAR",
    "response_flags": "VARCHAR", "response_code_details": "VARCHAR",
    "connection_termination_details": "VARCHAR", "upstream_transport_failure_reason": "VARCHAR",
    "bytes_received": "VARCHAR", "bytes_sent": "VARCHAR", "duration": "VARCHAR",
    "upstream_service_time": "VARCHAR", "x_forwarded_for": "VARCHAR", "user_agent": "VARCHAR",
    "request_id": "VARCHAR", "authority": "VARCHAR", "upstream_host": "VARCHAR",
    "upstream_cluster": "VARCHAR", "upstream_local_address": "VARCHAR",
    "downstream_local_address": "VARCHAR", "downstream_remote_address": "VARCHAR",
    "requested_server_name": "VARCHAR", "route_name": "VARCHAR", "tail": "VARCHAR"}') END AS e
  FROM lines
),
told AS (
  SELECT *, given(e.method) IS NOT NULL AS is_http, string_split(e."path", '?') AS p,
    nullif(try_cast(e.response_code AS INT), 0) AS code,
    nullif(nullif(regexp_extract(e.upstream_cluster, '^(?:in|out)bound\|\d+\|[^|]*\|(.*)$', 1), ''),
      'local') AS upstream_service,
    regexp_extract(CASE WHEN e.upstream_cluster LIKE 'inbound|%' THEN e.authority END,
      '^([a-z][a-z0-9-]*)(?:\.([a-z0-9-]+)\.svc(?:\.[\w.-]+)?)?(?::\d+)?$',
      ['service', 'namespace']) AS called
  FROM entries
)
SELECT
  position,
  ingested_at,
  CASE WHEN is_http THEN 'http_activity' ELSE 'network_activity' END AS class_name,
  any_time(e.start_time)                                  AS "time",
  CASE WHEN is_http THEN http_activity_id(e.method) ELSE 2 END AS activity_id,
  1                                                       AS severity_id,
  CASE WHEN is_http THEN CASE WHEN code IS NULL THEN 2 ELSE http_status_id(code) END
    WHEN given(e.response_flags) IS NULL THEN 1 ELSE 2 END AS status_id,
  given(e.response_flags)                                 AS status_code,
  coalesce(given(e.upstream_transport_failure_reason), given(e.response_code_details))
                                                          AS status_detail,
  {'service': coalesce(nullif(called.service, ''), 'envoy'), 'namespace': called."namespace"}
                                                          AS workload,
  try_cast(e.duration AS BIGINT)                          AS duration,
  try_cast(e.upstream_service_time AS BIGINT)             AS upstream_duration,
  coalesce(endpoint(e.downstream_remote_address),
    endpoint(trim(split_part(e.x_forwarded_for, ',', 1)))) AS src_endpoint,
  {'ip': endpoint(e.upstream_host).ip, 'hostname': endpoint(e.upstream_host).hostname,
   'port': endpoint(e.upstream_host).port, 'svc_name': upstream_service} AS dst_endpoint,
  CASE WHEN is_http THEN {'uid': given(e.request_id), 'http_method': known_method(e.method),
    'version': nullif(regexp_extract(e.protocol, '^HTTP/(.*)$', 1), ''),
    'url': CASE WHEN given(p[1]) IS NOT NULL THEN {
      'hostname': named(address_parts(e.authority).host), 'path': p[1],
      'port': try_cast(nullif(address_parts(e.authority).port, '') AS INT),
      'query_string': nullif(array_to_string(p[2:], '?'), '')} END,
    'user_agent': given(e.user_agent), 'length': e.bytes_received} END AS http_request,
  CASE WHEN is_http AND code IS NOT NULL THEN {'code': code, 'length': e.bytes_sent} END
                                                          AS http_response,
  CASE WHEN NOT is_http THEN {'bytes_in': try_cast(e.bytes_received AS BIGINT),
    'bytes_out': try_cast(e.bytes_sent AS BIGINT)} END    AS traffic,
  filled(json_merge_patch(coalesce(json_merge_patch(doc, '{"start_time": null, "method": null,
      "path": null, "response_code": null, "response_flags": null, "duration": null,
      "upstream_service_time": null, "user_agent": null, "request_id": null, "authority": null,
      "bytes_received": null, "bytes_sent": null, "protocol": null}'), '{}'),
    to_json({
      'protocol': given(e.protocol),
      'http_method': CASE WHEN is_http AND known_method(e.method) IS NULL THEN e.method END,
      'bytes_sent': CASE WHEN is_http AND code IS NULL THEN e.bytes_sent END,
      'response_code_details': given(e.response_code_details),
      'connection_termination_details': given(e.connection_termination_details),
      'x_forwarded_for': given(e.x_forwarded_for), 'upstream_host': given(e.upstream_host),
      'upstream_cluster': given(e.upstream_cluster),
      'upstream_local_address': given(e.upstream_local_address),
      'downstream_local_address': given(e.downstream_local_address),
      'requested_server_name': given(e.requested_server_name), 'route_name': given(e.route_name),
      'tail': given(e.tail)})))                           AS unmapped,
  CASE WHEN coalesce(e.start_time, '') = '' OR e.response_code IS NULL
    THEN 'the line is not in an access log format of Envoy or Istio'
    WHEN NOT is_http AND coalesce(endpoint(e.downstream_remote_address), endpoint(e.upstream_host))
      IS NULL THEN 'it is of a connection and names neither end'
  END                                                     AS problem
FROM told
