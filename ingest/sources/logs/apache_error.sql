-- name: apache_error
-- reads: lines
-- class: log_record
-- product: Apache / HTTP Server
-- sniff: ^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:.]+ \d{4}\] \[(?:[\w-]*:)?(?:emerg|alert|crit|error|warn|notice|info|debug|trace\d)\]
-- https://httpd.apache.org/docs/2.4/mod/core.html#errorlogformat
-- The default formats of 2.4 and 2.2. The log has local time without a zone, taken for UTC.
WITH lines AS (
  SELECT position, ingested_at, regexp_extract(line,
    '^\[([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:.]+ \d{4})\] \[(?:([\w-]*):)?(\w+)\]'
    || '(?: \[pid (\d+)(?::tid (\d+))?\])?(?: ([\w./-]+\.c\(\d+\)):)?(?: \((\d+)\)([^:\[]+):)?'
    || '(?: \[(?:client|remote) ([^\]]+)\])?(?: \((\d+)\)([^:\[]+):)? ?(?:(AH\d{5}): )?(.*?)'
    || '(?:, referer: (\S+))?$',
    ['at', 'module', 'level', 'pid', 'tid', 'file', 'errno', 'error', 'client', 'later_errno',
     'later_error', 'code', 'message', 'referrer']) AS l
  FROM raw
),
found AS (   -- 2.4 always writes a port, of IPv6 too
  SELECT *, CASE WHEN l.pid = '' THEN address_parts(l.client) ELSE
    regexp_extract(l.client, '^\[?(.*?)\]?(?::(\d+))?$', ['host', 'port']) END AS c
  FROM lines
)
SELECT
  position,
  ingested_at,
  log_time(l."at", ingested_at)                           AS "time",
  1                                                       AS activity_id,
  syslog_severity_id(l.level)                             AS severity_id,
  0                                                       AS status_id,
  l.message                                               AS message,
  {'event_code': nullif(l.code, '')}                      AS metadata,
  {'service': 'httpd'}                                    AS workload,
  l.level                                                 AS severity,
  nullif(l.module, '')                                    AS scope,
  filled({
    'process.pid': try_cast(l.pid AS BIGINT), 'thread.id': try_cast(l.tid AS BIGINT),
    'code.file.path': given(l.file), 'client.address': given(c.host),
    'client.port': try_cast(c.port AS INT),
    'error.type': given(l.errno || l.later_errno), 'error.message': given(l.error || l.later_error),
    'http.request.header.referer': CASE WHEN l.referrer <> '' THEN [l.referrer] END}) AS attributes,
  CASE WHEN l."at" = '' THEN 'the line is not in the format of Apache''s error log' END AS problem
FROM found
