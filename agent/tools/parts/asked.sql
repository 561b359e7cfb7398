traced AS (  -- what is known of a request by itself is `known`, and its `names`
  SELECT time, duration_ns, coalesce(status_id = 2, false) AS failed, trace_uid || span_uid AS uid,
    span_name AS operation, coalesce(attributes::VARCHAR, '{}') AS attributes,
    ['version', 'instance', 'pod', 'node', 'namespace', 'cluster', 'zone', 'region', 'account',
      'operation', 'route', 'method', 'caller'] AS names,
    [workload.version, workload.instance, workload.pod, workload.node, workload.namespace,
      workload.cluster, workload.zone, workload.region, workload.account,
      span_name, http_route, http_request.http_method, peer.service] AS known
  FROM trace_span
  WHERE (time >= $start AND time < $end OR time >= $calm_from AND time < $calm_until)
    AND coalesce(workload.service, 'unnamed') = $service AND span_kind IN ('server', 'consumer')
),
logged AS (  -- a part of a path that has digits in it is an id
  SELECT *, regexp_replace(http_request.url.path, '/[^/]*\d[^/]*', '/*', 'g') AS path
  FROM http_activity
  WHERE (time >= $start AND time < $end OR time >= $calm_from AND time < $calm_until)
    AND $service IN (workload.service, '«users»') AND NOT EXISTS (FROM traced)
),
held AS (
  FROM traced
  UNION ALL
  SELECT time, duration * 1000000, coalesce(http_response.code >= 500, false),
    coalesce(http_request.uid, ''),
    http_request.http_method || ' ' || path, '{}',
    ['version', 'instance', 'pod', 'node', 'namespace', 'cluster', 'zone', 'region', 'account',
      'operation', 'route', 'method', 'client', 'user agent', 'server'],
    [workload.version, workload.instance, workload.pod, workload.node, workload.namespace,
      workload.cluster, workload.zone, workload.region, workload.account,
      http_request.http_method || ' ' || path, path, http_request.http_method, src_endpoint.ip,
      http_request.user_agent, dst_endpoint.ip || ':' || dst_endpoint.port]
  FROM logged
  WHERE workload.service IS NOT NULL
),
phased AS (
  SELECT *, time >= greatest($onset, $start) AND time < $end AS during
  FROM held
),
usual AS (  -- how long an operation's slow answers take in calm time
  SELECT operation, quantile_disc(duration_ns, 0.95) AS usual_ns
  FROM phased
  WHERE NOT during
  GROUP BY operation
  HAVING count(*) >= 20
),
asked AS (  -- a request is bad if it failed, or is among what would be the slowest in calm time
  SELECT phased.*,
    CASE WHEN $ill = 'errors' THEN failed ELSE coalesce(duration_ns > usual_ns, false) END AS bad
  FROM phased
  LEFT JOIN usual USING (operation)
)
