-- name: redis
-- reads: records
-- class: log_record
-- product: Redis / Redis
-- sniff: ^\d+:[XCSM] (\d\d [A-Z][a-z]{2} \d{4}|\d{4}-\d\d-\d\dT)\S* ?[\d:.]*\S* [.*#-] 
-- https://redis.io/docs/latest/operate/oss_and_stack/management/debugging/ (2.8 to 8, and
-- Valkey): pid and role, a local time without a zone, taken for UTC, and a sign for the level.
-- Valkey can log ISO times with a zone.
WITH fields AS (
  SELECT position, ingested_at, regexp_extract(line,
    '(?s)^(\d+):([XCSM]) (\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3}|\d{4}-\d\d-\d\dT\S+) '
    || '([.*#-]) ?(.*)$', ['pid', 'role', 'at', 'sign', 'text']) AS l
  FROM raw
)
SELECT
  position,
  ingested_at,
  coalesce(try_strptime(l."at", '%d %b %Y %H:%M:%S.%g')::TIMESTAMPTZ, any_time(l."at")) AS "time",
  1                                                  AS activity_id,
  CASE l.sign WHEN '#' THEN 3 WHEN '' THEN 0 ELSE 1 END AS severity_id,
  0                                                  AS status_id,
  rtrim(l.text, chr(10))                             AS message,
  {'service': 'redis', 'version': nullif(regexp_extract(l.text,
    '^(?:Redis|Valkey) version=([^,]+),', 1), '')}   AS workload,
  CASE l.sign WHEN '.' THEN 'debug' WHEN '-' THEN 'verbose' WHEN '*' THEN 'notice'
    WHEN '#' THEN 'warning' END                      AS severity,
  filled({
    'db.system.name': 'redis', 'process.pid': try_cast(nullif(l.pid, '') AS BIGINT),
    'redis.role': CASE l.role WHEN 'X' THEN 'sentinel' WHEN 'C' THEN 'child'
      WHEN 'S' THEN 'replica' WHEN 'M' THEN 'master' END}) AS attributes,
  CASE WHEN l."at" = '' THEN 'the line is not in the format of Redis'' log' END AS problem
FROM fields
