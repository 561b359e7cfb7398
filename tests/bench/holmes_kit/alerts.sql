-- The alerts, as Alertmanager sent them.
SELECT time::VARCHAR AS time, workload.service AS service, finding_info.title AS alert,
  CASE status_id WHEN 4 THEN 'resolved' ELSE 'firing' END AS state, finding_info.desc AS says
FROM detection_finding
ORDER BY time, alert
