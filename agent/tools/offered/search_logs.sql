-- question: Which kinds of log lines were written from $start to $end, and how often?
-- offer: Log lines as templates with counts, worst first
-- takes: text text = all -- part of a line, any case
-- takes: service service = all
-- takes: level any|warning|error = any
-- takes: start time = onset
-- takes: end time = end
-- people: example
WITH written AS (
  SELECT workload.service AS service, workload.version AS version, time,
    coalesce(severity_id, 0) AS severity_id, exception.type AS exception,
    left(coalesce(message, exception.message, ''), 1000) AS line
  FROM log_record
  WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
    AND ($service IS NULL OR workload.service = $service)
    AND coalesce(severity_id, 0) >= CASE $level WHEN 'error' THEN 4 WHEN 'warning' THEN 3 ELSE 0 END
    AND ($text IS NULL OR contains(lower(concat_ws(' ', message, exception.type,
      exception.message, exception.stacktrace)), lower($text)))
),
masked AS (
  SELECT *, {{mask(first_line)}} AS template
  FROM (SELECT *, regexp_extract(line, '[^\r\n]+') AS first_line FROM written)
)
SELECT
  service,
  CASE WHEN severity_id >= 5 THEN 'critical' WHEN severity_id = 4 THEN 'error'
    WHEN severity_id = 3 THEN 'warning' ELSE 'info' END   AS level,
  exception, template,
  count(*)                                                AS lines,
  min(time)                                               AS first_at,
  max(time)                                               AS last_at,
  string_agg(DISTINCT version, ' ' ORDER BY version)      AS versions,
  arg_min(line, (time, line))                             AS example
FROM masked
GROUP BY service, level, exception, template
ORDER BY max(severity_id) DESC, lines DESC, service, level, exception, template
LIMIT 200
