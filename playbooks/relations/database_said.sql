-- What databases, caches and queues said of themselves from $start to $end, trouble or not (their
-- logs, and the events of the cloud that runs them), and what anybody else said of trouble, as in
-- `said`, and the error that an alarm of a database quotes. One row for what is said alike (but for numbers) of one object.
WITH own AS (
  SELECT
    CASE WHEN workload.pod IS NOT NULL THEN 'Pod' ELSE 'Database' END AS kind,
    coalesce(workload.namespace, '') AS namespace,
    coalesce(workload.pod, workload.service, '') AS name, workload.service AS service,
    time AS seen_at, left(coalesce(message, exception.message, ''), 1000) AS line,
    (epoch_us(time), coalesce(message, '')) AS place
  FROM log_record
  WHERE time >= $start AND time < $end AND (trace_uid IS NULL AND (contains(attributes, '"db.system.name"')
      OR contains(attributes, '"messaging.system"') OR contains(attributes, '"aws.rds.'))
    OR regexp_matches(coalesce(workload.service, workload.pod), '(?i)(^|[-_.])(postgres(ql)?|mysql'
      || '|mariadb|percona|aurora|redis|valkey|mongo(db|d)?|cassandra|elasticsearch|opensearch'
      || '|kafka|rabbitmq|pgbouncer|cockroach(db)?|couchbase|clickhouse)([-_.]?(\d+|db|ha|primary'
      || '|master|slave|replicas?|standby|server|broker|node|data|cluster|main|headless))*$'))
)
SELECT kind, namespace, name, max(service) AS service, min(seen_at) AS seen_at,
  max(seen_at) AS last_at, count(*)::BIGINT AS times, arg_min(line, (place, line)) AS line
FROM own
WHERE line <> ''
GROUP BY kind, namespace, name,
  regexp_replace(left(line, 400), '[0-9a-fA-F]*[0-9][0-9a-fA-F]*', '#', 'g')
UNION ALL
SELECT 'Database', namespace, service, service, min(first_at), max(seen_at), 1, quote
FROM (   -- what an alarm that stands quotes of a database
  SELECT *, json_extract_string(labels, '$.annotations.error') AS quote FROM alerts
  WHERE NOT is_resolved AND service <> ''
    AND regexp_matches(labels, '"(db_?(instance|cluster)|DB(Instance|Cluster))')
)
WHERE quote <> ''
GROUP BY namespace, service, quote
UNION ALL
SELECT holder_kind, namespace, holder, service, seen_at, last_at, times, line
FROM said
WHERE (namespace, said.name) NOT IN (SELECT (namespace, name) FROM own)
