-- question: How many lines of logs are errors, and which came first, from $start to $end?
SELECT count(*)::BIGINT AS lines, min(time) AS first_at,
  arg_min(left(message, 300), (epoch_us(time), message)) AS first_line
FROM log_record
WHERE time >= $start AND time < $end AND coalesce(severity_id, 0) BETWEEN 4 AND 6
  AND workload.service IS DISTINCT FROM 'inquest'
  AND coalesce(json_extract_string(attributes, '$.tool_error'), '') <> 'true'
HAVING count(*) > 0
ORDER BY lines
