-- A JSON log line for each session: what it does and since when, who holds it back, its statement.
-- https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
WITH RECURSIVE sessions AS (
  SELECT *, pg_blocking_pids(pid) AS blockers,
    extract(epoch FROM clock_timestamp() - coalesce(xact_start, state_change))::numeric(12, 1) AS age_s
  FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
),
chain(root, pid) AS (   -- who waits for a session, for those who wait for it, and so on
  SELECT blocker, sessions.pid FROM sessions CROSS JOIN unnest(blockers) AS blocker
  UNION
  SELECT root, sessions.pid FROM chain JOIN sessions ON chain.pid = ANY (blockers)
),
held AS (SELECT root, count(*) AS waiters FROM chain GROUP BY root)
SELECT json_strip_nulls(json_build_object(
  'timestamp', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'level', CASE WHEN blockers <> '{}' OR waiters > 0 THEN 'WARN' ELSE 'INFO' END,
  'logger', 'pg_stat_activity',
  'service', 'postgresql',
  'message', format('process %s of %s@%s (%s) is %s for %s s', pid, usename, datname,
      coalesce(nullif(application_name, ''), 'no application name'), state, age_s)
    || CASE WHEN blockers <> '{}' THEN format(', waiting for %s:%s held by process %s',
      wait_event_type, wait_event, array_to_string(blockers, ', ')) ELSE '' END
    || CASE WHEN waiters > 0 THEN format(', blocking %s sessions', waiters) ELSE '' END
    || ': ' || left(regexp_replace(query, '\s+', ' ', 'g'), 500),
  'pid', pid, 'user', usename, 'database', datname, 'application_name', application_name,
  'state', state, 'age_s', age_s, 'wait_event_type', wait_event_type, 'wait_event', wait_event,
  'blocked_by', nullif(array_to_string(blockers, ','), ''), 'blocks', waiters, 'query', left(query, 2000)
))
FROM sessions LEFT JOIN held ON root = pid
ORDER BY waiters DESC NULLS LAST, blockers <> '{}', age_s DESC NULLS LAST, pid
LIMIT 1000;
