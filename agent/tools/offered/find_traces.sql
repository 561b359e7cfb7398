-- question: Which requests were $ill from $start to $end, at most three of each operation?
-- offer: Slowest or failed requests of a service, else of users, with trace ids
-- takes: service service = all
-- takes: operation text = all -- part of its name
-- takes: ill slow|failed = slow
-- takes: start time = onset
-- takes: end time = end
WITH {{spans}},
asked AS (
  SELECT *, span_name AS operation
  FROM spans
  WHERE CASE WHEN $service IS NULL
      THEN NOT EXISTS (FROM spans AS parent WHERE parent.trace_uid = spans.trace_uid
        AND parent.span_uid = spans.parent_span_uid)
      ELSE service = $service AND span_kind IN ('server', 'consumer') END
    AND ($operation IS NULL OR contains(lower(span_name), lower($operation)))
),
placed AS (
  SELECT *, quantile_disc(duration_ns, 0.5) OVER (PARTITION BY service, operation) AS usual_ns
  FROM asked
)
SELECT trace_uid AS trace, time, service, operation, version, failed,
  round(duration_ns / 1e6, 1)           AS ms,
  round(usual_ns / 1e6, 1)              AS usual_ms
FROM placed
WHERE $ill = 'slow' OR failed
QUALIFY row_number() OVER (PARTITION BY service, operation
  ORDER BY duration_ns DESC, time, trace_uid, span_uid, version, failed) <= 3
ORDER BY duration_ns DESC, service, operation, time, trace, span_uid, version, failed
LIMIT 60
