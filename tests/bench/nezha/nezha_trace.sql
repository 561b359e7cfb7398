-- name: nezha_trace
-- reads: csv
-- class: trace_span
-- files: *_trace.csv.gz
-- https://github.com/IntelligentDDS/Nezha#dataset
-- Spans have neither kind nor status. The agent's naming says the kind: a route was served, a method
-- of HTTP or a statement on a table was called. Spring's error page under a server span says that it
-- failed, and so did the call that it answered.
WITH spans AS (
  SELECT position, ingested_at, fields['PodName'] AS pod,
    fields['TraceID']                               AS trace_uid,
    fields['SpanID']                                AS span_uid,
    nullif(fields['ParentID'], 'root')              AS parent_span_uid,
    fields['OperationName']                         AS span_name,
    try_cast(fields['StartTimeUnixNano'] AS BIGINT) AS start_time_ns,
    try_cast(fields['EndTimeUnixNano'] AS BIGINT)   AS end_time_ns,
    CASE
      WHEN starts_with(span_name, '/')                                                 THEN 'server'
      WHEN regexp_matches(span_name, '^HTTP [A-Z]+$|^[A-Z]+ \w+\.\w+$')                THEN 'client'
      WHEN ends_with(span_name, ' send')                                             THEN 'producer'
      WHEN ends_with(span_name, ' process')                                          THEN 'consumer'
      ELSE 'internal'
    END AS span_kind
  FROM raw
),
failed AS (
  SELECT DISTINCT trace_uid, parent_span_uid AS span_uid
  FROM spans
  WHERE span_name = 'BasicErrorController.error'
),
refused AS (
  SELECT DISTINCT trace_uid, parent_span_uid AS span_uid
  FROM spans
  SEMI JOIN failed USING (trace_uid, span_uid)
  WHERE span_kind = 'server'
),
ended AS (FROM failed UNION FROM refused)
SELECT
  position,
  ingested_at,
  time_from_us(start_time_ns // 1000)                     AS "time",
  1                                                       AS activity_id,
  1                                                       AS severity_id,
  CASE WHEN ended.span_uid IS NULL THEN 0 ELSE 2 END      AS status_id,
  pod_workload(pod, NULL)                                 AS workload,
  spans.trace_uid,
  spans.span_uid,
  parent_span_uid,
  span_name,
  span_kind,
  start_time_ns,
  end_time_ns - start_time_ns                             AS duration_ns,
  {'http_method': given(regexp_extract(span_name, '^HTTP ([A-Z]+)$', 1))} AS http_request,
  CASE span_kind WHEN 'server' THEN span_name END         AS http_route,
  CASE WHEN span_kind = 'client' AND span_name NOT LIKE 'HTTP %' THEN {
    'system': 'other_sql', 'namespace': regexp_extract(span_name, ' (\w+)\.', 1),
    'operation': split_part(span_name, ' ', 1)} END       AS peer,
  CASE WHEN end_time_ns < start_time_ns THEN 'the span ends before it starts' END AS problem
FROM spans
LEFT JOIN ended USING (trace_uid, span_uid)
