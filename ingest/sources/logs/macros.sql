-- Expressions of the sources of logs.

-- PostgreSQL ------------------------------------------------------------------------------------
-- What a message tells of a statement, by log_statement or log_duration.
CREATE MACRO postgresql_statement(message) AS regexp_extract(message,
  '(?s)^(?:duration: ([\d.]+) ms)?(?:  )?(?:(?:statement|(?:parse|bind|execute)[^:]*): (.*))?$',
  ['duration_ms', 'query']);

-- What a message and its detail tell of a wait for a lock, by log_lock_waits or of a deadlock.
CREATE MACRO postgresql_wait(message, detail) AS regexp_extract(
  concat_ws(chr(10), message, detail),
  '^(?:process|deadlock detected\nProcess) (\d+) '
  || '(still waiting|acquired|avoided deadlock|detected deadlock|waits)'
  || '(?: while waiting)?(?: for)? (\S+) on ([^;]*?)(?: by rearranging queue order)?'
  || '(?: after ([\d.]+) ms|; blocked by process (\d+))',
  ['waiter', 'event', 'mode', 'object', 'waited_ms', 'holder']);

CREATE MACRO postgresql_processes(detail, what) AS nullif(regexp_extract_all(
  regexp_extract(detail, what || ': ([\d, ]*)\.', 1), '\d+')::BIGINT[], []);

-- The attributes of a record `e`, named as in OpenTelemetry where it has a name.
-- https://opentelemetry.io/docs/specs/semconv/database/postgresql/
CREATE MACRO postgresql_attributes(e, statement, wait) AS filled({
  'process.pid': e.pid,
  'user.name': e.user,
  'client.address': coalesce(e.remote_host,
    nullif(regexp_extract(e.message, '^connection received: host=(\S+)', 1), '')),
  'db.system.name': 'postgresql',
  'db.namespace': e.dbname,
  'db.query.text': coalesce(e.statement, nullif(statement.query, '')),
  'db.response.status_code': e.state_code,
  'postgresql.application_name': coalesce(e.application_name, nullif(regexp_extract(e.message,
    '^connection authorized: .*? application_name=(.*?)(?: SSL enabled .*)?$', 1), '')),
  'postgresql.backend_type': e.backend_type,
  'postgresql.session_id': e.session_id,
  'postgresql.session_start': strftime(zoned_time(e.session_start), '%Y-%m-%dT%H:%M:%SZ'),
  'postgresql.detail': e.detail,
  'postgresql.context': e.context,
  'postgresql.duration_ms': try_cast(statement.duration_ms AS DOUBLE),
  'postgresql.lock.event': CASE wait.event
    WHEN '' THEN NULL WHEN 'still waiting' THEN 'waiting' WHEN 'acquired' THEN 'acquired'
    ELSE 'deadlock' END,
  'postgresql.lock.waiter': try_cast(wait.waiter AS BIGINT),
  'postgresql.lock.holders': coalesce(
    postgresql_processes(e.detail, '^Process(?:es)? holding the lock'),
    CASE WHEN wait.holder <> '' THEN [try_cast(wait.holder AS BIGINT)] END),
  'postgresql.lock.queue': postgresql_processes(e.detail, 'Wait queue'),
  'postgresql.lock.mode': nullif(wait.mode, ''),
  'postgresql.lock.object': nullif(wait.object, ''),
  'postgresql.lock.relation': CASE WHEN wait.event <> '' THEN nullif(
    regexp_extract(e.context, ' tuple \(\d+,\d+\) in relation "(.*?)"', 1), '') END,
  'postgresql.lock.waited_ms': try_cast(wait.waited_ms AS DOUBLE)});
