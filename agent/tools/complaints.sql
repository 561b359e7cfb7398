-- question: In which words was there a complaint from $since to $until, and in which before, from $start?
-- Warnings and errors in logs, what failing spans say, and alerts. A text is usual that was written
-- before, or that is no complaint.
WITH said AS (
  SELECT {{mask(message)}} AS text, severity_id >= 3 AS complains, time
  FROM log_record
  WHERE time >= $start AND time < $until AND message IS NOT NULL
    AND workload.service IS DISTINCT FROM 'inquest'
  UNION ALL
  SELECT concat_ws(' ', span_name, status_detail), status_id = 2, time
  FROM trace_span
  WHERE time >= $start AND time < $until AND workload.service IS DISTINCT FROM 'inquest'
  UNION ALL
  SELECT concat_ws(' ', finding_info.title, workload.service, finding_info.desc), true, time
  FROM detection_finding
  WHERE time >= $since AND time < $until
)
SELECT
  text,
  bool_or(coalesce(complains, false)) AND min(time) FILTER (complains) >= $since AS is_new,
  count(*)                                                                        AS times
FROM said
WHERE text <> ''
GROUP BY text
ORDER BY is_new DESC, times DESC, text
LIMIT 500
