-- question: On which node and in which zone did each service run, from $start to $end?
WITH seen AS (
  SELECT workload.service AS service, workload.node AS node, workload.zone AS zone
  FROM trace_span
  WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
  UNION
  SELECT workload.service, workload.node, workload.zone
  FROM metric_point
  WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
  UNION
  SELECT workload.service, workload.node, workload.zone
  FROM log_record
  WHERE time >= $start AND time < $end
  UNION
  SELECT workload.service, workload.node, workload.zone
  FROM kubernetes_object
  WHERE time < $end AND object.kind = 'Pod'
)
SELECT DISTINCT service, node, zone
FROM seen
WHERE coalesce(node, zone) IS NOT NULL
ORDER BY service, node, zone
