-- question: In which words was there a complaint from $since to $until, and in which before, from $start?
-- Warnings and errors in logs, what failing spans say, and alerts. A text is usual that was written
-- before, or that is no complaint; so is the name of a metric that an alert names. Of a line's
-- attributes one example is told.
WITH raised AS (
  SELECT concat_ws(' ', finding_info.title, workload.service, finding_info.desc) AS text, time
  FROM detection_finding
  WHERE time >= $since AND time < $until
),
measured AS (
  SELECT metric_name AS text, min(time) AS time, count(*) AS times
  FROM metric_point
  WHERE time >= $start AND time < $since AND metric_name IS NOT NULL
    AND workload.service IS DISTINCT FROM 'inquest'
  GROUP BY metric_name
),
said AS (
  SELECT {{mask(message)}} AS text, severity_id >= 3 AS complains, time, 1 AS times,
    attributes::VARCHAR AS more
  FROM log_record
  WHERE time >= $start AND time < $until AND message IS NOT NULL
    AND workload.service IS DISTINCT FROM 'inquest'
  UNION ALL
  SELECT concat_ws(' ', span_name, status_detail), status_id = 2, time, 1, NULL
  FROM trace_span
  WHERE time >= $start AND time < $until AND workload.service IS DISTINCT FROM 'inquest'
  UNION ALL
  SELECT text, true, time, 1, NULL
  FROM raised
  UNION ALL
  SELECT text, false, time, times, NULL
  FROM measured
  WHERE EXISTS (SELECT 1 FROM raised WHERE contains(raised.text, measured.text))
)
SELECT
  text,
  bool_or(coalesce(complains, false)) AND min(time) FILTER (complains) >= $since AS is_new,
  sum(times)::BIGINT                                                              AS times,
  coalesce(sum(times) FILTER (time < $since), 0)::BIGINT                          AS earlier,
  min(more) FILTER (complains AND time >= $since)                                 AS more
FROM said
WHERE text <> ''
GROUP BY text
ORDER BY is_new DESC, times DESC, text
LIMIT 500
