-- name: text_log
-- reads: records
-- class: log_record
-- product: Application / text log
-- sniff: ^[^\s{}"\]=].{0,100}?(?:\d\d?:\d\d:\d\d|\b1\d{9}[.\d]{0,10}\b)
-- generic: yes
-- Lines with a time in ISO 8601, the common log format, by the name of a month, klog's, or an epoch
-- number; then in any order what logback, log4j, Spring Boot, Python, klog, Rust, Rails and .NET
-- write: thread, level, process and logger. A time without a zone is UTC, one without a year the
-- last before the file arrived (`year_from_arrival`). A short zone name that means several offsets
-- is not guessed. A stack trace is its record's; JSON, alone or after the time, is told as json_log
-- would.
WITH heads AS (
  SELECT position, ingested_at, line,
    log_head(CASE WHEN object_in(line) IS NULL THEN line END) AS h
  FROM raw
),
timed AS (
  SELECT *,
    nullif(regexp_extract(h.rest, '^ ?([A-Z]{3,4})\b', 1), '') AS zone,
    log_time(h."at", ingested_at) - to_minutes(CASE WHEN regexp_matches(h."at", '\d$')
      THEN coalesce(zone_minutes(zone), 0) ELSE 0 END)    AS moment,
    regexp_replace(CASE WHEN h."at" = '' THEN line WHEN zone_minutes(zone) IS NOT NULL
      THEN ltrim(h.rest)[length(zone) + 1:] ELSE h.rest END, '^[\s\]:|,.)"'']+', '') AS rest
  FROM heads
),
parted AS (
  SELECT *, regexp_extract(rest,
    '(?s)^(?:#(\d+)\]\s+)?(?:-\s+)?(?:(\d+) ([\w./-]+:\d+)\] )?(?:\[([^\]\n]*)\]\s+)?'
    || '(?:([\w.$:-]+) - )?(?:[\[<(]?((?i:trace|debug|info(?:rmation)?|notice|warn(?:ing)?'
    || '|err(?:or)?|severe|crit(?:ical)?|alert|fatal|panic|emerg|inf|wrn|ftl|dbg|vrb))\b[\])>]?)?'
    || '(?:\s+(\d+) ---)?((?:[ :|-]*\[[^\]\n]*\])*)[ :|-]*(.*)$',
    ['pid', 'klog_thread', 'file', 'thread', 'logger', 'level', 'process', 'brackets', 'text']) AS p
  FROM timed
),
named AS (   -- a logger stands before the level, or before the text
  SELECT *, regexp_extract(CASE WHEN p.logger = '' THEN p.text END,
    '(?s)^(?:(\w[\w$-]*(?:(?:\.|::|/)[\w$-]+)+)(?:\]| *:| +-)|(\w[\w$-]*)(?:\]| +[:-]))\s+(.*)$',
    ['path', 'word', 'text']) AS n
  FROM parted
),
worded AS (
  SELECT *, coalesce(CASE WHEN n.path || n.word <> '' THEN n.text ELSE p.text END, line) AS words
  FROM named
),
found AS (SELECT *, json_found(object_in(words)) AS f FROM worded),
firsts AS (SELECT *, json_firsts(f) AS i FROM found),
told AS (
  SELECT *, json_told(f, i) AS t, exception_in(coalesce(f.stack[i.stack], rest)) AS e,
    coalesce(nullif(p.level, ''), level_in(line))         AS level
  FROM firsts
)
SELECT
  position,
  ingested_at,
  coalesce(any_time(t."at"), moment)                      AS "time",
  finer_ns(coalesce(t."at", h."at"))                      AS time_ns,
  1                                                       AS activity_id,
  told_severity_id(coalesce(t.level, level))              AS severity_id,
  0                                                       AS status_id,
  coalesce(t.message, without_trace(words, e.stacktrace)) AS message,
  told_workload(t)                                        AS workload,
  coalesce(t.level, level)                                AS severity,
  t.trace_uid                                             AS trace_uid,
  t.span_uid                                              AS span_uid,
  coalesce(t.scope, nullif(p.logger, ''), nullif(n.path || n.word, '')) AS scope,
  told_exception(t, e)                                    AS exception,
  filled(json_merge_patch(
    coalesce(untold(object_in(words), t), '{}'),
    to_json({
      'process.pid': coalesce(nullif(p.pid, ''), nullif(p.process, '')),
      'thread.id': nullif(p.klog_thread, ''), 
      'thread.name': CASE WHEN level_severity_id(p.thread) = 0 THEN nullif(p.thread, '') END,
      'code.file.path': nullif(p.file, '')})))            AS attributes,
  filled({
    'time': CASE WHEN t."at" IS NOT NULL THEN h."at" END, 'record_time': unread_time(t),
    'brackets': nullif(trim(p.brackets), ''),
    'lead': nullif(nullif(regexp_replace(h.lead, '\W+$', ''), level), ''),
    'year_from_arrival': is_yearless(h."at")})            AS unmapped,
  CASE WHEN zone IN ('CST', 'IST', 'PST') THEN 'the time zone ' || zone
    || ' does not name one offset from UTC' END           AS problem
FROM told
