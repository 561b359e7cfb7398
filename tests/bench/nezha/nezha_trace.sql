-- name: nezha_trace
-- reads: csv
-- class: trace_span
-- files: *_trace.csv.gz *_trace.csv
-- https://github.com/IntelligentDDS/Nezha#dataset
-- Spans have neither kind nor status. The agent's naming says the kind: a route was served, a method
-- of HTTP or a statement on a table was called; of others it is told by which pod is at the other
-- end. Spring's error page under a server span says that it failed, and so did the call that it
-- answered.
WITH named AS (
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
spans AS (
  SELECT named.* REPLACE (CASE
      WHEN named.span_kind <> 'internal'                    THEN named.span_kind
      WHEN parents.pod <> named.pod                         THEN 'server'
      WHEN away.span_uid IS NOT NULL                        THEN 'client'
      ELSE 'internal' END AS span_kind)
  FROM named
  LEFT JOIN (SELECT trace_uid, span_uid, min(pod) AS pod FROM named GROUP BY ALL) AS parents
    ON parents.trace_uid = named.trace_uid AND parents.span_uid = named.parent_span_uid
  LEFT JOIN (   -- those under which another pod served
    SELECT DISTINCT child.trace_uid, child.parent_span_uid AS span_uid
    FROM named AS child JOIN named AS parent
      ON parent.trace_uid = child.trace_uid AND parent.span_uid = child.parent_span_uid
    WHERE parent.pod <> child.pod
  ) AS away ON away.trace_uid = named.trace_uid AND away.span_uid = named.span_uid
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
