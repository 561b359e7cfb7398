-- Spans, those that failed and took longest first, one line a span.
SELECT strftime(time, '%H:%M:%S') AS time, workload.service AS service, workload.version AS version,
  span_name AS span, coalesce(peer.service, peer.address) AS calls,
  http_response.code::BIGINT AS code, CASE status_id WHEN 2 THEN 'ERROR' ELSE '' END AS status,
  round(duration_ns / 1e6)::BIGINT AS ms, left(trace_uid, 16) AS trace
FROM trace_span
ORDER BY status_id = 2 DESC, duration_ns DESC, time, service, span
