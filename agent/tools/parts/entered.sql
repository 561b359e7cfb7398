logged AS (
  SELECT time, http_response.code >= 500 AS failed, duration * 1000000 AS duration_ns
  FROM http_activity
  WHERE time >= $start AND time < $end
),
arrived AS (  -- requests that no span in the lake made
  SELECT time, failed, duration_ns, coalesce(parent_span_uid, '') = '' AS is_root
  FROM spans
  WHERE span_kind = 'server' AND NOT EXISTS (
    FROM spans AS parent
    WHERE parent.trace_uid = spans.trace_uid AND parent.span_uid = spans.parent_span_uid)
),
traced AS (  -- those that begin a trace, unless hardly any does: browsers or a gateway begin them
  SELECT time, failed, duration_ns
  FROM arrived
  WHERE is_root OR (SELECT 10 * count(*) FILTER (is_root) < count(*) FROM arrived)
),
entered AS (  -- the access log, unless it is of less than a tenth of the requests that are traced
  SELECT * FROM logged
  WHERE (SELECT count(*) FROM traced) <= 10 * (SELECT count(*) FROM logged)
  UNION ALL
  SELECT * FROM traced
  WHERE (SELECT count(*) FROM traced) > 10 * (SELECT count(*) FROM logged)
)
