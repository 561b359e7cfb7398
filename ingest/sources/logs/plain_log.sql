-- name: plain_log
-- reads: plain
-- class: log_record
-- product: Application / text
-- context: file
-- sniff: \S
-- generic: yes
-- Any text that no other source takes: what a program printed without times, what a tool said, a
-- fragment of something longer. A stack trace is one record; JSON is told as json_log would. A record
-- without a time has that of the one before it, else of the next, else that of the file's capture
-- (`undated`). What kubectl says of itself, that it cannot or that there is nothing, is no error of
-- an application: it is marked `tool_error`.
WITH found AS (
  SELECT *, object_in(line) AS doc, json_found(object_in(line)) AS f
  FROM raw
),
firsts AS (SELECT *, json_firsts(f) AS i FROM found),
told AS (
  SELECT *, json_told(f, i) AS t, exception_in(coalesce(f.stack[i.stack], line)) AS e,
    regexp_matches(line, '^(?:error: |Error: )?(?:[Ee]rror from server \(\w+\)|No resources found'
      || '|No events found|[Tt]he connection to the server \S+ was refused|Metrics API not available'
      || '|the server doesn''t have a resource type|unable to (?:upgrade connection|retrieve con'
      || '|forward port)|You must be logged in to the server|previous terminated container '
      || '|Error: release: not found|container \S+ is not valid for pod |Unable to connect to the '
      || 'server)')                                        AS is_tool
  FROM firsts
),
timed AS (
  SELECT *, any_time(t."at")                               AS own_time,
    last_value(own_time IGNORE NULLS) OVER (ORDER BY position) AS before,
    first_value(own_time IGNORE NULLS) OVER (ORDER BY position
      ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)    AS next
  FROM told
)
SELECT
  position,
  ingested_at,
  coalesce(before, next, captured_at)                      AS "time",
  finer_ns(t."at")                                         AS time_ns,
  1                                                        AS activity_id,
  CASE WHEN is_tool THEN 1
    ELSE told_severity_id(coalesce(t.level, level_in(line))) END AS severity_id,
  0                                                        AS status_id,
  coalesce(t.message, without_trace(line, e.stacktrace))   AS message,
  told_workload(t)                                         AS workload,
  CASE WHEN NOT is_tool THEN coalesce(t.level, level_in(line)) END AS severity,
  t.trace_uid                                              AS trace_uid,
  t.span_uid                                               AS span_uid,
  t.scope                                                  AS scope,
  told_exception(t, e)                                     AS exception,
  CASE WHEN is_tool THEN '{"tool_error":true}' ELSE filled(untold(doc, t)) END AS attributes,
  CASE WHEN own_time IS NULL THEN '{"undated":true}' END   AS unmapped,
  NULL::VARCHAR                                            AS problem
FROM timed
