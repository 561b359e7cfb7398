-- name: alb
-- reads: lines
-- class: http_activity
-- product: AWS / Elastic Load Balancing
-- sniff: ^(?:https?|h2|grpcs?|wss?) \d{4}-\d\d-\d\dT\S+Z app/\S+ \S+ 
-- https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
-- Access logs of Application Load Balancers, every field up to conn_trace_id and the transformed
-- host, URI and status of 2025; older lines end earlier. A trace's id is X-Ray's as OpenTelemetry
-- writes it. The speaker is the load balancer, the target group `dst_endpoint`.
WITH fields AS (
  SELECT position, ingested_at, line, list_transform(
    regexp_extract_all(line, '"(?:[^"\\]|\\.)*"|\S+'),
    lambda x: CASE WHEN x LIKE '"%' THEN x[2:-2] ELSE x END) AS f
  FROM raw
),
named AS (
  SELECT *, {
      'client': regexp_extract(f[4], '^\[?(.*?)\]?:(\d+)$', ['ip', 'port']),
      'target': regexp_extract(f[5], '^\[?(.*?)\]?:(\d+)$', ['ip', 'port']),
      'request': regexp_extract(f[13],
        '^(\S+) (?:(\w+)://(\[[^\]]*\]|[^:/? ]*)(?::(\d+))?)?([^? ]*)(?:\?(\S*))? '
        || '(?:HTTP/)?(\S+) ?$',
        ['method', 'scheme', 'host', 'port', 'path', 'query', 'version']),
      'group': regexp_extract(f[17],
        '^arn:[\w-]+:elasticloadbalancing:([\w-]+):(\d+):targetgroup/([^/]+)/',
        ['region', 'account', 'name'])} AS n,
    list_transform(f[6:8], lambda s: CASE WHEN s NOT LIKE '-%'
      THEN try_cast(s AS DECIMAL(12, 3)) END) AS seconds,
    regexp_extract(f[18], 'Root=1-([0-9a-f]{8})-([0-9a-f]{24})', ['epoch', 'rest']) AS root
  FROM fields
)
SELECT
  position,
  ingested_at,
  any_time(f[2])                                          AS "time",
  http_activity_id(given(n.request.method))               AS activity_id,
  1                                                       AS severity_id,
  http_status_id(try_cast(f[9] AS INT))                   AS status_id,
  given(f[25])                                            AS status_detail,
  {'service': split_part(f[3], '/', 2), 'region': nullif(n."group".region, ''),
   'account': nullif(n."group".account, '')}              AS workload,
  {'provider': 'AWS', 'region': nullif(n."group".region, ''),
   'account': {'uid': nullif(n."group".account, '')}}     AS cloud,
  (list_sum(seconds) * 1000)::BIGINT                      AS duration,
  (seconds[2] * 1000)::BIGINT                             AS upstream_duration,
  epoch_ms(any_time(f[22]))                               AS start_time,
  {'ip': given(n.client.ip), 'port': try_cast(n.client.port AS INT)}
                                                          AS src_endpoint,
  {'ip': given(n.target.ip), 'port': try_cast(n.target.port AS INT),
   'svc_name': nullif(n."group".name, '')}                AS dst_endpoint,
  {'http_method': CASE WHEN http_activity_id(given(n.request.method)) < 99
     THEN given(n.request.method) END, 'version': nullif(given(n.request."version"), ''),
   'url': CASE WHEN given(n.request.path) IS NOT NULL THEN {
     'scheme': nullif(n.request.scheme, ''), 'hostname': given(n.request.host),
     'port': try_cast(nullif(n.request.port, '') AS INT), 'path': n.request.path,
     'query_string': nullif(n.request.query, '')} END,
   'user_agent': given(f[14]), 'length': try_cast(f[11] AS INT)} AS http_request,
  CASE WHEN try_cast(f[9] AS INT) IS NOT NULL
    THEN {'code': f[9], 'length': f[12]} END              AS http_response,
  {'uid': f[3]}                                           AS load_balancer,
  CASE WHEN given(f[16]) IS NOT NULL THEN {'version': f[16], 'cipher': given(f[15]),
    'sni': given(f[19])} END                              AS tls,
  CASE WHEN root.epoch <> '' THEN {'uid': root.epoch || root.rest} END AS trace,
  filled({
    'type': f[1], 'request_processing_time': f[6], 'target_processing_time': f[7],
    'response_processing_time': f[8], 'target_status_code': given(f[10]),
    'bytes': CASE WHEN length(f[11]) > 9 OR length(f[12]) > 9 THEN [f[11], f[12]] END,
    'malformed_request': CASE
      WHEN http_activity_id(given(n.request.method)) NOT BETWEEN 1 AND 9
        OR given(n.request.path) IS NULL THEN given(f[13]) END,
    'target_group_arn': given(f[17]), 'trace_id': given(f[18]), 'domain_name': given(f[19]),
    'chosen_cert_arn': given(f[20]), 'matched_rule_priority': given(f[21]),
    'actions_executed': given(f[23]), 'redirect_url': given(f[24]),
    'target_port_list': given(f[26]), 'target_status_code_list': given(f[27]),
    'classification': given(f[28]), 'classification_reason': given(f[29]),
    'conn_trace_id': given(f[30]), 'transformed_host': given(f[31]),
    'transformed_uri': given(f[32]), 'request_transform_status': given(f[33]),
    'more': nullif(array_to_string(f[34:], ' '), '')})    AS unmapped,
  CASE WHEN len(f) < 20 OR NOT regexp_full_match(f[6], '-?\d+(?:\.\d+)?')
    THEN 'the line is no access log entry of an Application Load Balancer' END AS problem
FROM named
