-- question: Who called whom, how fast and how well, from $start to $end?
-- An edge is a client span to its child server span; to a database, cache or queue, a client span
-- that names its system.
WITH client AS (
  SELECT trace_uid, span_uid, time, duration_ns, status_id = 2 AS failed,
    workload.service AS caller, peer.system AS system,
    coalesce(peer.namespace, peer.address) AS namespace
  FROM trace_span
  WHERE time >= $start AND time < $end
    AND span_kind IN ('client', 'producer') AND workload.service <> 'inquest'
),
server AS (
  SELECT trace_uid, parent_span_uid AS span_uid, min(workload.service) AS callee
  FROM trace_span
  WHERE time >= $start AND time < $end
    AND span_kind IN ('server', 'consumer') AND parent_span_uid IS NOT NULL
  GROUP BY ALL
)
SELECT
  client.caller,
  coalesce(server.callee, client.system || coalesce('/' || client.namespace, '')) AS callee,
  CASE WHEN server.callee IS NULL THEN client.system END                          AS system,
  (epoch_us(client.time) - epoch_us($start)) // ($bucket_s * 1000000)             AS bucket,
  count(*)                                   AS calls,
  count(*) FILTER (client.failed)            AS failed,
  quantile_disc(client.duration_ns, 0.95)    AS p95_ns
FROM client
LEFT JOIN server USING (trace_uid, span_uid)
WHERE server.callee IS NOT NULL OR client.system IS NOT NULL
GROUP BY ALL
ORDER BY caller, callee, system, bucket
