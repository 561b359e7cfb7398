-- name: syslog_rfc5424
-- reads: lines
-- class: log_record
-- product: Syslog / syslog protocol (RFC 5424)
-- sniff: ^(?:\d+ )?<\d{1,3}>1 (?:\d{4}-\d\d-\d\dT|- )
-- https://www.rfc-editor.org/rfc/rfc5424
-- One message a line, or frames that begin with their count of octets (RFC 6587), several of which
-- may stand on a line. A message that is JSON is told as json_log would, and its own level goes
-- before the priority's. Structured data is one object in `attributes`.
WITH frames AS (
  SELECT position, ingested_at, unnest(CASE WHEN regexp_matches(line, '^\d+ <\d{1,3}>1 ')
    THEN string_split(regexp_replace(line, '\d+ (<\d{1,3}>1 (?:\d{4}-|- ))', chr(30) || '\1',
      'g')[2:], chr(30)) ELSE [line] END)                 AS line
  FROM raw
),
lines AS (
  SELECT position, ingested_at, regexp_extract(line,
    '(?s)^<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\S+) (\S+) (\S+) (\S+) (\S+) '
    || '(-|(?:\[[^\s\]="]+(?: +[^\s\]="]+="(?:[^"\\\]]|\\.)*")* *\])+)(?: \x{FEFF}?(.*))?$',
    ['priority', 'at', 'host', 'app', 'pid', 'message_id', 'data', 'text']) AS l
  FROM frames
),
found AS (
  SELECT *, regexp_replace(l.text, '^@cee: ?', '') AS text, json_found(object_in(text)) AS f
  FROM lines
),
firsts AS (SELECT *, json_firsts(f) AS i FROM found),
told AS (
  SELECT *, json_told(f, i) AS t, exception_in(f.stack[i.stack]) AS e
  FROM firsts
),
leveled AS (
  SELECT *, coalesce(t.level, level_in(text), syslog_severity(l.priority)) AS level
  FROM told
)
SELECT
  position,
  ingested_at,
  coalesce(any_time(t."at"), any_time(l."at"))            AS "time",
  finer_ns(coalesce(t."at", l."at"))                      AS time_ns,
  1                                                       AS activity_id,
  told_severity_id(level)                                 AS severity_id,
  0                                                       AS status_id,
  coalesce(t.message, nullif(text, ''))                   AS message,
  {'service': coalesce(t.service, given(l.app)), 'version': t."version",
   'instance': CASE WHEN is_pod(l.host) THEN l.host END, 'pod': t.pod,
   'node': CASE WHEN NOT is_pod(l.host) THEN given(l.host) END, 'namespace': t."namespace"}
                                                          AS workload,
  level                                                   AS severity,
  t.trace_uid                                             AS trace_uid,
  t.span_uid                                              AS span_uid,
  t.scope                                                 AS scope,
  told_exception(t, e)                                    AS exception,
  filled(json_merge_patch(
    coalesce(untold(object_in(text), t), '{}'),
    to_json({
      'process.pid': given(l.pid), 'syslog.msgid': given(l.message_id),
      'syslog.facility': syslog_facility(l.priority),
      'syslog.structured_data': CASE WHEN given(l.data) IS NOT NULL
        THEN syslog_data(l.data)::JSON END})))            AS attributes,
  filled({'pri': l.priority, 'time': CASE WHEN t."at" IS NOT NULL THEN l."at" END,
    'record_time': unread_time(t)})                       AS unmapped,
  CASE
    WHEN l.priority = '' THEN 'the line is no message of syslog as in RFC 5424'
    WHEN try_cast(l.priority AS INT) > 191 THEN 'its priority is more than 191'
  END                                                     AS problem
FROM leveled
