-- One trace, a row a span; a span that was sent twice is one. What is no agent's, as HTTP and stores
-- are, is `http`, `store` or `other`.
SELECT trace_span.trace_uid, trace_span.span_uid, coalesce(trace_span.parent_span_uid, '') AS parent_span_uid,
  coalesce(trace_span.workload.service, '') AS service, trace_span.span_name AS name,
  trace_span.start_time_ns, trace_span.duration_ns,
  coalesce(did.operation, CASE WHEN peer.system IS NOT NULL THEN 'store'
    WHEN http_request.http_method IS NOT NULL OR http_route IS NOT NULL THEN 'http'
    ELSE 'other' END) AS operation,
  coalesce(did.model, '') AS model, coalesce(did.provider, '') AS provider,
  did.input_tokens, did.output_tokens, did.cache_read_tokens, did.cache_write_tokens,
  did.usd::DOUBLE AS usd, did.first_token_ms, coalesce(did.is_replayed, false) AS is_replayed,
  coalesce(did.is_due, false) AS is_due,
  coalesce(did.conversation, '') AS conversation, coalesce(did.report, '') AS report,
  coalesce(did.verdict, '') AS verdict,
  coalesce(did.error, CASE WHEN trace_span.status_id = 2 THEN concat_ws(' ', 'failed:',
    trace_span.status_detail, http_response.code::VARCHAR) END, '') AS error
FROM trace_span
LEFT JOIN agent_spans AS did
  ON did.trace_uid = trace_span.trace_uid AND did.span_uid = trace_span.span_uid
WHERE trace_span.trace_uid = $trace AND time >= $start AND time < $end
QUALIFY row_number() OVER (
  PARTITION BY trace_span.span_uid ORDER BY did.operation, trace_span.start_time_ns) = 1
ORDER BY start_time_ns, duration_ns DESC, span_uid
