-- question: Who called whom, how fast and how well, from $start to $end?
-- An edge is a client span to its child server span. A call that no server span answers went where
-- other calls to that address were answered; a database, cache or queue is what the client names.
WITH client AS (
  SELECT trace_uid, span_uid, time, duration_ns, status_id = 2 AS failed,
    workload.service AS caller, peer.system AS system, peer.address AS address, peer.port AS port,
    peer.service AS named, coalesce(peer.namespace, peer.address) AS namespace
  FROM trace_span
  WHERE time >= $start AND time < $end
    AND span_kind IN ('client', 'producer') AND workload.service <> 'inquest'
),
server AS (
  SELECT trace_uid, parent_span_uid AS span_uid, min(workload.service) AS answered_by
  FROM trace_span
  WHERE time >= $start AND time < $end
    AND span_kind IN ('server', 'consumer') AND parent_span_uid IS NOT NULL
  GROUP BY ALL
),
paired AS (
  FROM client LEFT JOIN server USING (trace_uid, span_uid)
),
lives_at AS (
  SELECT address, port, min(answered_by) AS resident
  FROM paired
  WHERE answered_by IS NOT NULL AND address IS NOT NULL
  GROUP BY address, port
  HAVING count(DISTINCT answered_by) = 1
),
called AS (
  SELECT paired.*, coalesce(answered_by, resident, named) AS service
  FROM paired
  LEFT JOIN lives_at ON lives_at.address = paired.address
    AND lives_at.port IS NOT DISTINCT FROM paired.port
)
SELECT
  caller,
  coalesce(service, system || coalesce('/' || namespace, ''))  AS callee,
  CASE WHEN service IS NULL THEN system END                    AS system,
  (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000) AS bucket,
  count(*)                                                     AS calls,
  count(*) FILTER (failed)                                     AS failed,
  count(*) FILTER (failed AND answered_by IS NULL)             AS unanswered,
  quantile_disc(duration_ns, 0.95)                             AS p95_ns
FROM called
WHERE service IS NOT NULL OR system IS NOT NULL
GROUP BY ALL
ORDER BY caller, callee, system, bucket
