-- name: rabbitmq
-- reads: lines
-- class: log_record
-- product: Broadcom / RabbitMQ
-- sniff: ^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6}(?:[+-]\d\d:\d\d)? \[(debug|info|notice|warning|error|critical|alert|emergency)\] <\d+\.\d+\.\d+>
-- context: file parted
-- https://www.rabbitmq.com/docs/logging (3.7 and 3.8, whose local time has no zone and is taken for
-- UTC; 3.9 to 4, which tell the time of a message before each of its lines)
WITH lines AS (
  SELECT position, ingested_at, line, regexp_extract(line,
    '^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+(?:[+-]\d\d:\d\d)?) \[(\w+)\] <([\d.]+)> ?(.*)$',
    ['at', 'level', 'process', 'text'])              AS l
  FROM raw
),
parts AS (   -- a line without a time goes on; microseconds tell a process' messages apart
  SELECT *,
    CASE WHEN l."at" <> '' THEN l.text ELSE
      repeat(chr(10), position - lag(position, 1, position - 1) OVER so_far - 1) || line
    END                                              AS part,
    CASE WHEN l."at" <> '' THEN length(l."at") < 26
        OR coalesce((l."at", l.process) <> lag((l."at", l.process)) OVER so_far, true)
      ELSE last_value(nullif(l."at", '') IGNORE NULLS) OVER so_far IS NULL END AS begins
  FROM lines
  WINDOW so_far AS (PARTITION BY file_of(position) ORDER BY position)
),
joined AS (
  SELECT list(position ORDER BY position) AS positions, min(ingested_at) AS ingested_at,
    arg_min(l, position) AS l, string_agg(part, chr(10) ORDER BY position) AS text
  FROM (
    SELECT *, file_of(position) AS file,
      count(*) FILTER (begins) OVER (PARTITION BY file_of(position) ORDER BY position) AS nth
    FROM parts)
  GROUP BY file, nth
)
SELECT
  unnest(positions)                                  AS position,
  ingested_at,
  any_time(l."at")                                   AS "time",
  1                                                  AS activity_id,
  level_severity_id(l.level)                         AS severity_id,
  0                                                  AS status_id,
  text                                               AS message,
  {'service': 'rabbitmq'}                            AS workload,
  nullif(l.level, '')                                AS severity,
  filled({
    'messaging.system': 'rabbitmq', 'erlang.process': nullif(l.process, ''),
    'client.address': nullif(regexp_extract(text, ' \((?:\[?([\da-fA-F.:]+)\]?):\d+ -> ', 1), ''),
    'rabbitmq.vhost': nullif(regexp_extract(text, 'vhost: ''([^'']*)''', 1), ''),
    'user.name': nullif(regexp_extract(text, 'user: ''([^'']*)''', 1), '')}) AS attributes,
  CASE
    WHEN l."at" = '' THEN 'the line is not in the format of RabbitMQ''s log'
    WHEN position > positions[1] THEN ''             -- it is in the first
  END                                                AS problem
FROM joined
