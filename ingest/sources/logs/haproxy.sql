-- name: haproxy
-- reads: lines
-- class: http_activity network_activity log_record
-- product: HAProxy / HAProxy
-- sniff: ^.{0,120}?(?:\d{1,3}\.|[\da-fA-F]*:)[\da-fA-F:.]+:\d{1,5} \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] \S+?[ /]
-- https://docs.haproxy.org/3.0/configuration.html#8.2
-- The formats of httplog, tcplog and of failed connections, with syslog's prefix or without it;
-- what else HAProxy says of itself after such a prefix, as of a server that is down, is a log
-- record. The time of a request is the one in brackets, local and without a zone, taken for UTC.
-- `upstream_duration` is Tr,
-- the server's; `status_detail` the state at disconnection where it is not a normal one.
WITH lines AS (
  SELECT position, ingested_at, line, regexp_extract(line,
    '^(?:<(\d{1,3})>)?(?:1 )?(?:(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\dT\S+) (?:(\S+) )?'
    || '[^\s\[]+?(?:\[(\d+)\])?(?:: | \d+ \S+ \S+ )|)(\S+):(\d+) \[([^\]]+)\] ([^\s/]+?)(~?)'
    || '(?:/([^\s:]+): (.+)| ([^\s/]+)/(\S+) ([\d/+-]+) (?:(-1|\d{3}) )?(\+?\d+) '
    || '(?:(\S+) (\S+) (\S{4})|(\S{2})) ([\d+]+(?:/[\d+]+){4}) (\d+/\d+)'
    || '(?: \{([^}]*)\}(?: \{([^}]*)\})?)?(?: "(.*)")?(?: (.*))?)$',
    ['priority', 'host', 'pid', 'client', 'client_port', 'at', 'frontend', 'tls', 'bind', 'failure',
     'backend', 'server', 'timers', 'code', 'bytes', 'request_cookie', 'response_cookie', 'state',
     'tcp_state', 'connections', 'queues', 'request_headers', 'response_headers', 'request',
     'tail']) AS l
  FROM raw
),
parted AS (
  SELECT *,
    regexp_extract(CASE WHEN l.client = '' THEN line END,
      '^(?:<(\d{1,3})>)?([A-Z][a-z]{2} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\dT\S+) (?:(\S+) )?'
      || '\S*haproxy\S*?\[(\d+)\]: (.*)$', ['priority', 'at', 'host', 'pid', 'text']) AS said,
    request_parts(l.request) AS r, l.state || l.tcp_state AS state,
    request_parts(l.request).method <> '' OR l.code NOT IN ('', '-1')            AS is_http,
    list_transform(string_split(l.timers, '/'), lambda t: nullif(try_cast(t AS BIGINT), -1)) AS t
  FROM lines
)
SELECT
  position,
  ingested_at,
  CASE WHEN said.text <> '' THEN 'log_record' WHEN is_http THEN 'http_activity'
    ELSE 'network_activity' END                           AS class_name,
  coalesce(try_strptime(l."at", '%d/%b/%Y:%H:%M:%S.%g') AT TIME ZONE 'UTC',
    log_time(said."at", ingested_at))                     AS "time",
  CASE WHEN said.text <> '' THEN 1 WHEN is_http THEN http_activity_id(given(r.method))
    WHEN l.failure <> '' THEN 4 ELSE 2
    END                                                   AS activity_id,
  CASE WHEN said.priority <> '' THEN told_severity_id(syslog_severity(said.priority)) ELSE 1 END
                                                          AS severity_id,
  CASE
    WHEN said.text <> '' THEN 0
    WHEN is_http THEN http_status_id(nullif(try_cast(l.code AS INT), -1))
    WHEN state = '--' THEN 1 ELSE 2
  END                                                     AS status_id,
  coalesce(nullif(l.failure, ''), nullif(said.text, ''))   AS message,
  CASE WHEN regexp_matches(state, '^[^-]|^.[^-]') THEN state END AS status_detail,
  {'service': 'haproxy', 'node': nullif(coalesce(said.host, l.host), '')} AS workload,
  t[-1]                                                   AS duration,
  CASE WHEN is_http THEN t[4] END                         AS upstream_duration,
  {'ip': CASE WHEN is_ip(l.client) THEN l.client END, 'port': try_cast(l.client_port AS INT),
   'hostname': CASE WHEN NOT is_ip(l.client) THEN named(l.client) END} AS src_endpoint,
  {'svc_name': given(l.backend), 'name': CASE WHEN l.server NOT LIKE '<%' THEN given(l.server) END}
                                                          AS dst_endpoint,
  CASE WHEN is_http THEN {'http_method': known_method(given(r.method)),
    'version': given(r."version"), 'url': {'path': given(r.path), 'query_string': given(r.query)}}
    END                                                   AS http_request,
  CASE WHEN l.code NOT IN ('', '-1') THEN {'code': l.code, 'length': ltrim(l.bytes, '+')} END
                                                          AS http_response,
  CASE WHEN l.code IN ('', '-1') AND l.bytes <> ''
    THEN {'bytes_out': try_cast(ltrim(l.bytes, '+') AS BIGINT)} END AS traffic,
  filled({
    'pri': given(coalesce(said.priority, l.priority)), 'pid': given(coalesce(said.pid, l.pid)),
    'year_from_arrival': is_yearless(said."at"), 'frontend': given(l.frontend),
    'ssl': CASE WHEN l.tls = '~' THEN true END, 'bind': given(l.bind), 'server': given(l.server),
    'timers': given(l.timers), 'bytes': CASE WHEN l.bytes LIKE '+%' OR length(l.bytes) > 9
      THEN l.bytes END,
    'captured_request_cookie': given(l.request_cookie),
    'captured_response_cookie': given(l.response_cookie), 'termination_state': given(state),
    'connections': given(l.connections), 'queues': given(l.queues),
    'captured_request_headers': given(l.request_headers),
    'captured_response_headers': given(l.response_headers),
    'http_method': CASE WHEN known_method(r.method) IS NULL THEN given(r.method) END,
    'malformed_request': given(r.malformed), 'tail': given(l.tail)}) AS unmapped,
  CASE WHEN l.client = '' AND said.text = '' THEN 'the line is no log of HAProxy' END
                                                          AS problem
FROM parted
