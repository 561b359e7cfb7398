usual AS (  -- how long an operation's slow answers take: its minutes' 95th percentiles, in calm ones
  SELECT service, operation, quantile_disc(p95_ns, 0.25) AS usual_ns
  FROM (
    SELECT service, span_name AS operation, quantile_disc(duration_ns, 0.95) AS p95_ns
    FROM spans
    WHERE span_kind IN ('server', 'consumer')
    GROUP BY service, span_name, epoch_us(time) // 60000000
  )
  GROUP BY ALL
),
waits AS (  -- what each server span waited for; a call to a store is its own work, to a service not
  SELECT server.trace_uid, server.span_uid,
    call.start_time_ns                          AS since,
    least(call.end_time_ns, server.end_time_ns) AS until,
    max(until) OVER (
      PARTITION BY server.trace_uid, server.span_uid ORDER BY since
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS waited_until,
    -- the callee answered with a failure, not at all, or later than the caller waited, which had
    -- waited as long as such an answer takes; who gives up sooner than that fails by itself
    call.failed AND coalesce(answer_failed OR (answer_ns > call.duration_ns
      AND call.duration_ns >= usual_ns), true) AS callee_failed
  FROM spans AS server
  JOIN calls AS call
    ON call.trace_uid = server.trace_uid
    AND call.service = server.service
    AND call.instance = server.instance
    AND call.start_time_ns BETWEEN server.start_time_ns AND server.end_time_ns
  LEFT JOIN usual ON usual.service = answered_by AND usual.operation = answered_as
  WHERE server.span_kind IN ('server', 'consumer') AND call.system IS NULL
),
waited AS (  -- calls may overlap: each counts for what those before it left uncovered
  SELECT trace_uid, span_uid,
    sum(greatest(until - greatest(since, coalesce(waited_until, since)), 0))::BIGINT AS waited_ns,
    bool_or(callee_failed) AS callee_failed
  FROM waits
  GROUP BY ALL
),
served AS (  -- its own time is what no call to a service covers, its own failure is no callee's
  SELECT service, version, instance, span_name AS operation, trace_uid, span_uid, time,
    duration_ns, failed,
    (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000) AS bucket,
    duration_ns - coalesce(waited_ns, 0)                         AS own_ns,
    failed AND NOT coalesce(callee_failed, false)                AS own_failed
  FROM spans
  LEFT JOIN waited USING (trace_uid, span_uid)
  WHERE span_kind IN ('server', 'consumer')
)
