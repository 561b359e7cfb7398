answers AS (
  SELECT trace_uid, parent_span_uid AS span_uid,
    min(service) AS answered_by, min(span_name) AS answered_as,
    bool_or(failed) AS answer_failed, max(duration_ns) AS answer_ns
  FROM spans
  WHERE span_kind IN ('server', 'consumer') AND parent_span_uid IS NOT NULL
  GROUP BY ALL
),
wrappers AS (  -- a client span around another one of the same service is the same call once more
  SELECT trace_uid, parent_span_uid AS span_uid, service
  FROM spans
  WHERE span_kind IN ('client', 'producer') AND parent_span_uid IS NOT NULL
),
calls AS (
  SELECT *
  FROM spans
  ANTI JOIN wrappers USING (trace_uid, span_uid, service)
  LEFT JOIN answers USING (trace_uid, span_uid)
  WHERE span_kind IN ('client', 'producer')
)
