-- A span's operation is its name without ids; a call that was answered is told by its answer, one of
-- a store or of an address from where nobody ever answers by its path too, if the path without ids
-- is asked for often enough to be compared: another path is another thing to ask, but a path that is
-- the key of a thing is asked for once. What is in the lake twice counts once. Slots: six of the
-- time before $onset, eight from then to $end.
told AS MATERIALIZED (
  SELECT DISTINCT spans.trace_uid, spans.span_uid, parent_span_uid, spans.service, node, failed,
    time, start_time_ns, end_time_ns, duration_ns, span_name,
    answered_by, answered_as, answer_failed, answer_ns,
    span_kind IN ('client', 'producer') AS is_call,
    CASE WHEN is_call THEN coalesce(
      answered_by, system || coalesce('/' || namespace, '/' || spans.address, ''),
      CASE WHEN residents = 1 THEN resident END, named,
      CASE WHEN residents IS NULL THEN spans.address END)
    END AS peer,
    is_call AND answered_by IS NULL AND (system IS NOT NULL OR (
      residents IS NULL AND named IS NULL AND spans.address IS NOT NULL)) AS is_store,
    CASE WHEN is_store AND NOT contains(span_name, path) THEN path END AS path
  FROM spans
  LEFT JOIN answers ON span_kind IN ('client', 'producer')
    AND answers.trace_uid = spans.trace_uid AND answers.span_uid = spans.span_uid
  LEFT JOIN lives_at ON span_kind IN ('client', 'producer')
    AND lives_at.address = spans.address AND lives_at.port IS NOT DISTINCT FROM spans.port
),
names AS (
  SELECT said, {{mask(said)}} AS operation
  FROM (SELECT span_name AS said FROM spans UNION SELECT path FROM told)
),
paths AS (
  SELECT service, peer, path, operation
  FROM (SELECT service, peer, path, count(*) AS calls FROM told GROUP BY ALL)
  JOIN names ON said = path
  QUALIFY sum(calls) OVER (PARTITION BY service, peer, operation) >= 20
),
steps AS MATERIALIZED (
  SELECT trace_uid, span_uid, parent_span_uid, service, node, failed, is_call,
    coalesce(peer, '') AS peer, start_time_ns, end_time_ns, duration_ns,
    names.operation || coalesce(
      ' → ' || answered_by || ' ' || far.operation, ' → ' || paths.operation, '') AS operation,
    answered_by IS NOT NULL                                                AS answered,
    CASE
      WHEN answered_by IS NOT NULL THEN 'call'
      WHEN NOT is_call             THEN 'inner'
      WHEN is_store                THEN 'store'
      ELSE 'lost'
    END                                                                    AS kind,
    coalesce(answer_failed, false)                                         AS answer_failed,
    coalesce(answer_ns, 0)                                                 AS answer_ns,
    CASE
      WHEN time < $onset THEN 6 * (epoch_us(time) - epoch_us($start))
        // (epoch_us($onset) - epoch_us($start))
      ELSE 6 + 8 * (epoch_us(time) - epoch_us($onset))
        // greatest(epoch_us($end) - epoch_us($onset), 1)
    END                                                                    AS slot
  FROM told
  JOIN names ON names.said = span_name
  LEFT JOIN names AS far ON far.said = answered_as
  LEFT JOIN paths USING (service, peer, path)
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
