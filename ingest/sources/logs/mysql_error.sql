-- name: mysql_error
-- reads: records
-- class: log_record
-- product: Oracle / MySQL
-- sniff: ^\d{4}-\d\d-\d\d[T ][ \d]\d:\d\d:\d\d\S* \d+ \[(System|Note|Warning|ERROR|Error)\] 
-- https://dev.mysql.com/doc/refman/8.4/en/error-log-format.html (8.0 to 9, with a code and a
-- subsystem; 5.7, without) and MariaDB's, whose local time without a zone is taken for UTC
WITH records AS (   -- an hour of one digit, as MariaDB writes it, begins no record to the reader
  SELECT position, ingested_at, unnest(string_split(regexp_replace(line,
    '\n(\d{4}-\d\d-\d\d  \d:\d\d:\d\d \d+ \[)', chr(30) || '\1', 'g'), chr(30))) AS line
  FROM raw
),
fields AS (
  SELECT position, ingested_at, line, regexp_extract(line,
    '(?s)^(\d{4}-\d\d-\d\d[T ][ \d]\d:\d\d:\d\d\S*) (?:(\d+) \[(\w+)\] (?:\[(\S+)\] \[(\w+)\] )?'
    || '|mysqld_safe )(.*)$',
    ['at', 'thread', 'level', 'code', 'subsystem', 'text']) AS l,
    CASE WHEN line LIKE '____-__-__ %' THEN 'mariadb' ELSE 'mysql' END AS system
  FROM records
)
SELECT
  position,
  ingested_at,
  any_time(regexp_replace(l."at", '  ', ' 0'))       AS "time",
  1                                                  AS activity_id,
  CASE WHEN l.level IN ('System', 'Note', '') THEN 1 ELSE level_severity_id(l.level)
  END                                                AS severity_id,
  0                                                  AS status_id,
  rtrim(l.text, chr(10))                             AS message,
  {'service': system}                                AS workload,
  CASE WHEN system = 'mariadb' THEN {'product': {'vendor_name': 'MariaDB', 'name': 'MariaDB'}} END
                                                     AS metadata,
  nullif(l.level, '')                                AS severity,
  coalesce(nullif(l.subsystem, ''), nullif(regexp_extract(l.text, '^(InnoDB): ', 1), '')) AS scope,
  filled({
    'db.system.name': system, 'mysql.error_code': nullif(l.code, ''),
    'mysql.thread_id': try_cast(nullif(l.thread, '') AS BIGINT),
    'process.command': CASE WHEN l.thread = '' THEN 'mysqld_safe' END}) AS attributes,
  CASE WHEN l."at" = '' THEN 'the line is not in the format of MySQL''s error log' END AS problem
FROM fields
