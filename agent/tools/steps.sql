-- question: What did each operation do on its way (calls, inner steps, log lines), before $onset and from then to $end?
WITH {{spans}}, {{calls}}, {{called}}, {{tree}},
traced AS (
  SELECT service, operation, slot, trace_uid, count(*) AS runs
  FROM steps
  GROUP BY ALL
),
written AS (
  SELECT DISTINCT trace_uid, span_uid, time_ns, severity_id, exception.type AS exception,
    coalesce(message, exception.message, '') AS line
  FROM log_record
  WHERE time >= $start AND time < $end AND trace_uid IS NOT NULL AND span_uid IS NOT NULL
),
templates AS (
  SELECT line, {{mask(line)}} AS template
  FROM (SELECT DISTINCT line FROM written)
),
done AS (
  SELECT trace_uid, service, operation, slot, child, peer, kind, 0 AS severity_id
  FROM links
  UNION ALL
  SELECT trace_uid, service, operation, slot, coalesce(exception || ': ', '') || template, '',
    'line', coalesce(severity_id, 1)
  FROM written
  JOIN templates USING (line)
  JOIN steps USING (trace_uid, span_uid)
),
counted AS (
  SELECT service, operation, slot, trace_uid, child, peer, kind, severity_id,
    count(*) AS times
  FROM done
  GROUP BY ALL
),
summed AS (
  SELECT service, operation, slot, child, peer, kind, severity_id,
    sum(times)::BIGINT         AS times,
    sum(times * times)::BIGINT AS times_times,
    sum(times * runs)::BIGINT  AS times_runs
  FROM counted
  JOIN traced USING (service, operation, slot, trace_uid)
  GROUP BY ALL
)
SELECT service, operation, child, peer, kind, severity_id,
  list(slot ORDER BY slot)        AS slots,
  list(times ORDER BY slot)       AS times,
  list(times_times ORDER BY slot) AS times_times,
  list(times_runs ORDER BY slot)  AS times_runs
FROM summed
GROUP BY service, operation, child, peer, kind, severity_id
ORDER BY sum(times) DESC, service, operation, child, peer, kind, severity_id
