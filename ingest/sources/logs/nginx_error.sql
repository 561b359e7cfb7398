-- name: nginx_error
-- reads: lines
-- class: log_record
-- product: F5 / NGINX
-- sniff: ^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] \d+#\d+: 
-- https://nginx.org/en/docs/ngx_core_module.html#error_log
-- The log has local time without a zone, taken for UTC. What nginx does for a client it ends with
-- `, client: ` and more; of two of these one is a client's own making, and neither is believed.
WITH lines AS (
  SELECT position, ingested_at, regexp_extract(line,
    '^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(\w+)\] (\d+)#(\d+): (?:\*(\d+) )?(.*)$',
    ['at', 'level', 'pid', 'thread', 'connection', 'text']) AS l
  FROM raw
),
ended AS (
  SELECT *, regexp_extract(
    CASE WHEN l.text NOT LIKE '%, client: %, client: %' THEN l.text END,
    '^(.*?), client: ([^ ,"]+)(?:, server: ([^ ,"]*))?(?:, request: "(.*?)")?'
    || '(?:, subrequest: "(.*?)")?(?:, upstream: "(.*?)")?(?:, bytes from[^"]*)?'
    || '(?:, host: "(.*?)")?(?:, referrer: "(.*)")?$',
    ['message', 'client', 'server', 'request', 'subrequest', 'upstream', 'host', 'referrer']) AS e
  FROM lines
),
found AS (
  SELECT *,
    regexp_extract(e.request, '^([A-Z]+) ([^ ?]+)(?:\?([^ ]*))? \S+$',
      ['method', 'path', 'query'])                        AS r,
    regexp_extract(e.upstream, '^(?:\w+://)?(?:\[(.*?)\]|(unix:[^:]*)|([^:/]*))(?::(\d+))?',
      ['ipv6', 'unix', 'name', 'port']) AS u,
    regexp_extract(e.host, '^\[?(.*?)\]?(?::(\d+))?$', ['name', 'port']) AS h
  FROM ended
)
SELECT
  position,
  ingested_at,
  try_strptime(l."at", '%Y/%m/%d %H:%M:%S')               AS "time",
  1                                                       AS activity_id,
  syslog_severity_id(l.level)                             AS severity_id,
  0                                                       AS status_id,
  coalesce(given(e.message), l.text)                      AS message,
  {'service': 'nginx'}                                    AS workload,
  l.level                                                 AS severity,
  filled({
    'process.pid': try_cast(l.pid AS BIGINT), 'thread.id': try_cast(l.thread AS BIGINT),
    'nginx.connection_id': given(l.connection), 'nginx.server_name': given(e.server),
    'client.address': given(e.client),
    'server.address': given(h.name), 'server.port': try_cast(h.port AS INT),
    'http.request.method': given(r.method), 'url.path': given(r.path), 'url.query': given(r.query),
    'http.request.header.referer': CASE WHEN e.referrer <> '' THEN [e.referrer] END,
    'upstream.address': given(u.ipv6 || u.unix || u.name),
    'upstream.port': try_cast(u.port AS INT)})            AS attributes,
  filled({
    'malformed_request': CASE WHEN r.method = '' THEN given(e.request) END,
    'subrequest': given(e.subrequest), 'upstream': given(e.upstream)}) AS unmapped,
  CASE WHEN l."at" = '' THEN 'the line is not in the format of nginx''s error log' END AS problem
FROM found
