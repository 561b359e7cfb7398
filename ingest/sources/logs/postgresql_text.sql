-- name: postgresql_text
-- reads: lines
-- class: log_record
-- product: PostgreSQL / PostgreSQL
-- sniff: ^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \S+ \[\d+\] (\S*@\S* )?[A-Z]+\d?:  
-- context: file parted
-- https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-LOG-LINE-PREFIX
-- What goes to stderr, in English, with Debian's log_line_prefix '%m [%p] %q%u@%d ' or PostgreSQL's
-- own '%m [%p] '. A record is a message and the lines of the same process that follow it: DETAIL,
-- STATEMENT and others, and of each the further lines, which begin with a tab.
-- A short zone name that means several offsets is not guessed: log_timezone = 'UTC' has none.
WITH lines AS (
  SELECT position, ingested_at, line, line LIKE chr(9) || '%' AS goes_on,
    CASE WHEN NOT goes_on THEN regexp_extract(line,
      '^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \S+) \[(\d+)\] (?:(\S*)@(\S*) )?'
      || '(?:(DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC)'
      || '|(DETAIL|HINT|QUERY|CONTEXT|LOCATION|BACKTRACE|STATEMENT)):  (.*)$',
      ['at', 'pid', 'user', 'database', 'severity', 'part', 'text']) END AS own
  FROM raw
),
owned AS (
  SELECT *, last_value(own IGNORE NULLS) OVER (
    PARTITION BY file_of(position) ORDER BY position) AS l
  FROM lines
),
parts AS (
  SELECT *,
    coalesce(l.pid, '')                              AS pid,
    CASE   -- a blank line is no record to the reader, but may be one of a statement's
      WHEN goes_on THEN repeat(chr(10),
          position - lag(position) OVER (PARTITION BY file_of(position) ORDER BY position) - 1)
        || substr(line, 2)
      ELSE l.text
    END                                              AS text,
    NOT goes_on AND l.severity <> ''                 AS begins
  FROM owned
),
numbered AS (
  SELECT *, file_of(position) AS file,
    count(*) FILTER (begins) OVER (PARTITION BY file_of(position), pid ORDER BY position) AS nth
  FROM parts
),
joined AS (
  SELECT pid, nth, list(position ORDER BY position) AS positions, min(ingested_at) AS ingested_at,
    arg_min(l, position) AS l,
    regexp_extract(string_agg(text, chr(10) ORDER BY position) FILTER (l.severity <> ''),
      '(?s)^(.*?)(?: at character (\d+))?$', ['text', 'cursor']) AS message,
    string_agg(text, chr(10) ORDER BY position) FILTER (l.part = 'DETAIL') AS detail,
    string_agg(text, chr(10) ORDER BY position) FILTER (l.part = 'HINT') AS hint,
    string_agg(text, chr(10) ORDER BY position) FILTER (l.part = 'QUERY') AS internal_query,
    string_agg(text, chr(10) ORDER BY position) FILTER (l.part = 'CONTEXT') AS context,
    string_agg(text, chr(10) ORDER BY position) FILTER (l.part = 'LOCATION') AS location,
    string_agg(text, chr(10) ORDER BY position) FILTER (l.part = 'BACKTRACE') AS backtrace,
    string_agg(text, chr(10) ORDER BY position) FILTER (l.part = 'STATEMENT') AS statement
  FROM numbered
  GROUP BY file, pid, nth
),
records AS (
  SELECT *, zoned_time(l."at") AS "time", {
    'pid': try_cast(l.pid AS BIGINT), 'user': nullif(given(l.user), '[unknown]'),
    'dbname': nullif(given(l.database), '[unknown]'), 'remote_host': NULL::VARCHAR,
    'session_id': NULL::VARCHAR, 'session_start': NULL::VARCHAR, 'state_code': NULL::VARCHAR,
    'message': message.text, 'detail': detail, 'context': context, 'statement': statement,
    'application_name': NULL::VARCHAR, 'backend_type': NULL::VARCHAR} AS e
  FROM joined
),
explained AS (
  SELECT *, postgresql_statement(e.message) AS told, postgresql_wait(e.message, e.detail) AS wait,
    CASE
      WHEN pid = '' THEN 'the line does not begin as log_line_prefix ''%m [%p] %q%u@%d '' makes it'
      WHEN nth = 0 THEN 'the message that the line belongs to is not there'
      WHEN "time" IS NULL THEN coalesce(zone_problem(l."at"), 'it has no time that can be read')
    END AS problem
  FROM records
)
SELECT
  unnest(positions)                                AS position,
  ingested_at,
  "time",
  1                                                AS activity_id,
  postgresql_severity_id(l.severity)               AS severity_id,
  0                                                AS status_id,
  e.message                                        AS message,
  {'service': 'postgresql'}                        AS workload,
  l.severity                                       AS severity,
  postgresql_attributes(e, told, wait)             AS attributes,
  filled({
    'hint': hint, 'internal_query': internal_query, 'location': location, 'backtrace': backtrace,
    'cursor_position': try_cast(nullif(message.cursor, '') AS INT)}) AS unmapped,
  coalesce(problem, CASE WHEN position > positions[1] THEN '' END) AS problem   -- the rest is in it
FROM explained
