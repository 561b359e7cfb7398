-- The alerts told of before $end, as they last stood: one row an alert and what it is about.
SELECT finding_info.title AS title, arg_max(finding_info.desc, time) AS description,
  max(time) AS seen_at, min(time) AS first_at, arg_max(severity_id, time) AS severity_id,
  workload.service AS service, coalesce(workload.namespace, '') AS namespace,
  workload.pod AS pod, workload.node AS node,
  arg_max(status_id, time) = 4 AS is_resolved, arg_max(attributes, time) AS labels
FROM detection_finding
WHERE time < $end AND activity_id IS DISTINCT FROM 2
  AND coalesce(json_extract_string(ocsf_rest, '$.is_alert'), 'true') <> 'false'
GROUP BY title, workload.service, workload.namespace, workload.pod, workload.node
