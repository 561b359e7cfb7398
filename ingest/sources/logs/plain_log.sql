-- name: plain_log
-- reads: plain
-- class: log_record
-- product: Application / text
-- context: file parted
-- sniff: \S
-- generic: yes
-- Any text that no other source takes: what a program printed without times, what a tool said, a
-- fragment of something longer. A stack trace is one record; of a line of JSON the usual members are
-- told, and all of it is in `attributes`. A record without a time has that of the one before it,
-- else of the next, else that of the file's capture (`undated`). What kubectl says of itself, that
-- it cannot or that there is nothing, is no error of an application: it is marked `tool_error`.
WITH parsed AS (
  SELECT *, object_in(line) AS doc,
    from_json(object_in(line), '{"time": "VARCHAR", "ts": "VARCHAR", "timestamp": "VARCHAR",
      "@timestamp": "VARCHAR", "level": "VARCHAR", "severity": "VARCHAR", "message": "VARCHAR",
      "msg": "VARCHAR", "error": "VARCHAR", "logger": "VARCHAR", "service": "VARCHAR",
      "hostname": "VARCHAR"}')                             AS j,
    regexp_matches(line, '^(?:[Ee]rror: )?(?:[Ee]rror from server \(\w+\)|No resources found'
      || '|No events found|[Tt]he connection to the server \S+ was refused|Metrics API not available'
      || '|the server doesn''t have a resource type|unable to (?:upgrade connection|retrieve con'
      || '|forward port)|You must be logged in to the server|previous terminated container '
      || '|release: not found|container \S+ is not valid for pod |Unable to connect to the server'
      || '|expected ''|unknown (?:flag|command|shorthand))') AS is_tool
  FROM raw
),
told AS (
  SELECT *, exception_in(line)                             AS e,
    coalesce(j.level, j.severity, CASE WHEN NOT is_tool THEN level_in(line) END) AS level,
    any_time(coalesce(j."time", j.ts, j."timestamp", j."@timestamp")) AS own_time,
    CASE WHEN is_pod(j.hostname) THEN j.hostname END       AS pod
  FROM parsed
)
SELECT
  position,
  ingested_at,
  coalesce(
    last_value(own_time IGNORE NULLS) OVER (PARTITION BY file_of(position) ORDER BY position),
    first_value(own_time IGNORE NULLS) OVER (PARTITION BY file_of(position) ORDER BY position
      ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING),
    captured_at)                                           AS "time",
  1                                                        AS activity_id,
  CASE WHEN is_tool THEN 1 ELSE told_severity_id(level) END AS severity_id,
  0                                                        AS status_id,
  coalesce(j.message, j.msg, j.error, without_trace(line, e.stacktrace)) AS message,
  {'service': j.service, 'pod': pod}                       AS workload,
  level                                                    AS severity,
  j.logger                                                 AS scope,
  {'type': nullif(e."type", ''), 'message': nullif(e.message, ''),
   'stacktrace': nullif(e.stacktrace, '')}                 AS exception,
  CASE WHEN is_tool THEN '{"tool_error":true}' ELSE doc END AS attributes,
  CASE WHEN own_time IS NULL THEN '{"undated":true}' END   AS unmapped
FROM told
