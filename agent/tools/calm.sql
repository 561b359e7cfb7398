-- question: Was it calm in the same hours of the seven days before $start to $end, and just before?
-- A stretch of the past is told by how many seconds it lies before; 0 is the present one.
WITH held AS (
  SELECT 'trace_span' AS "table", time, status_id = 2 AS failed,
    span_kind IN ('server', 'consumer') AS is_request
  FROM trace_span
  WHERE workload.service IS DISTINCT FROM 'inquest'
  UNION ALL
  SELECT 'log_record', time, false, false FROM log_record
  UNION ALL
  SELECT 'metric_point', time, false, false FROM metric_point
  WHERE workload.service IS DISTINCT FROM 'inquest'
  UNION ALL
  SELECT 'http_activity', time, http_response.code >= 500, true FROM http_activity
  WHERE workload.service IS NOT NULL
),
past AS (
  SELECT *, epoch_us($end) - epoch_us($start)                        AS length_us,
    epoch_us(time) - epoch_us($start) + 7 * 86400000000              AS since_us
  FROM held
  WHERE epoch_us(time) >= epoch_us($start) - 7 * 86400000000 AND time < $end
),
placed AS (
  SELECT *, 86400 * (7 - since_us // 86400000000) AS before_s, since_us % 86400000000 AS at_us
  FROM past
  WHERE since_us % 86400000000 < length_us
  UNION ALL
  SELECT *, length_us // 1000000, since_us - 7 * 86400000000 + length_us
  FROM past
  WHERE since_us >= 7 * 86400000000 - length_us AND since_us < 7 * 86400000000
    AND length_us <> 86400000000
)
SELECT
  before_s,
  "table",
  count(*)                                             AS records,
  count(*) FILTER (is_request)                         AS requests,
  count(*) FILTER (is_request AND coalesce(failed, false)) AS failed,
  count(DISTINCT at_us // ($bucket_s * 1000000))       AS buckets
FROM placed
GROUP BY ALL
ORDER BY before_s, "table"
