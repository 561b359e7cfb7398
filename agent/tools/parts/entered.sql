-- The access log is that of its outermost writers: what a network sensor saw names no service and
-- is no request of users, and a request that a proxy passed on is logged again behind it. From
-- outside comes what has a public address, next what has a private one, last what has an address
-- that an access log itself passed requests on to; less than a tenth of the most is stray.
passed_on AS (
  SELECT DISTINCT dst_endpoint.ip AS ip
  FROM http_activity
  WHERE time >= $start AND time < $end AND workload.service IS NOT NULL
),
heard AS (
  SELECT time, http_response.code >= 500 AS failed, duration * 1000000 AS duration_ns,
    CASE
      WHEN passed_on.ip IS NOT NULL THEN 2
      WHEN src_endpoint.ip IS NULL OR regexp_matches(src_endpoint.ip, '^(?:10|127|169\.254|192\.168'
        || '|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.'
        || '|^::1$|^[fF][cCdD]|^[fF][eE]80:') THEN 1
      ELSE 0
    END                                                  AS depth
  FROM http_activity
  LEFT JOIN passed_on ON passed_on.ip = src_endpoint.ip
  WHERE time >= $start AND time < $end AND workload.service IS NOT NULL
),
depths AS (
  SELECT depth, 10 * count(*) >= max(count(*)) OVER () AS is_much
  FROM heard
  GROUP BY depth
),
logged AS (
  SELECT time, failed, duration_ns
  FROM heard
  WHERE depth = (SELECT min(depth) FROM depths WHERE is_much)
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
