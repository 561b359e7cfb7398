-- Numbers in Prometheus' text format, by the names that postgres_exporter gives them.
-- https://github.com/prometheus-community/postgres_exporter
WITH samples(name, labels, value) AS (
  SELECT 'pg_stat_activity_count', format('datname="%s",state="%s",usename="%s"', datname, state, usename),
    count(*)::numeric
  FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
  GROUP BY datname, state, usename
  UNION ALL
  SELECT 'pg_stat_activity_max_tx_duration', format('datname="%s",state="%s"', datname, state),
    max(extract(epoch FROM clock_timestamp() - xact_start))
  FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()
    AND backend_type = 'client backend'
  GROUP BY datname, state
  UNION ALL
  SELECT 'pg_settings_' || name
      || CASE WHEN unit IN ('ms', 's', 'min') THEN '_seconds' WHEN unit IS NULL THEN '' ELSE '_bytes' END, '',
    setting::numeric * CASE unit WHEN 'ms' THEN 0.001 WHEN 'min' THEN 60 WHEN 'kB' THEN 1024
      WHEN '8kB' THEN 8192 WHEN 'MB' THEN 1048576 ELSE 1 END
  FROM pg_settings
  WHERE name IN ('max_connections', 'superuser_reserved_connections', 'statement_timeout',
    'lock_timeout', 'idle_in_transaction_session_timeout', 'deadlock_timeout', 'shared_buffers',
    'work_mem', 'max_wal_size', 'max_locks_per_transaction', 'max_wal_senders')
  UNION ALL
  SELECT 'pg_locks_count', format('datname="%s",mode="%s",granted="%s"', datname, lower(mode), granted),
    count(*)
  FROM pg_locks JOIN pg_database ON pg_database.oid = database
  WHERE pid <> pg_backend_pid() GROUP BY datname, mode, granted
  UNION ALL
  SELECT 'pg_database_size_bytes', format('datname="%s"', datname), pg_database_size(oid)
  FROM pg_database WHERE datallowconn AND has_database_privilege(oid, 'CONNECT')
  UNION ALL
  SELECT name, format('datname="%s"', datname), value
  FROM pg_stat_database CROSS JOIN LATERAL (VALUES
    ('pg_stat_database_deadlocks', deadlocks), ('pg_stat_database_conflicts', conflicts),
    ('pg_stat_database_temp_bytes', temp_bytes), ('pg_stat_database_xact_commit', xact_commit),
    ('pg_stat_database_xact_rollback', xact_rollback)) AS counted(name, value)
  WHERE datname IS NOT NULL AND datname NOT LIKE 'template%'
  UNION ALL
  SELECT 'pg_replication_is_replica', '', pg_is_in_recovery()::int
  UNION ALL
  SELECT 'pg_replication_lag_seconds', '',
    CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
      ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END
  WHERE pg_is_in_recovery()
  UNION ALL
  SELECT 'pg_stat_replication_pg_wal_lsn_diff', format('application_name="%s",state="%s"', application_name, state),
    pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
      ELSE pg_current_wal_lsn() END, replay_lsn)
  FROM pg_stat_replication
  UNION ALL
  SELECT 'pg_replication_slots_active', format('slot_name="%s"', slot_name), active::int
  FROM pg_replication_slots
),
typed AS (
  SELECT *, min(labels) OVER (PARTITION BY name) = labels AS is_first FROM samples
  WHERE value IS NOT NULL
)
SELECT CASE WHEN is_first THEN format('# TYPE %s gauge', name) || chr(10) ELSE '' END
  || format('%s{%sservice="postgresql"} %s %s', name, labels || CASE labels WHEN '' THEN '' ELSE ',' END,
    value, floor(extract(epoch FROM clock_timestamp()) * 1000))
FROM typed ORDER BY name, labels;
