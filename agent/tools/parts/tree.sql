-- A span's operation is its name without ids; a call that was answered is told by its answer. What
-- is in the lake twice counts once. Slots: six of the time before $onset, eight from then to $end.
names AS (
  SELECT span_name, {{mask(span_name)}} AS operation
  FROM (SELECT DISTINCT span_name FROM spans)
),
steps AS MATERIALIZED (
  SELECT DISTINCT spans.trace_uid, spans.span_uid, parent_span_uid, service, failed,
    start_time_ns, end_time_ns, duration_ns,
    names.operation || coalesce(' → ' || answered_by || ' ' || far.operation, '') AS operation,
    coalesce(answered_by, system || coalesce('/' || namespace, '/' || address, ''), '') AS peer,
    answered_by IS NOT NULL                                                AS answered,
    span_kind IN ('client', 'producer')                                    AS is_call,
    CASE
      WHEN answered_by IS NOT NULL THEN 'call'
      WHEN NOT is_call             THEN 'inner'
      WHEN system IS NULL          THEN 'lost'
      ELSE 'store'
    END                                                                    AS kind,
    coalesce(answer_failed, false)                                         AS answer_failed,
    coalesce(answer_ns, 0)                                                 AS answer_ns,
    CASE
      WHEN time < $onset THEN 6 * (epoch_us(time) - epoch_us($start))
        // (epoch_us($onset) - epoch_us($start))
      ELSE 6 + 8 * (epoch_us(time) - epoch_us($onset))
        // greatest(epoch_us($end) - epoch_us($onset), 1)
    END                                                                    AS slot
  FROM spans
  JOIN names USING (span_name)
  LEFT JOIN answers ON span_kind IN ('client', 'producer')
    AND answers.trace_uid = spans.trace_uid AND answers.span_uid = spans.span_uid
  LEFT JOIN names AS far ON far.span_name = answered_as
),
links AS MATERIALIZED (  -- what a span did: the spans that it began, but not the answer to a call
  SELECT parent.trace_uid, parent.span_uid, parent.service, parent.operation, parent.slot,
    child.operation AS child, child.peer, child.kind, child.failed, child.duration_ns,
    child.service = parent.service                      AS within,
    greatest(child.start_time_ns, parent.start_time_ns) AS since,
    least(child.end_time_ns, parent.end_time_ns)        AS until
  FROM steps AS child
  JOIN steps AS parent ON parent.trace_uid = child.trace_uid
    AND parent.span_uid = child.parent_span_uid
  WHERE NOT (parent.answered AND child.service <> parent.service)
)
