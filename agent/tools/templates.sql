-- question: Which kinds of log lines did each service write from $start to $end?
-- Of more than a million lines that are no warnings, every `step`th millisecond's stand for all.
-- A power of three has no factor in common with the thousand milliseconds of a clock of seconds.
WITH seen AS (
  SELECT *, (epoch_us(time) // 1000) AS ms, coalesce(severity_id, 0) >= 3 AS is_bad
  FROM log_record
  WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
),
thinned AS (
  SELECT pow(3, ceil(ln(greatest(count(*) FILTER (NOT is_bad) / 1000000, 1)) / ln(3)))::BIGINT AS step
  FROM seen
),
written AS (
  SELECT
    workload.service  AS service,
    severity_id,
    regexp_extract(left(coalesce(message, exception.message, ''), 1000), '[^\r\n]+') AS line,
    coalesce(
      nullif(regexp_extract(left(exception.stacktrace, 100000),
        '(?s).*\nCaused by: ([\w.$]+)', 1), ''),
      exception.type) AS exception,
    workload.version  AS version,
    (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000) AS bucket,
    CASE WHEN is_bad THEN 1 ELSE step END AS stands_for,
    time
  FROM seen, thinned
  WHERE is_bad OR ms % step = 0
),
counted AS (
  SELECT service, severity_id, {{mask(line)}} AS template, exception, bucket,
    sum(stands_for)::BIGINT AS lines, min(time) AS first_at,
    list_sort(list(DISTINCT version)) AS versions
  FROM written
  GROUP BY service, severity_id, template, exception, bucket
)
SELECT
  service, severity_id, template, exception,
  sum(lines)::BIGINT                AS lines,
  min(first_at)                     AS first_at,
  list_sort(list_distinct(flatten(list(versions)))) AS versions,
  list(bucket ORDER BY bucket)      AS buckets,
  list(lines ORDER BY bucket)       AS counts
FROM counted
GROUP BY service, severity_id, template, exception
ORDER BY service, severity_id, template, exception
