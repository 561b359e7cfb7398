-- Requests from $start to $end as those who served them saw them (spans, access logs): a service,
-- an operation and a status a row, before $since and after.
SELECT service, operation, status, is_during, count(*)::BIGINT AS requests,
  count(*) FILTER (is_failed)::BIGINT AS failed, min(time) AS first_at, max(time) AS seen_at,
  round(quantile_cont(ms, 0.5), 6) AS p50_ms, round(quantile_cont(ms, 0.95), 6) AS p95_ms
FROM (
  SELECT workload.service AS service, span_name AS operation,
    coalesce(http_response.code::VARCHAR, CASE WHEN status_id = 2 THEN 'error' END) AS status,
    time, time >= $since AS is_during, status_id = 2 AS is_failed, duration_ns / 1e6 AS ms
  FROM trace_span
  WHERE time >= $start AND time < $end AND span_kind IN ('server', 'consumer')
    AND workload.service IS DISTINCT FROM 'inquest'
  UNION ALL
  SELECT workload.service, http_request.url.path, http_response.code::VARCHAR, time,
    time >= $since, http_response.code >= 500, duration::DOUBLE
  FROM http_activity
  WHERE time >= $start AND time < $end
)
GROUP BY service, operation, status, is_during
