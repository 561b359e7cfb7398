-- name: kafka
-- reads: records
-- class: log_record
-- product: Apache Software Foundation / Kafka
-- sniff: ^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] (TRACE|DEBUG|INFO|WARN|ERROR|FATAL) 
-- sniff: \((kafka|org\.apache\.(kafka|zookeeper)|state\.change)\.[\w.$]+\)$
-- https://github.com/apache/kafka/blob/trunk/config/log4j2.yaml (server.log, controller.log,
-- state-change.log and the like of 0.10 to 4, and Connect's; Kafka's pattern is [%d] %p %m (%c)%n).
-- Its local time has no zone and is taken for UTC.
WITH fields AS (
  SELECT position, ingested_at, regexp_extract(line,
    '(?s)^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3})\] ([A-Z]+) '
    || '([^\n]*?)(?: \(([\w.$-]+)\))?(\n.*)?$',
    ['at', 'level', 'text', 'logger', 'more'])       AS l
  FROM raw
),
told AS (
  SELECT *,
    exception_in(l.text || l.more)                   AS e,
    regexp_extract(l.text,
      '^\[\w+(?: [\w.-]+)*? (?:(?:id|broker|brokerId|nodeId|replicaId)=)?(\d+)[\],]', 1) AS broker
  FROM fields
)
SELECT
  position,
  ingested_at,
  any_time(l."at")                                   AS "time",
  1                                                  AS activity_id,
  level_severity_id(l.level)                         AS severity_id,
  0                                                  AS status_id,
  CASE WHEN e.stacktrace <> '' THEN without_trace(l.text || l.more, e.stacktrace)
    ELSE rtrim(l.text || l.more, chr(10)) END        AS message,
  {'service': 'kafka', 'version': nullif(regexp_extract(l.text, '^Kafka version: (\S+)', 1), ''),
   'instance': nullif(broker, '')}                 AS workload,
  nullif(l.level, '')                                AS severity,
  coalesce(nullif(l.logger, ''), nullif(regexp_extract(l.more, '\n ?\(([\w.$-]+)\)$', 1), ''))
                                                     AS scope,
  {'type': nullif(e."type", ''), 'message': nullif(e.message, ''),
   'stacktrace': nullif(e.stacktrace, '')}           AS exception,
  filled({
    'messaging.system': 'kafka',
    'messaging.destination.name': nullif(regexp_extract(l.text,
      '\b(?:[Pp]artition[ =]|topic(?:[ =]|-partition ))''?([\w.-]+?)(?:-\d+)?''?(?:[,\] :)]|$)',
      1), ''),
    'messaging.consumer.group.name': nullif(regexp_extract(l.text,
      '\b[Gg]roup ([\w.-]+) (?:in|with|has|is|transitioned)\b', 1), '')}) AS attributes,
  CASE WHEN l."at" = '' THEN 'the line is not in the format of Kafka''s logs' END AS problem
FROM told
