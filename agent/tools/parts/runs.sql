few AS (  -- spans with so many children are loops, and wait in none of them
  SELECT trace_uid, span_uid AS parent_span_uid
  FROM links
  GROUP BY ALL
  HAVING count(*) BETWEEN 2 AND 64
),
awaited AS (  -- a call beside a step that goes on meanwhile: reactive servers await calls so
  SELECT trace_uid, step.span_uid,
    greatest(call.start_time_ns, step.start_time_ns) AS since,
    least(call.end_time_ns, step.end_time_ns)        AS until
  FROM few
  JOIN steps AS step USING (trace_uid, parent_span_uid)
  JOIN steps AS call USING (trace_uid, parent_span_uid, service)
  WHERE call.is_call AND NOT step.is_call AND since < until
),
busy AS (
  SELECT trace_uid, span_uid, within, failed, duration_ns, since, until FROM links
  UNION ALL
  SELECT trace_uid, span_uid, true, false, 0, since, until FROM awaited
),
beside AS (  -- children may overlap: each counts for what those before it left uncovered
  SELECT *, max(until) OVER (
    PARTITION BY trace_uid, span_uid ORDER BY since
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered_until
  FROM busy
),
spent AS (  -- clocks of other services may be apart, so of their spans only the length counts
  SELECT trace_uid, span_uid, bool_or(failed) AS child_failed,
    sum(CASE
      WHEN within THEN greatest(until - greatest(since, coalesce(covered_until, since)), 0)
      ELSE duration_ns
    END)::BIGINT AS children_ns
  FROM beside
  GROUP BY ALL
),
runs AS (
  SELECT trace_uid, service, node, operation, peer, kind, slot,
    greatest(duration_ns - answer_ns - coalesce(children_ns, 0), 1000)  AS own_ns,
    failed AND NOT answer_failed AND NOT coalesce(child_failed, false)  AS own_failed
  FROM steps
  LEFT JOIN spent USING (trace_uid, span_uid)
)
