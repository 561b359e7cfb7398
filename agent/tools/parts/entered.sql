logged AS (
  SELECT time, http_response.code >= 500 AS failed, duration * 1000000 AS duration_ns
  FROM http_activity
  WHERE time >= $start AND time < $end
),
traced AS (
  SELECT time, status_id = 2 AS failed, duration_ns
  FROM trace_span
  WHERE time >= $start AND time < $end AND span_kind = 'server'
    AND coalesce(parent_span_uid, '') = '' AND workload.service <> 'inquest'
    AND NOT EXISTS (FROM logged)
),
entered AS (FROM logged UNION ALL FROM traced)
