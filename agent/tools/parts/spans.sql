spans AS (  -- whose spans these are: all but our own, and 'unnamed' where a span names no service
  SELECT trace_uid, span_uid, parent_span_uid, span_kind, span_name, time,
    start_time_ns, duration_ns, start_time_ns + duration_ns AS end_time_ns,
    coalesce(status_id = 2, false)        AS failed,
    coalesce(workload.service, 'unnamed') AS service,
    workload.version                      AS version,
    coalesce(workload.instance, '')       AS instance,
    workload.node                         AS node,
    coalesce(http_request.url.path, nullif(regexp_extract(coalesce(
      json_extract_string(attributes, '/url.full'),
      json_extract_string(attributes, '/http.url')), '^\w+://[^/?#]*(/[^?#]*)', 1), '')) AS path,
    peer.service AS named, peer.address AS address, peer.port AS port, peer.namespace AS namespace,
    -- what rpc.system names is no store: https://opentelemetry.io/docs/specs/semconv/rpc/
    CASE WHEN peer.system NOT IN ('grpc', 'java_rmi', 'dotnet_wcf', 'apache_dubbo', 'dubbo',
      'connect_rpc', 'connectrpc', 'onc_rpc', 'jsonrpc') THEN peer.system END AS system
  FROM trace_span
  WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
)
