-- name: nezha_log
-- reads: csv
-- class: log_record
-- files: *_log.csv.gz *_log.csv
-- https://github.com/IntelligentDDS/Nezha#dataset
-- `Log` is the container runtime's JSON; the clock inside its text is local (UTC+8) and is not read.
-- A line that is JSON itself, as structured loggers write it, says its level and its message.
-- `TimeUnixNano` overflows where the runtime's time is cut to milliseconds: `Timestamp` is right.
WITH lines AS (
  SELECT position, ingested_at, fields,
    CASE WHEN json_valid(fields['Log']) THEN rtrim(fields['Log']->>'$.log', E'\n') END AS line
  FROM raw
),
said AS (
  SELECT * REPLACE (coalesce(told->>'$.message', told->>'$.msg', line) AS line),
    upper(coalesce(told->>'$.severity', told->>'$.level'))                AS level
  FROM (
    SELECT *, CASE WHEN starts_with(line, '{') AND json_valid(line) THEN line::JSON END AS told
    FROM lines
  )
),
read AS (
  SELECT *, regexp_extract(line, '^[\d:.]+ +([A-Z]+) +(\S+) (?:TraceID: \w+ SpanID: \w+ )?(.*)$',
    ['level', 'scope', 'message'], 's') AS f
  FROM said
)
SELECT
  position,
  ingested_at,
  try_cast(fields['Timestamp'] AS TIMESTAMPTZ)          AS "time",
  1                                                     AS activity_id,
  log_severity_id(CASE coalesce(given(f.level), level) WHEN 'TRACE' THEN 1 WHEN 'DEBUG' THEN 5
    WHEN 'INFO' THEN 9 WHEN 'WARN' THEN 13 WHEN 'WARNING' THEN 13 WHEN 'ERROR' THEN 17
    WHEN 'FATAL' THEN 21 WHEN 'CRITICAL' THEN 21 END)   AS severity_id,
  0                                                     AS status_id,
  coalesce(given(f.message), line)                      AS message,
  pod_workload(fields['PodName'], fields['Node'])       AS workload,
  coalesce(given(f.level), level)                       AS severity,
  nullif(regexp_extract(fields['TraceID'], '^[0-9a-f]{32}$'), '') AS trace_uid,
  nullif(regexp_extract(fields['SpanID'], '^[0-9a-f]{16}$'), '')  AS span_uid,
  given(f.scope)                                        AS scope,
  {'type': given(regexp_extract(f.message, '\b((?:[a-z]\w*\.)+[A-Z]\w*(?:Exception|Error))\b', 1))}
                                                        AS exception,
  filled({'container': fields['Container']})            AS attributes,
  CASE WHEN line IS NULL THEN 'the log is no JSON of the container runtime' END AS problem
FROM read
