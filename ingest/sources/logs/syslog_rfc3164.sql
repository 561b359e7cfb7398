-- name: syslog_rfc3164
-- reads: lines
-- class: log_record
-- product: Syslog / BSD syslog (RFC 3164)
-- sniff: ^(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?[\d:]{8}|\d{4}-\d\d-\d\dT[\d:]{8}\S*) \S+ (?:[^\s:\[h][^\s:\[]*|h[^\s:\[a][^\s:\[]*)\[\d+\]: |^(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?[\d:]{8} \S+ (?:[^\s:\[h][^\s:\[]*|h[^\s:\[a][^\s:\[]*): |^<\d{1,3}>.*?%[A-Z\d_-]+-[0-7]-[A-Z\d_]+: 
-- https://www.rfc-editor.org/rfc/rfc3164
-- As it is sent, with a priority, and as /var/log/syslog has it, without; rsyslog's with a whole
-- time; Cisco's with a sequence number, a year, or the year in front. The time is UTC if it names
-- no zone; its year, if it names none, is the last before the file arrived (`year_from_arrival`).
-- What follows the tag is told as json_log would if it is JSON, and its own level goes before.
WITH lines AS (
  SELECT position, ingested_at, regexp_extract(line,
    '(?s)^(?:<(\d{1,3})>)?(?:(\d*): )?(?:([\w.-]+): )?[*.]?'
    || '([A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?|\d{4} [A-Z][a-z]{2} [ \d]\d '
    || '\d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)'
    || '(?: ([A-Z]{3,4}))?(?:: ?| )(?:([^\s:\[]+|[\da-fA-F:.]*:[\da-fA-F:.]*) (?:: )?)?'
    || '(?:([^\s:\[]+)(?:\[([^\]]*)\])?: ?)?(.*)$',
    ['priority', 'sequence', 'sender', 'at', 'zone', 'host', 'tag', 'pid', 'text']) AS l
  FROM raw
),
found AS (
  SELECT *, regexp_replace(l.text, '^@cee: ?', '') AS text, json_found(object_in(text)) AS f
  FROM lines
),
firsts AS (SELECT *, json_firsts(f) AS i FROM found),
told AS (
  SELECT *, json_told(f, i) AS t, exception_in(f.stack[i.stack]) AS e,
    nullif(coalesce(nullif(l.host, ''), l.sender), '')    AS host
  FROM firsts
),
leveled AS (
  SELECT *, coalesce(t.level, level_in(text), syslog_severity(coalesce(nullif(l.priority, ''),
    regexp_extract(l.tag, '^%\w+-([0-7])-', 1)))) AS level
  FROM told
)
SELECT
  position,
  ingested_at,
  coalesce(any_time(t."at"),
    log_time(regexp_replace(l."at", '^(\d{4}) ([A-Z].*)$', '\2 \1'), ingested_at)
    - to_minutes(CASE WHEN l.zone = '' THEN 0 ELSE zone_minutes(l.zone) END)) AS "time",
  finer_ns(t."at")                                        AS time_ns,
  1                                                       AS activity_id,
  told_severity_id(level)                                 AS severity_id,
  0                                                       AS status_id,
  coalesce(t.message, text)                               AS message,
  {'service': coalesce(t.service, CASE WHEN l.tag NOT LIKE '\%%' ESCAPE '\' THEN
      nullif(regexp_extract(l.tag, '[^/]*$'), '') END),
   'version': t."version", 'instance': CASE WHEN is_pod(host) THEN host END, 'pod': t.pod,
   'node': CASE WHEN NOT is_pod(host) THEN host END, 'namespace': t."namespace"} AS workload,
  level                                                   AS severity,
  t.trace_uid                                             AS trace_uid,
  t.span_uid                                              AS span_uid,
  t.scope                                                 AS scope,
  told_exception(t, e)                                    AS exception,
  filled(json_merge_patch(
    coalesce(untold(object_in(text), t), '{}'),
    to_json({'process.pid': nullif(l.pid, ''), 'syslog.facility': syslog_facility(l.priority)})))
                                                          AS attributes,
  filled({
    'time': CASE WHEN t."at" IS NOT NULL THEN l."at" END, 'record_time': unread_time(t),
    'pri': nullif(l.priority, ''), 'sequence': nullif(l.sequence, ''),
    'tag': CASE WHEN l.tag LIKE '\%%' ESCAPE '\' OR contains(l.tag, '/') THEN l.tag END,
    'year_from_arrival': is_yearless(l."at")})            AS unmapped,
  CASE
    WHEN l."at" = '' THEN 'the line is no message of syslog as in RFC 3164'
    WHEN try_cast(l.priority AS INT) > 191 THEN 'its priority is more than 191'
    WHEN l.zone <> '' AND zone_minutes(l.zone) IS NULL
      THEN 'the time zone ' || l.zone || ' does not name one offset from UTC'
  END                                                     AS problem
FROM leveled
