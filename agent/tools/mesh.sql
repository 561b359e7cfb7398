-- question: Which calls do the labels of metrics name, as a service mesh writes them, from $start to $end?
WITH series AS (
  SELECT attributes, workload.service AS service, min(time) AS first_at, max(time) AS last_at,
    count(*) AS points
  FROM metric_point
  WHERE time >= $start AND time < $end AND regexp_matches(attributes::VARCHAR,
    '"(?:destination_|dst_|server"|callee")')
  GROUP BY ALL
),
named AS (
  SELECT *, attributes::JSON AS labels,
    {{mesh_source}} AS said,
    {{mesh_target}} AS callee,
    CASE WHEN labels->>'$.connection_type' IN ('database', 'messaging_system')
      THEN labels->>'$.connection_type' END AS system,
    coalesce(said, CASE WHEN labels->>'$.dst_deployment' IS NOT NULL
      OR labels->>'$.dst_service' IS NOT NULL THEN service END) AS caller
  FROM series
)
SELECT caller, callee, max(system) AS system, min(first_at) AS first_at, max(last_at) AS last_at,
  sum(points)::BIGINT AS points
FROM named
WHERE caller <> callee
GROUP BY caller, callee
ORDER BY caller, callee
