-- question: How long did each operation take by itself, and how often did it fail by itself, before $onset and from then to $end?
WITH {{spans}}, {{calls}}, {{called}}, {{tree}},
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
  SELECT trace_uid, service, operation, peer, kind, slot,
    greatest(duration_ns - answer_ns - coalesce(children_ns, 0), 1000)  AS own_ns,
    failed AND NOT answer_failed AND NOT coalesce(child_failed, false)  AS own_failed
  FROM steps
  LEFT JOIN spent USING (trace_uid, span_uid)
),
traced AS (
  SELECT service, operation, peer, kind, slot, trace_uid, count(*) AS runs,
    count(*) FILTER (own_failed)                   AS failed,
    sum(round(1000 * ln(own_ns))::BIGINT)::BIGINT  AS own
  FROM runs
  GROUP BY ALL
),
summed AS (
  SELECT service, operation, peer, kind, slot, count(*) AS traces, sum(runs)::BIGINT AS runs,
    sum(runs * runs)::BIGINT     AS runs_runs,
    sum(own)::BIGINT             AS own,
    sum(own * own)::BIGINT       AS own_own,
    sum(own * runs)::BIGINT      AS own_runs,
    sum(failed)::BIGINT          AS failed,
    sum(failed * failed)::BIGINT AS failed_failed,
    sum(failed * runs)::BIGINT   AS failed_runs
  FROM traced
  GROUP BY ALL
)
SELECT service, operation, peer, kind,
  list(slot ORDER BY slot)          AS slots,
  list(traces ORDER BY slot)        AS traces,
  list(runs ORDER BY slot)          AS runs,
  list(runs_runs ORDER BY slot)     AS runs_runs,
  list(own ORDER BY slot)           AS own,
  list(own_own ORDER BY slot)       AS own_own,
  list(own_runs ORDER BY slot)      AS own_runs,
  list(failed ORDER BY slot)        AS failed,
  list(failed_failed ORDER BY slot) AS failed_failed,
  list(failed_runs ORDER BY slot)   AS failed_runs
FROM summed
GROUP BY service, operation, peer, kind
ORDER BY sum(runs) DESC, service, operation, peer, kind
