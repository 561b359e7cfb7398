spans AS (
  SELECT trace_uid, span_uid, span_kind, span_name, time, start_time_ns, duration_ns,
    status_id = 2                   AS failed,
    workload.service                AS service,
    workload.version                AS version,
    coalesce(workload.instance, '') AS instance
  FROM trace_span
  WHERE time >= $start AND time < $end AND workload.service <> 'inquest'
),
waits AS (   -- what each server span waited for the services and stores it called
  SELECT server.trace_uid, server.span_uid,
    sum(client.duration_ns)::BIGINT AS waited_ns,
    bool_or(client.failed)          AS callee_failed
  FROM spans AS server
  JOIN spans AS client
    ON client.trace_uid = server.trace_uid
    AND client.service = server.service
    AND client.instance = server.instance
    AND client.start_time_ns BETWEEN server.start_time_ns AND server.start_time_ns + server.duration_ns
  WHERE server.span_kind IN ('server', 'consumer') AND client.span_kind IN ('client', 'producer')
  GROUP BY ALL
),
served AS (  -- its own time is what no call covers, its own failure one that no call shares
  SELECT service, version, instance, span_name AS operation, trace_uid, span_uid, duration_ns, failed,
    (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000) AS bucket,
    greatest(duration_ns - coalesce(waited_ns, 0), 0)            AS own_ns,
    failed AND NOT coalesce(callee_failed, false)                AS own_failed
  FROM spans
  LEFT JOIN waits USING (trace_uid, span_uid)
  WHERE span_kind IN ('server', 'consumer')
)
