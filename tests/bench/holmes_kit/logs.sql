-- Log lines, as their services wrote them; of a stack trace the first 300 characters.
SELECT strftime(time, '%H:%M:%S') AS time, workload.service AS service,
  CASE severity_id WHEN 1 THEN 'INFO' WHEN 2 THEN 'NOTICE' WHEN 3 THEN 'WARN' ELSE 'ERROR' END AS level,
  workload.version AS version, workload.instance AS instance,
  left(concat_ws(' ', message, exception.type, exception.message), 300) AS message
FROM log_record
ORDER BY log_record.time, service, message
