-- Expressions that sources share.

-- Times -----------------------------------------------------------------------------------------
-- A moment from microseconds since 1970; NULL where no calendar has it.
CREATE MACRO time_from_us(us) AS
  CASE WHEN us BETWEEN 0 AND 253402300799999999 THEN make_timestamptz(us::BIGINT) END;

-- A moment from OTLP's nanoseconds, of which 0 means not given.
CREATE MACRO time_from_ns(ns) AS CASE WHEN ns > 0 THEN time_from_us(ns // 1000) END;

-- Minutes east of UTC: of a number, and of a short name that means one offset the whole world over
-- (in tzdata; CST, IST and PST mean several).
CREATE MACRO zone_minutes(zone) AS coalesce(
  try_cast(substr(zone, 1, 1) || '1' AS INT)
    * (try_cast(substr(zone, 2, 2) AS INT) * 60 + coalesce(try_cast(right(zone[4:], 2) AS INT), 0)),
  MAP {
    'UTC': 0, 'GMT': 0, 'WET': 0, 'WEST': 60, 'BST': 60, 'CET': 60, 'MET': 60, 'WAT': 60,
    'CEST': 120, 'MEST': 120, 'EET': 120, 'SAST': 120, 'CAT': 120, 'EEST': 180, 'IDT': 180,
    'EAT': 180, 'MSK': 180, 'PKT': 300, 'WIB': 420, 'WITA': 480, 'HKT': 480, 'AWST': 480,
    'WIT': 540, 'JST': 540, 'KST': 540, 'ACST': 570, 'AEST': 600, 'ACDT': 630, 'AEDT': 660,
    'NZST': 720, 'NZDT': 780, 'NST': -210, 'NDT': -150, 'AST': -240, 'ADT': -180, 'EST': -300,
    'EDT': -240, 'MDT': -360, 'MST': -420, 'PDT': -420, 'AKDT': -480, 'AKST': -540, 'HDT': -540,
    'HST': -600, 'SST': -660}[zone]);

-- A time as PostgreSQL logs it: '2025-01-15 10:00:00.123 CET'.
CREATE MACRO zoned(text) AS
  regexp_extract(text, '^(\S+ \S+) ([A-Za-z]{1,6}|[+-][01]\d(?::?[0-5]\d)?)$', ['at', 'zone']);

CREATE MACRO zoned_time(text) AS
  (try_cast(zoned(text)."at" AS TIMESTAMP) - to_minutes(zone_minutes(zoned(text).zone)))
  AT TIME ZONE 'UTC';

CREATE MACRO zone_problem(text) AS
  CASE WHEN zoned(text).zone <> '' AND zone_minutes(zoned(text).zone) IS NULL
    THEN 'the time zone ' || zoned(text).zone || ' does not name one offset from UTC' END;

-- Text ------------------------------------------------------------------------------------------
-- What a log writes as '-' or '' is not there.
CREATE MACRO given(text) AS nullif(nullif(text, '-'), '');

-- Of a list as nginx writes it when it tried several upstreams, the last, which answered.
CREATE MACRO last_tried(text) AS given(regexp_extract(text, '[^\s,]+$'));

CREATE MACRO milliseconds(seconds) AS (try_cast(seconds AS DECIMAL(12, 3)) * 1000)::BIGINT;

-- A JSON object of texts with its keys in order, so that equal ones are equal texts.
CREATE MACRO sorted_object(object) AS
  '{' || array_to_string(list_sort(list_transform(
    map_entries(from_json(object, '"MAP(VARCHAR, JSON)"')),
    lambda e: to_json(e.key)::VARCHAR || ':' || e.value)), ',') || '}';

-- A JSON object without its empty members; NULL when none is left.
CREATE MACRO filled(object) AS nullif(json_merge_patch('{}', to_json(object))::VARCHAR, '{}');

-- OCSF's numbers --------------------------------------------------------------------------------
CREATE MACRO http_status_id(code) AS
  CASE WHEN code IS NULL THEN 0 WHEN code < 400 THEN 1 ELSE 2 END;

CREATE MACRO http_activity_id(method) AS
  CASE method
    WHEN 'CONNECT' THEN 1 WHEN 'DELETE' THEN 2 WHEN 'GET' THEN 3 WHEN 'HEAD' THEN 4
    WHEN 'OPTIONS' THEN 5 WHEN 'POST' THEN 6 WHEN 'PUT' THEN 7 WHEN 'TRACE' THEN 8
    WHEN 'PATCH' THEN 9
    ELSE CASE WHEN method IS NULL THEN 0 ELSE 99 END
  END;

-- https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
CREATE MACRO log_severity_id(severity_number) AS
  CASE
    WHEN severity_number < 1 OR severity_number > 24 THEN 0
    WHEN severity_number < 13 THEN 1   -- trace, debug, info
    WHEN severity_number < 17 THEN 3   -- warn
    WHEN severity_number < 21 THEN 4   -- error
    ELSE 6                             -- fatal
  END;

CREATE MACRO syslog_severity_id(severity) AS
  CASE severity
    WHEN 'warn' THEN 3 WHEN 'error' THEN 4 WHEN 'crit' THEN 5 WHEN 'alert' THEN 5
    WHEN 'emerg' THEN 6 ELSE 1
  END;

-- https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-SEVERITY-LEVELS
CREATE MACRO postgresql_severity_id(severity) AS
  CASE severity
    WHEN 'WARNING' THEN 3 WHEN 'ERROR' THEN 4 WHEN 'FATAL' THEN 5 WHEN 'PANIC' THEN 6 ELSE 1
  END;

CREATE MACRO alert_severity_id(severity) AS
  CASE lower(severity)
    WHEN 'info' THEN 1 WHEN 'none' THEN 1 WHEN 'low' THEN 2 WHEN 'warning' THEN 3
    WHEN 'warn' THEN 3 WHEN 'medium' THEN 3 WHEN 'error' THEN 4 WHEN 'high' THEN 4
    WHEN 'critical' THEN 5 WHEN 'page' THEN 5
    ELSE 0
  END;

-- Who speaks ------------------------------------------------------------------------------------
-- https://opentelemetry.io/docs/specs/semconv/resource/ (the list of one names what is found once)
CREATE MACRO resource_workload(resource) AS list_transform(
  [json_extract_string(resource, [
    '/service.name', '/service.version', '/service.instance.id', '/k8s.pod.name',
    '/k8s.node.name', '/host.name', '/service.namespace', '/k8s.namespace.name',
    '/k8s.cluster.name', '/cloud.availability_zone', '/cloud.region', '/cloud.account.id'])],
  lambda v: {
    'service': v[1], 'version': v[2], 'instance': v[3], 'pod': v[4],
    'node': coalesce(v[5], v[6]), 'namespace': coalesce(v[7], v[8]), 'cluster': v[9],
    'zone': v[10], 'region': v[11], 'account': v[12]})[1];

CREATE MACRO label_workload(labels) AS list_transform(
  [json_extract_string(labels, [
    '/service', '/version', '/instance', '/pod', '/node', '/job', '/namespace', '/cluster',
    '/zone', '/region'])],
  lambda v: {
    'service': coalesce(v[1], v[6]), 'version': v[2], 'instance': v[3], 'pod': v[4],
    'node': v[5], 'namespace': v[7], 'cluster': v[8], 'zone': v[9], 'region': v[10]})[1];

-- The tags of a workload's images: of those with its names, or of all if they have but one name.
CREATE MACRO image_tags(images, names) AS list_transform(
  [list_transform(images,
    lambda i: regexp_extract(i, '([^/:@]+)(?::([^/:@]+))?(?:@.*)?$', ['name', 'tag']))],
  lambda found: list_distinct(list_filter(found,
    lambda i: i.tag <> '' AND (list_contains(names, i.name)
      OR len(list_distinct(list_transform(found, lambda o: o.name))) = 1))
    .list_transform(lambda i: i.tag)))[1];

-- Where a person can read a commit, if its repository is at GitHub or GitLab.
CREATE MACRO commit_url(repository, sha) AS list_transform(
  [regexp_extract(repository,
    '^(?:https://(?:[^/@]*@)?([^/@]+)/|(?:ssh://)?git@([^:/]+)(?::\d+)?[:/])(.+?)(?:\.git)?/?$',
    ['web', 'ssh', 'path'])],
  lambda r: 'https://' || r.web || r.ssh || '/' || r.path
    || CASE regexp_extract(r.web || r.ssh, '(?:^|\.)(github|gitlab)\.', 1)
      WHEN 'github' THEN '/commit/' WHEN 'gitlab' THEN '/-/commit/' END
    || CASE WHEN regexp_full_match(sha, '[0-9a-f]{7,64}') THEN sha END)[1];

-- OTLP ------------------------------------------------------------------------------------------
CREATE MACRO otlp_id(id) AS CASE WHEN octet_length(id) > 0 THEN lower(hex(id)) END;

CREATE MACRO otlp_number(number) AS
  CASE WHEN isfinite(number) THEN to_json(number)::VARCHAR ELSE '"' || number || '"' END;

-- An OTLP value as JSON text. https://opentelemetry.io/docs/specs/otel/common/#anyvalue
CREATE MACRO otlp_value(value) AS
  CASE
    WHEN value.string_value IS NOT NULL THEN to_json(value.string_value)::VARCHAR
    WHEN value.int_value    IS NOT NULL THEN value.int_value::VARCHAR
    WHEN value.bool_value   IS NOT NULL THEN value.bool_value::VARCHAR
    WHEN value.double_value IS NOT NULL THEN otlp_number(value.double_value)
    WHEN value.array_value  IS NOT NULL THEN value.array_value
    WHEN value.kvlist_value IS NOT NULL THEN value.kvlist_value
    WHEN value.bytes_value  IS NOT NULL THEN '"' || to_base64(value.bytes_value) || '"'
    ELSE 'null'
  END;

-- The same as a person would read it.
CREATE MACRO otlp_text(value) AS coalesce(value.string_value, nullif(otlp_value(value), 'null'));

-- An attribute list as a JSON object with its keys in order, so that equal ones are equal texts.
CREATE MACRO otlp_attributes(attributes) AS
  '{' || array_to_string(list_sort(list_transform(attributes,
    lambda a: to_json(a.key)::VARCHAR || ':' || otlp_value(a.value))), ',') || '}';

-- An exponential histogram as one with explicit bounds: negative buckets, zero, positive buckets.
-- https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
CREATE MACRO exponential_bounds(scale, positive, negative) AS TRY(list_concat(
  CASE WHEN len(negative.bucket_counts) > 0 THEN list_transform(
    range(len(negative.bucket_counts), -1, -1),
    lambda i: -pow(2, pow(2, -scale) * (negative."offset" + i))) ELSE [] END,
  CASE WHEN len(positive.bucket_counts) > 0 THEN list_transform(
    range(len(positive.bucket_counts) + 1),
    lambda i: pow(2, pow(2, -scale) * (positive."offset" + i))) ELSE [] END));

CREATE MACRO exponential_counts(zero_count, positive, negative) AS list_concat(
  CASE WHEN len(negative.bucket_counts) > 0
    THEN list_concat([0], list_reverse(negative.bucket_counts)) ELSE [] END,
  [zero_count],
  CASE WHEN len(positive.bucket_counts) > 0
    THEN list_concat(positive.bucket_counts, [0]) ELSE [] END);

-- What no column takes: the resource and scope as they came, and of `rest` what is not NULL.
CREATE MACRO otlp_unmapped(resource, scope, rest) AS
  '{"resource":' || coalesce(resource, '{}') || ',"scope":' || coalesce(scope, '{}')
  || coalesce(',' || substr(filled(rest), 2), '}');

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
