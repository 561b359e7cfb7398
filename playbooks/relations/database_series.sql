-- The series that tell how a database fares, whichever exporter or cloud told them: one row a series,
-- its `measure` and unit in one spelling. Sizes are bytes, times ms, lags seconds.
WITH measured AS (
  SELECT *, CASE
      WHEN metric IN ('CPUUtilization', 'os.cpuUtilization.total.avg') THEN 'cpu_percent'
      WHEN metric IN ('DatabaseConnections', 'mysql_global_status_threads_connected',
        'pg_stat_database_numbackends', 'postgresql.backends') THEN 'connections'
      WHEN metric = 'pg_stat_activity_count' THEN 'connections_' || replace(
        coalesce(json_extract_string(attributes, '/state'), 'of'), ' ', '_')
      WHEN metric IN ('pg_settings_max_connections', 'postgresql.connection.max',
        'mysql_global_variables_max_connections') THEN 'connections_limit'
      WHEN metric IN ('FreeStorageSpace', 'FreeLocalStorage') THEN 'storage_free'
      WHEN metric = 'FreeableMemory' THEN 'memory_free'
      WHEN metric = 'SwapUsage' THEN 'swap'
      WHEN metric IN ('ReplicaLag', 'AuroraReplicaLag', 'AuroraBinlogReplicaLag',
        'pg_replication_lag', 'pg_replication_lag_seconds', 'postgresql.wal.lag',
        'mysql_slave_status_seconds_behind_master', 'mysql_slave_status_seconds_behind_source',
        'mysql.replica.time_behind_source', 'mongodb_mongod_replset_member_replication_lag',
        'mongodb_replset_member_replication_lag') THEN 'replica_lag'
      WHEN metric = 'DiskQueueDepth' THEN 'disk_queue'
      WHEN metric = 'ReadIOPS' THEN 'read_iops'
      WHEN metric = 'WriteIOPS' THEN 'write_iops'
      WHEN metric = 'ReadLatency' THEN 'read_latency'
      WHEN metric = 'WriteLatency' THEN 'write_latency'
      WHEN metric IN ('BurstBalance', 'EBSIOBalance%', 'EBSByteBalance%') THEN 'burst_percent'
      WHEN metric = 'CPUCreditBalance' THEN 'cpu_credits'
      WHEN metric = 'TransactionLogsGeneration' THEN 'log_bytes_per_s'
      WHEN metric IN ('MaximumUsedTransactionIDs',
        'pg_database_xid_age') THEN 'transaction_ids'
      WHEN metric = 'pg_stat_activity_max_tx_duration'
        THEN 'oldest_transaction'
      WHEN metric IN ('Deadlocks', 'pg_stat_database_deadlocks', 'postgresql.deadlocks',
        'mysql_global_status_innodb_deadlocks') THEN 'deadlocks'
      WHEN metric IN ('os.general.numVCPUs.avg', 'os.general.numVCPUs', 'numVCPUs') THEN 'vcpus'
    END AS measure,
    CASE
      WHEN metric = 'AuroraReplicaLag' THEN 0.001
      WHEN metric IN ('ReadLatency', 'WriteLatency') AND unit = 's' THEN 1000
      ELSE 1
    END AS factor
  FROM series
)
SELECT 'Database' AS kind, coalesce(namespace, '') AS namespace, service AS name, measure, metric, attributes, is_counter,
  points, seen_at, first_at, high_at, low_at, first * factor AS first, last * factor AS last,
  low * factor AS low, high * factor AS high, mean * factor AS mean, rise * factor AS rise
FROM measured
WHERE measure IS NOT NULL AND service <> '' AND (measure <> 'cpu_percent'
  OR service IN (SELECT service FROM measured WHERE measure IN ('connections', 'storage_free'))
  OR regexp_matches(attributes, '"DB(Instance|Cluster)Identifier"'))
