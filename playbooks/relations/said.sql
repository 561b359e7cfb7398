-- Whatever anybody said of trouble from $start to $end: log lines that are warnings or speak of
-- failure, warnings of the cluster, what containers ended with. One row for what is said alike (but
-- for numbers) of one object, with the line that said it first and how often. Of a stack trace,
-- `line` is its message and the innermost cause.
WITH lines AS (
  SELECT 'log' AS origin,
    CASE WHEN workload.pod IS NOT NULL THEN 'Pod'
      WHEN workload.service IS NOT NULL THEN 'Service' ELSE 'Log' END AS kind,
    coalesce(workload.namespace, '') AS namespace,
    coalesce(workload.pod, workload.service, workload.node, '') AS name,
    workload.service AS service, workload.node AS node, time AS seen_at,
    coalesce(severity_id, 0) AS severity_id,
    concat_ws(' ← ',
      nullif(left(regexp_extract(left(coalesce(message, exception.message, ''), 4000),
        '[^\r\n]+(?:[\r\n]+[^\r\n]+){0,3}'), 1000), ''),
      nullif(regexp_extract(left(coalesce(exception.stacktrace, message), 100000),
        '(?s).*\n(Caused by: [^\r\n]+)', 1), ''),
      CASE WHEN exception.type IS NOT NULL AND NOT contains(coalesce(message, ''), exception.type)
        THEN concat_ws(': ', exception.type, exception.message) END) AS line,
    (epoch_us(time), coalesce(message, '')) AS place
  FROM log_record
  WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
    AND coalesce(json_extract_string(attributes, '$.tool_error'), '') <> 'true'
    AND (coalesce(severity_id, 0) >= 3 OR regexp_matches(coalesce(message, ''),
      '(?i)error|exception|fail|fatal|panic|refus|denied|timed? ?out|timeout|cannot|can''t|unable|not found|no such|missing|invalid|expired|unauthor|forbidden|killed|out of|exhaust|too many|reset by|unreachable|unavailable|unhealthy|no space|full|traceback|caused by|exit(ed)? (with |code)|terminat|abort|crash|deadlock|lock|conflict|evict|throttl|limit|exceed|retry|down|lost|leak|slow|\b[45]\d\d\b'))
),
told AS (
  FROM lines
  UNION ALL
  SELECT 'event', kind, namespace, name, service, node, first_at, severity_id,
    concat_ws(': ', reason, message), (epoch_us(first_at), coalesce(message, ''))
  FROM events WHERE is_warning
  UNION ALL
  SELECT 'container', kind, namespace, name, service, node, seen_at, 4,
    concat_ws(' ', container, 'ended:', coalesce(ended_message, last_message)),
    (epoch_us(seen_at), container)
  FROM containers WHERE coalesce(ended_message, last_message) <> ''
)
SELECT origin, kind, namespace, name, max(service) AS service, max(node) AS node,
  min(seen_at) AS seen_at, max(seen_at) AS last_at, max(severity_id) AS severity_id, count(*)::BIGINT AS times,
  arg_min(line, place) AS line
FROM told
WHERE line <> ''
GROUP BY origin, kind, namespace, name,
  regexp_replace(left(line, 400), '[0-9a-fA-F]*[0-9][0-9a-fA-F]*', '#', 'g')
