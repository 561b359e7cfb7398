-- question: Which kinds of warnings and errors did each service write from $start to $end?
WITH written AS (
  SELECT
    workload.service  AS service,
    severity_id,
    coalesce(message, exception.message, '') AS line,
    exception.type    AS exception,
    workload.version  AS version,
    (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000) AS bucket,
    time
  FROM log_record
  WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
    AND severity_id >= 3
),
counted AS (
  SELECT service, severity_id, {{mask(line)}} AS template, exception, bucket,
    count(*) AS lines, min(time) AS first_at, list_sort(list(DISTINCT version)) AS versions
  FROM written
  GROUP BY ALL
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
