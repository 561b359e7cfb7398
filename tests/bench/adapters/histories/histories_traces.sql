-- name: histories_traces
-- reads: json
-- class: trace_span
-- files: traces.json
-- A list of spans whose ids are short names: they are hashed into OpenTelemetry's form. The trace
-- `same` is that of the span before. A span without a parent, or with one of another service, was
-- served; one within its service is internal. Who asked for what was served is a client span more.
WITH listed AS (
  SELECT position, ingested_at, span, row_number() OVER () AS place
  FROM (SELECT position, ingested_at, unnest(
    CASE WHEN json_type(doc) = 'ARRAY' THEN doc->'$[*]' ELSE [doc] END) AS span FROM raw)
),
spans AS (
  SELECT *, any_time(span->>'$.start') AS begins, span->>'$.service' AS service,
    try_cast(span->>'$.duration_ms' AS DOUBLE) AS ms,
    last_value(nullif(span->>'$.trace_id', 'same') IGNORE NULLS) OVER (
      ORDER BY position, place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS trace_uid
  FROM listed
),
placed AS (
  SELECT spans.*, parent.span->>'$.service' AS parent_service
  FROM spans
  LEFT JOIN spans AS parent ON parent.trace_uid = spans.trace_uid
    AND parent.span->>'$.span_id' = spans.span->>'$.parent_id'
),
sides AS (
  SELECT *, CASE WHEN parent_service = service THEN 'internal' ELSE 'server' END AS kind,
    service AS speaker, span->>'$.span_id' AS own,
    CASE WHEN parent_service <> service THEN 'client ' || (span->>'$.span_id')
      ELSE nullif(span->>'$.parent_id', '') END AS above
  FROM placed
  UNION ALL
  SELECT *, 'client', parent_service, 'client ' || (span->>'$.span_id'), span->>'$.parent_id'
  FROM placed
  WHERE parent_service <> service
)
SELECT
  position,
  ingested_at,
  begins                                                AS "time",
  1                                                     AS activity_id,
  1                                                     AS severity_id,
  CASE span->>'$.status' WHEN 'ERROR' THEN 2 WHEN 'OK' THEN 1 ELSE 0 END AS status_id,
  span->>'$.error'                                      AS status_detail,
  {'service': speaker}                                  AS workload,
  md5(trace_uid)                                        AS trace_uid,
  left(md5(concat(trace_uid, own)), 16)                 AS span_uid,
  CASE WHEN above IS NOT NULL
    THEN left(md5(concat(trace_uid, above)), 16) END    AS parent_span_uid,
  span->>'$.name'                                       AS span_name,
  kind                                                  AS span_kind,
  epoch_us(begins) * 1000                               AS start_time_ns,
  (ms * 1000000)::BIGINT                                AS duration_ns,
  CASE WHEN ms IS NULL THEN 'the span has no duration' END AS problem
FROM sides
