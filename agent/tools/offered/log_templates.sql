-- question: Which kinds of log lines came, went or changed their rate from $onset to $end, against the time from $start to $calm_until?
-- offer: Log templates that are new, gone, more or fewer since onset than from start
-- takes: service service = all
-- takes: start time = start
-- takes: onset time = onset
-- takes: end time = end
-- people: example
-- `score` is how many standard deviations of a Poisson count the lines are off what was usual:
-- twice the difference of the roots, after Anscombe (1948).
WITH written AS (
  SELECT workload.service AS service, time, time >= $onset AS during,
    coalesce(severity_id, 0) AS severity_id, exception.type AS exception,
    regexp_extract(left(coalesce(message, exception.message, ''), 1000), '[^\r\n]+') AS line
  FROM log_record
  WHERE (time >= $start AND time < $calm_until OR time >= $onset AND time < $end)
    AND workload.service IS DISTINCT FROM 'inquest'
    AND ($service IS NULL OR workload.service = $service)
),
masked AS (
  SELECT *, {{mask(line)}} AS template FROM written
),
lengths AS (
  SELECT (epoch_us($end) - epoch_us($onset)) / greatest(epoch_us($calm_until) - epoch_us($start), 1)
    AS longer
),
counted AS (
  SELECT service, exception, template, max(severity_id) AS severity_id,
    count(*) FILTER (NOT during)                 AS before,
    count(*) FILTER (during)                     AS since,
    min(time) FILTER (during)                    AS first_at,
    arg_min(line, (time, line))                  AS example
  FROM masked
  GROUP BY service, exception, template
),
scored AS (
  SELECT *, before * longer AS expected,
    round(2 * (sqrt(since + 0.375) - sqrt(before * longer + 0.375)), 1) AS score
  FROM counted, lengths
)
SELECT service,
  CASE WHEN before = 0 THEN 'new' WHEN since = 0 THEN 'gone'
    WHEN since > expected THEN 'more' ELSE 'fewer' END       AS turn,
  CASE WHEN severity_id >= 4 THEN 'error' WHEN severity_id = 3 THEN 'warning' ELSE 'info' END
                                                             AS level,
  exception, template, round(expected, 1) AS expected, since AS lines, score, first_at, example
FROM scored
WHERE abs(score) >= 3 OR (before = 0 AND severity_id >= 3)
ORDER BY severity_id >= 3 DESC, abs(score) DESC, service, exception, template
LIMIT 200
