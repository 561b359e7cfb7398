-- name: apache_access
-- reads: lines
-- class: http_activity
-- product: Apache / HTTP Server
-- sniff: ^[\w.-]+:\d{1,5} \S+ \S+ .*?\[\d\d/\w{3}/\d{4}:[\d:]{8} [+-]\d{4}\] "
-- https://httpd.apache.org/docs/2.4/logs.html#accesslog
-- Common, combined and vhost_combined format. The first two are nginx's as well, and are taken for
-- it unless this source is named. What follows them, as %D, has no name and is `tail`.
WITH fields AS (
  SELECT position, ingested_at, regexp_extract(line,
    '^(?:(\S+):(\d+) )?(\S+) (\S+) (.+?) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)'
    || '(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?(?: (.*))?$',
    ['vhost', 'port', 'client', 'ident', 'user', 'at', 'request', 'code', 'bytes', 'referrer',
     'agent', 'tail']) AS f
  FROM raw
),
requests AS (SELECT *, request_parts(f.request) AS r FROM fields)
SELECT
  position,
  ingested_at,
  try_strptime(f."at", '%d/%b/%Y:%H:%M:%S %z')            AS "time",
  http_activity_id(given(r.method))                       AS activity_id,
  1                                                       AS severity_id,
  http_status_id(try_cast(f.code AS INT))                 AS status_id,
  {'service': 'httpd'}                                    AS workload,
  {'user': {'name': CASE WHEN f.user <> '""' THEN given(f.user) END}} AS actor,
  endpoint(f.client)                                      AS src_endpoint,
  {'http_method': known_method(given(r.method)), 'version': given(r."version"),
   'url': CASE WHEN given(r.path) IS NOT NULL THEN {'hostname': named(f.vhost),
     'port': try_cast(nullif(f.port, '') AS INT), 'path': r.path,
     'query_string': given(r.query)} END,
   'user_agent': given(f.agent), 'referrer': given(f.referrer)} AS http_request,
  {'code': f.code, 'length': CASE WHEN length(f.bytes) <= 9 THEN given(f.bytes) END} AS http_response,
  filled({
    'ident': given(f.ident),
    'http_method': CASE WHEN known_method(r.method) IS NULL THEN given(r.method) END,
    'malformed_request': given(r.malformed), 'tail': given(f.tail),
    'vhost': CASE WHEN given(r.path) IS NULL THEN given(f.vhost) END,
    'bytes': CASE WHEN length(f.bytes) > 9 THEN f.bytes END}) AS unmapped,
  CASE WHEN f.code = ''
    THEN 'the line is not in Apache''s common, combined or vhost_combined format' END AS problem
FROM requests
