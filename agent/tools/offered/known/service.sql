-- question: Which services does the lake know from $start to $end?
SELECT DISTINCT service AS name
FROM (
  SELECT workload.service AS service FROM trace_span WHERE time >= $start AND time < $end
  UNION
  SELECT workload.service FROM log_record WHERE time >= $start AND time < $end
  UNION
  SELECT workload.service FROM metric_point WHERE time >= $start AND time < $end
  UNION
  SELECT workload.service FROM http_activity WHERE time >= $start AND time < $end
  UNION
  SELECT workload.service FROM detection_finding WHERE time >= $start AND time < $end
  UNION
  SELECT coalesce(app.name, workload.service) FROM application_lifecycle WHERE time < $end
  UNION
  SELECT workload.service FROM kubernetes_object WHERE time < $end
  UNION
  SELECT workload.service FROM incident_finding
)
WHERE service IS NOT NULL AND service <> 'inquest'
ORDER BY name
