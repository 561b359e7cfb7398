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


-- What a record tells -----------------------------------------------------------------------------
-- Which of some texts is the first that is given and no object.
CREATE MACRO first_given(texts) AS
  list_position(list_transform(texts, lambda text: text NOT LIKE '{%'), true);

-- Where the libraries of many languages put what a record tells: zap, logrus, pino, bunyan,
-- winston, structlog, python-json-logger, log4j2, logback, Serilog, .NET, ECS, GELF, Google Cloud,
-- Datadog.
CREATE MACRO json_times() AS ['/@timestamp', '/timestamp', '/time', '/ts', '/@t', '/datetime',
  '/Timestamp', '/asctime', '/timeMillis', '/eventTime', '/event_time', '/log_time', '/logged_at',
  '/date', '/created', '/t', '/dt', '/_time', '/Time', '/receiveTimestamp'];
CREATE MACRO json_levels() AS ['/level_name', '/level', '/severity', '/log.level', '/levelname',
  '/lvl', '/loglevel', '/log_level', '/logLevel', '/@l', '/Level', '/LogLevel', '/severity_text',
  '/severityText', '/SeverityText', '/log/level'];
CREATE MACRO json_messages() AS ['/message', '/msg', '/@m', '/short_message', '/event', '/body',
  '/text', '/log', '/Message', '/MESSAGE', '/textPayload', '/@message', '/fields/message',
  '/RenderedMessage', '/@mt', '/MessageTemplate'];
CREATE MACRO json_scopes() AS ['/logger', '/logger_name', '/loggerName', '/log.logger', '/channel',
  '/scope', '/SourceContext', '/category', '/Category', '/target', '/log/logger',
  '/Properties/SourceContext'];
CREATE MACRO json_traces() AS ['/trace_id', '/traceId', '/trace.id', '/traceID', '/traceid',
  '/TraceId', '/@tr', '/otelTraceID', '/logging.googleapis.com~1trace', '/trace', '/traceparent',
  '/X-B3-TraceId', '/trace/id', '/mdc/traceId', '/mdc/trace_id', '/contextMap/traceId',
  '/contextMap/trace_id', '/context/traceId', '/context/trace_id', '/extra/trace_id',
  '/span/trace_id'];
CREATE MACRO json_spans() AS ['/span_id', '/spanId', '/span.id', '/spanID', '/spanid', '/SpanId',
  '/@sp', '/otelSpanID', '/logging.googleapis.com~1spanId', '/traceparent', '/X-B3-SpanId',
  '/span/id', '/mdc/spanId', '/mdc/span_id', '/contextMap/spanId', '/contextMap/span_id',
  '/context/spanId', '/context/span_id', '/extra/span_id', '/span/span_id'];
CREATE MACRO json_services() AS ['/service.name', '/service', '/service_name', '/serviceName',
  '/otelServiceName', '/service/name', '/app', '/application', '/app_name', '/appname',
  '/Application', '/serviceContext/service'];
CREATE MACRO json_versions() AS ['/service.version', '/service/version', '/app_version',
  '/serviceContext/version'];
CREATE MACRO json_errors() AS ['/exception.type', '/error.type', '/error/type', '/err/type',
  '/exc_type', '/thrown/name', '/error/kind', '/error.kind', '/exception/exception_class',
  '/exception/type', '/exception/class'];
CREATE MACRO json_reasons() AS ['/exception.message', '/error.message', '/error/message',
  '/err/message', '/exc_message', '/thrown/message', '/thrown/localizedMessage',
  '/exception/exception_message', '/exception/message'];
CREATE MACRO json_stacks() AS ['/exception.stacktrace', '/error.stack_trace', '/stack_trace',
  '/stacktrace', '/stack', '/exc_info', '/exception', '/@x', '/error/stack_trace', '/err/stack',
  '/error/stack', '/error.stack', '/exception/stacktrace', '/Exception',
  '/thrown/extendedStackTrace', '/exception/stack_trace', '/traceback', '/exc_text'];
CREATE MACRO json_hosts() AS ['/host.name', '/k8s.node.name', '/hostname', '/host', '/host/name',
  '/node', '/Hostname', '/HOSTNAME'];

-- 32 hex digits of a trace's id, however it is wrapped; 16 of a span's. 0 is none.
CREATE MACRO trace_hex(id) AS CASE
  WHEN regexp_full_match(id, '[0-9a-f]{32}') THEN CASE WHEN id <> repeat('0', 32) THEN id END
  WHEN regexp_full_match(id, '[0-9a-fA-F]{16}')
    THEN CASE WHEN id <> repeat('0', 16) THEN lpad(lower(id), 32, '0') END
  WHEN id IS NOT NULL THEN nullif(nullif(
    regexp_extract(lower(id), '(?:^|[-/])([0-9a-f]{32})(?:-|$)', 1), ''), repeat('0', 32))
END;

CREATE MACRO span_hex(id) AS CASE
  WHEN regexp_full_match(id, '[0-9a-f]{16}') THEN CASE WHEN id <> repeat('0', 16) THEN id END
  WHEN id IS NOT NULL THEN nullif(nullif(regexp_extract(lower(id),
    '(?:^|[0-9a-f]{32}-)([0-9a-f]{16})(?:-[0-9a-f]{2})?$', 1), ''), repeat('0', 16))
END;

-- Datadog writes decimal ids of 64 bits.
CREATE MACRO decimal_hex(id, digits) AS
  CASE WHEN try_cast(id AS UBIGINT) > 0 AND id NOT LIKE '0%'
    THEN lpad(lower(to_hex(id::UBIGINT)), digits, '0') END;

-- The number of a level: a word's; of pino and bunyan 10 to 60, of GELF syslog's 0 to 7.
CREATE MACRO told_severity_id(level) AS CASE
  WHEN level IN ('10', '20', '30', '5', '6', '7') THEN 1 WHEN level IN ('40', '4') THEN 3
  WHEN level IN ('50', '3') THEN 4 WHEN level IN ('1', '2') THEN 5
  WHEN level IN ('60', '0') THEN 6 ELSE level_severity_id(level) END;

-- The type, message and trace of an exception in a text of Java, .NET, JavaScript, Python, Go, Rust
-- or Ruby.
CREATE MACRO exception_in(text) AS CASE
  WHEN contains(text, 'Traceback (most recent call last):') THEN regexp_extract(text,
    '(?s)(Traceback \(most recent call last\):.*\n([A-Za-z_][\w.]*)(?:: (.*))?)$',
    ['stacktrace', 'type', 'message'])
  WHEN regexp_matches(text, '(?m)^(?:panic|fatal error): ') THEN regexp_extract(text,
    '(?ms)^((panic|fatal error): ([^\n]*).*)', ['stacktrace', 'type', 'message'])
  WHEN contains(text, ' panicked at ') THEN regexp_extract(text,
    '(?s)(thread ''[^'']*'' (panic)ked at (?:[^\n'']*:\n|'')([^\n]*).*)',
    ['stacktrace', 'type', 'message'])
  WHEN regexp_matches(text, '\n\s+(?:at |from |---> )') THEN coalesce(
    nullif(regexp_extract(text,
      '(?ms)^((?:Exception in thread "[^"\n]*" |Unhandled exception\. |Uncaught )?'
      || '([A-Za-z_$][\w$.]*(?:Exception|Error|Throwable|Failure|Fault)[\w$]*)'
      || '(?: \[[^\]\n]*\])?(?::[ ]?([^\n]*))?\n\s+(?:at |---> ).*)',
      ['stacktrace', 'type', 'message']), {'stacktrace': '', 'type': '', 'message': ''}),
    nullif(regexp_extract(text,
      '(?ms)^(\S+\.rb:\d+:in [^\n]*?: ([^\n]*) \(([A-Z]\w*(?:::\w+)*)\)\n.*)',
      ['stacktrace', 'message', 'type']), {'stacktrace': '', 'message': '', 'type': ''}),
    regexp_extract(text, '(?s)\n(\s*(?:at |from |---> ).*)()()$',
      ['stacktrace', 'type', 'message']))
END;

-- Names and shapes that the usual members of a document do not tell: another key that means
-- something, a usual one that begins with a brace, and keys that are written with escapes.
CREATE MACRO json_unusual() AS '"(?:_time|asctime|created|date|datetime|dt|event_?[tT]ime'
  || '|instant|log_time|logged_at|receiveTimestamp|t|timeMillis|timestamp(?:Nanos|Seconds)'
  || '|T(?:ime|imestamp|raceId)|SpanId|[lL]og_?[lL]evel|Level|severity_?[tT]ext|SeverityText'
  || '|MESSAGE|Message|MessageTemplate|RenderedMessage|body|fields|log|text|textPayload'
  || '|@(?:l|message|mt|sp|tr|x)|[cC]ategory|Properties|SourceContext|target|context|contextMap'
  || '|extra|mdc|trace|traceID|traceid|traceparent|span|spanID|spanid|otel(?:Span|Trace)ID|X-B3-\w+'
  || '|logging\.googleapis\.com[^"]*|Application|app_?name|app_version|serviceContext'
  || '|err|error[.\w]*|exc_\w+|[eE]xception[.\w]*|stack|stack_?trace|thrown|traceback'
  || '|Hostname|HOSTNAME|node|dd[.\w]*|k8s\.[.\w]+|kubernetes[.\w]*|cloud[.\w]*|resource)"\s*:'
  || '|"(?:@timestamp|timestamp|time|ts|@t|level_name|level|severity|log\.level|levelname|lvl|'
  || 'message|msg|@m|short_message|event|logger|logger_name|loggerName|log\.logger|channel|'
  || 'scope|trace_id|traceId|trace\.id|span_id|spanId|span\.id|service\.name|service|'
  || 'service_name|serviceName|otelServiceName|app|application|service\.version|host\.name|'
  || 'hostname|host)"\s*:\s*"?\{|\\u00(?:[4-7]|2[d-fD-F])';

-- What a document holds of them: the usual members, read once; or, where they are not enough, lists
-- of texts of any (`stack`, `listed`).
CREATE MACRO json_found(doc) AS {
  'usual': from_json(CASE WHEN regexp_matches(doc, json_unusual()) THEN NULL ELSE doc END,
    '{"@timestamp": "VARCHAR", "timestamp": "VARCHAR", "time": "VARCHAR", "ts": "VARCHAR",
    "@t": "VARCHAR", "level_name": "VARCHAR", "level": "VARCHAR", "severity": "VARCHAR",
    "log.level": "VARCHAR", "levelname": "VARCHAR", "lvl": "VARCHAR", "message": "VARCHAR",
    "msg": "VARCHAR", "@m": "VARCHAR", "short_message": "VARCHAR", "event": "VARCHAR",
    "logger": "VARCHAR", "logger_name": "VARCHAR", "loggerName": "VARCHAR", "log.logger": "VARCHAR",
    "channel": "VARCHAR", "scope": "VARCHAR", "trace_id": "VARCHAR", "traceId": "VARCHAR",
    "trace.id": "VARCHAR", "span_id": "VARCHAR", "spanId": "VARCHAR", "span.id": "VARCHAR",
    "service.name": "VARCHAR", "service": "VARCHAR", "service_name": "VARCHAR",
    "serviceName": "VARCHAR", "otelServiceName": "VARCHAR", "app": "VARCHAR",
    "application": "VARCHAR", "service.version": "VARCHAR", "host.name": "VARCHAR",
    "hostname": "VARCHAR", "host": "VARCHAR", "status": "VARCHAR", "name": "VARCHAR",
    "pod": "VARCHAR", "pod_name": "VARCHAR", "namespace": "VARCHAR", "cluster": "VARCHAR",
    "service.instance.id": "VARCHAR", "version": "VARCHAR"}'),
  'stack': json_extract_string(CASE WHEN regexp_matches(doc, json_unusual()) THEN doc END,
    json_stacks()),
  'listed': list_transform(CASE WHEN regexp_matches(doc, json_unusual()) THEN [doc] END,
    lambda whole: {
    'at': json_extract_string(whole, json_times()),
    'parts': json_extract_string(CASE WHEN contains(whole, 'econd') THEN whole END, [
      '/instant/epochSecond', '/instant/nanoOfSecond', '/timestamp/seconds', '/timestamp/nanos',
      '/timestampSeconds', '/timestampNanos']),
    'level': json_extract_string(whole, json_levels()),
    'message': json_extract_string(whole, json_messages()),
    'scope': json_extract_string(whole, json_scopes()),
    'trace': json_extract_string(whole, json_traces()),
    'span': json_extract_string(whole, json_spans()),
    'datadog': json_extract_string(CASE WHEN contains(whole, '"dd') THEN whole END, ['/dd.trace_id',
      '/dd/trace_id', '/dd.span_id', '/dd/span_id', '/dd.service', '/dd/service', '/dd.version',
      '/dd/version']),
    'service': json_extract_string(whole, json_services()),
    'version': json_extract_string(whole, json_versions()),
    'error': json_extract_string(whole, json_errors()),
    'why': json_extract_string(whole, json_reasons()),
    'host': json_extract_string(whole, json_hosts()),
    'more': json_extract_string(whole, ['/status', '/name', '/message', '/pod', '/pod_name',
      '/namespace', '/cluster', '/service.instance.id', '/version', '/error', '/err']),
    'kubernetes': json_extract_string(
      CASE WHEN contains(whole, 'k8s') OR contains(whole, 'kubernetes') THEN whole END, [
      '/kubernetes/pod_name', '/kubernetes/pod/name', '/k8s.pod.name', '/kubernetes.pod_name',
      '/kubernetes.pod.name', '/kubernetes/namespace_name', '/kubernetes/namespace',
      '/kubernetes/pod_namespace', '/k8s.namespace.name', '/kubernetes.namespace_name',
      '/kubernetes/host', '/kubernetes/node/name', '/kubernetes/pod_node_name',
      '/kubernetes/labels/app.kubernetes.io~1name', '/kubernetes/labels/app_kubernetes_io~1name',
      '/kubernetes/pod_labels/app.kubernetes.io~1name', '/kubernetes/labels/app',
      '/kubernetes/pod_labels/app', '/kubernetes/labels/app.kubernetes.io~1version',
      '/kubernetes/labels/app_kubernetes_io~1version',
      '/kubernetes/pod_labels/app.kubernetes.io~1version', '/kubernetes/container_image',
      '/kubernetes/container/image', '/kubernetes/cluster_name', '/k8s.cluster.name']),
    'google': json_extract_string(CASE WHEN contains(whole, '"resource"') THEN whole END, [
      '/resource/labels/pod_name', '/resource/labels/namespace_name',
      '/resource/labels/cluster_name', '/resource/labels/location', '/resource/labels/project_id',
      '/resource/labels/service_name', '/resource/labels/container_name']),
    'cloud': json_extract_string(CASE WHEN contains(whole, 'cloud') THEN whole END, [
      '/cloud.availability_zone', '/cloud/availability_zone', '/cloud.region', '/cloud/region',
      '/cloud.account.id', '/cloud/account/id'])})[1]};

-- Which of each is the one to take.
CREATE MACRO json_firsts(f) AS {
  'at': coalesce(first_given(f.listed."at"), CASE WHEN f.usual."@timestamp" IS NOT NULL THEN 1
    WHEN f.usual."timestamp" IS NOT NULL THEN 2 WHEN f.usual."time" IS NOT NULL THEN 3
    WHEN f.usual.ts IS NOT NULL THEN 4 WHEN f.usual."@t" IS NOT NULL THEN 5 END),
  'level': coalesce(first_given(f.listed.level), CASE WHEN f.usual.level_name IS NOT NULL THEN 1
    WHEN f.usual.level IS NOT NULL THEN 2 WHEN f.usual.severity IS NOT NULL THEN 3
    WHEN f.usual."log.level" IS NOT NULL THEN 4 WHEN f.usual.levelname IS NOT NULL THEN 5
    WHEN f.usual.lvl IS NOT NULL THEN 6 END),
  'message': coalesce(first_given(f.listed.message), CASE WHEN f.usual.message IS NOT NULL THEN 1
    WHEN f.usual.msg IS NOT NULL THEN 2 WHEN f.usual."@m" IS NOT NULL THEN 3
    WHEN f.usual.short_message IS NOT NULL THEN 4 WHEN f.usual.event IS NOT NULL THEN 5 END),
  'scope': coalesce(first_given(f.listed.scope), CASE WHEN f.usual.logger IS NOT NULL THEN 1
    WHEN f.usual.logger_name IS NOT NULL THEN 2 WHEN f.usual."loggerName" IS NOT NULL THEN 3
    WHEN f.usual."log.logger" IS NOT NULL THEN 4 WHEN f.usual.channel IS NOT NULL THEN 5
    WHEN f.usual.scope IS NOT NULL THEN 6 END),
  'trace': coalesce(first_given(f.listed.trace), CASE WHEN f.usual.trace_id IS NOT NULL THEN 1
    WHEN f.usual."traceId" IS NOT NULL THEN 2 WHEN f.usual."trace.id" IS NOT NULL THEN 3 END),
  'span': coalesce(first_given(f.listed.span), CASE WHEN f.usual.span_id IS NOT NULL THEN 1
    WHEN f.usual."spanId" IS NOT NULL THEN 2 WHEN f.usual."span.id" IS NOT NULL THEN 3 END),
  'service': coalesce(first_given(f.listed.service), CASE
    WHEN f.usual."service.name" IS NOT NULL THEN 1
    WHEN f.usual.service IS NOT NULL THEN 2 WHEN f.usual.service_name IS NOT NULL THEN 3
    WHEN f.usual."serviceName" IS NOT NULL THEN 4 WHEN f.usual."otelServiceName" IS NOT NULL THEN 5
    WHEN f.usual.app IS NOT NULL THEN 7 WHEN f.usual.application IS NOT NULL THEN 8 END),
  'version': coalesce(first_given(f.listed."version"), CASE
    WHEN f.usual."service.version" IS NOT NULL THEN 1 END),
  'host': coalesce(first_given(f.listed.host), CASE WHEN f.usual."host.name" IS NOT NULL THEN 1
    WHEN f.usual.hostname IS NOT NULL THEN 3 WHEN f.usual.host IS NOT NULL THEN 4 END),
  'error': first_given(f.listed.error), 'why': first_given(f.listed.why),
  'stack': first_given(f.stack)};

-- What takes a member out of a document, unless it lies deeper in it.
CREATE MACRO taker(pointer) AS CASE WHEN pointer NOT LIKE '/%/%'
  THEN '"' || replace(pointer[2:], '~1', '/') || '":null' END;

CREATE MACRO json_level(f, i) AS coalesce(f.listed.level[i.level], f.usual.level_name,
  f.usual.level, f.usual.severity, f.usual."log.level", f.usual.levelname, f.usual.lvl);

-- What a document tells, by name. Of `name` it is told by its level what it is: pino and bunyan,
-- which number theirs, mean the program, others the logger. Serilog leaves Information out.
CREATE MACRO json_told(f, i) AS {
  'at': coalesce(f.listed.parts[1] || '.' || lpad(coalesce(f.listed.parts[2], '0'), 9, '0'),
    f.listed.parts[3] || '.' || lpad(coalesce(f.listed.parts[4], '0'), 9, '0'),
    f.listed.parts[5] || '.' || lpad(coalesce(f.listed.parts[6], '0'), 9, '0'),
    f.listed."at"[i."at"],
    f.usual."@timestamp", f.usual."timestamp", f.usual."time", f.usual.ts, f.usual."@t"),
  'level': coalesce(json_level(f, i),
    CASE WHEN level_severity_id(coalesce(f.usual.status, f.listed.more[1])) > 0
      THEN coalesce(f.usual.status, f.listed.more[1]) END,
    CASE WHEN json_times()[i."at"] = '/@t' THEN 'Information' END),
  'message': coalesce(f.listed.message[i.message], f.usual.message, f.usual.msg, f.usual."@m",
    f.usual.short_message, f.usual.event, f.listed.why[i.why], f.listed.more[3], f.listed.more[10],
    f.listed.more[11]),
  'scope': coalesce(f.listed.scope[i.scope], f.usual.logger, f.usual.logger_name,
    f.usual."loggerName", f.usual."log.logger", f.usual.channel, f.usual.scope,
    CASE WHEN json_level(f, i) NOT LIKE '%0' THEN coalesce(f.usual.name, f.listed.more[2]) END),
  'trace_uid': coalesce(trace_hex(coalesce(f.listed.trace[i.trace], f.usual.trace_id,
    f.usual."traceId", f.usual."trace.id")), trace_hex(f.listed.datadog[1]),
    trace_hex(f.listed.datadog[2]), decimal_hex(f.listed.datadog[1], 32),
    decimal_hex(f.listed.datadog[2], 32)),
  'span_uid': coalesce(span_hex(coalesce(f.listed.span[i.span], f.usual.span_id, f.usual."spanId",
    f.usual."span.id")), decimal_hex(f.listed.datadog[3], 16),
    decimal_hex(f.listed.datadog[4], 16)),
  'service': coalesce(f.listed.service[i.service], f.usual."service.name", f.usual.service,
    f.usual.service_name, f.usual."serviceName", f.usual."otelServiceName", f.usual.app,
    f.usual.application, f.listed.datadog[5], f.listed.datadog[6],
    CASE WHEN json_level(f, i) LIKE '%0' THEN coalesce(f.usual.name, f.listed.more[2]) END,
    f.listed.kubernetes[14],
    f.listed.kubernetes[15], f.listed.kubernetes[16], f.listed.kubernetes[17],
    f.listed.kubernetes[18], f.listed.google[6], f.listed.google[7]),
  'version': coalesce(f.listed."version"[i."version"], f.usual."service.version",
    f.listed.datadog[7], f.listed.datadog[8],
    CASE WHEN i.service IS NOT NULL THEN coalesce(f.usual."version", f.listed.more[9]) END,
    f.listed.kubernetes[19],
    f.listed.kubernetes[20], f.listed.kubernetes[21],
    image_version(coalesce(f.listed.kubernetes[22], f.listed.kubernetes[23]))),
  'host': coalesce(f.listed.host[i.host], f.usual."host.name", f.usual.hostname, f.usual.host),
  'instance': coalesce(f.usual."service.instance.id", f.listed.more[8]),
  'pod': coalesce(f.listed.kubernetes[1], f.listed.kubernetes[2], f.listed.kubernetes[3],
    f.listed.kubernetes[4], f.listed.kubernetes[5], f.listed.google[1], f.usual.pod,
    f.listed.more[4], f.usual.pod_name, f.listed.more[5]),
  'node': coalesce(f.listed.kubernetes[11], f.listed.kubernetes[12], f.listed.kubernetes[13]),
  'namespace': coalesce(f.listed.kubernetes[6], f.listed.kubernetes[7], f.listed.kubernetes[8],
    f.listed.kubernetes[9], f.listed.kubernetes[10], f.listed.google[2], f.usual."namespace",
    f.listed.more[6]),
  'cluster': coalesce(f.listed.kubernetes[24], f.listed.kubernetes[25], f.listed.google[3],
    f.usual."cluster", f.listed.more[7]),
  'zone': coalesce(f.listed.cloud[1], f.listed.cloud[2]),
  'region': coalesce(f.listed.cloud[3], f.listed.cloud[4], f.listed.google[4]),
  'account': coalesce(f.listed.cloud[5], f.listed.cloud[6], f.listed.google[5]),
  'error': f.listed.error[i.error],
  'why': f.listed.why[i.why],
  'stack': f.stack[i.stack],
  'taken': concat_ws(',',
    CASE WHEN coalesce(f.listed.parts[1], f.listed.parts[3], f.listed.parts[5]) IS NULL
      THEN taker(json_times()[i."at"]) END,
    taker(json_levels()[i.level]),
    taker(json_messages()[i.message]), taker(json_scopes()[i.scope]),
    taker(json_services()[i.service]), taker(json_versions()[i."version"]),
    taker(json_stacks()[i.stack])),
  'trace_taken': CASE WHEN json_traces()[i.trace] <> '/traceparent' AND
    coalesce(f.listed.datadog[1], f.listed.datadog[2]) IS NULL THEN taker(json_traces()[i.trace])
    END,
  'span_taken': CASE WHEN json_spans()[i.span] <> '/traceparent' AND coalesce(f.listed.datadog[3],
    f.listed.datadog[4]) IS NULL THEN taker(json_spans()[i.span]) END};

-- A document without what is told of it; ids that are none stay in it.
CREATE MACRO untold(doc, t) AS json_merge_patch(doc, '{' || concat_ws(',', nullif(t.taken, ''),
  CASE WHEN t.trace_uid IS NOT NULL THEN t.trace_taken END,
  CASE WHEN t.span_uid IS NOT NULL THEN t.span_taken END) || '}');

CREATE MACRO told_workload(t) AS {
  'service': t.service, 'version': t."version",
  'instance': coalesce(t."instance", CASE WHEN is_pod(t.host) THEN t.host END),
  'pod': t.pod, 'node': coalesce(t.node, CASE WHEN NOT is_pod(t.host) THEN t.host END),
  'namespace': t."namespace", 'cluster': t."cluster", 'zone': t."zone", 'region': t.region,
  'account': t.account};

CREATE MACRO told_exception(t, e) AS {
  'type': coalesce(t.error, nullif(e."type", '')),
  'message': coalesce(t.why, nullif(e.message, '')),
  'stacktrace': coalesce(t.stack, nullif(e.stacktrace, ''))};

-- A time within a record that cannot be read.
CREATE MACRO unread_time(t) AS CASE WHEN any_time(t."at") IS NULL THEN t."at" END;

-- The nanoseconds of a time that tells more than microseconds.
CREATE MACRO finer_ns(text) AS
  CASE WHEN regexp_matches(text, '[.,]\d{7}|^\d{19}$') THEN any_time_ns(text) END;

-- A record's text that is a JSON object.
CREATE MACRO object_in(text) AS
  CASE WHEN starts_with(text, '{') AND json_valid(text) THEN rtrim(text, E' \n\r\t') END;

-- The level that a line of text names near its beginning: klog's letter, one in capitals, or one
-- alone in brackets.
CREATE MACRO level_in(text) AS coalesce(
  nullif(regexp_extract(text, '^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d', 1), ''),
  nullif(regexp_extract(left(text, 200), '(?:^|[\s\[(<|"=:,.-])(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?'
    || '|ERR(?:OR)?|SEVERE|CRIT(?:ICAL)?|ALERT|FATAL|PANIC|EMERG|INF|WRN|FTL|DBG)'
    || '(?:$|[\s\])>|":,.;-])', 1), ''),
  nullif(regexp_extract(left(text, 200), '(?:[\[<(]|\blevel="?|^)(trace|debug|info|notice'
    || '|warn(?:ing)?|err(?:or)?|severe|crit(?:ical)?|alert|fatal|panic|emerg)(?:[\])>":]|\s|$)',
    1), ''));

-- Whether a line goes on with the record before it: indented, or of a stack trace.
CREATE MACRO continues(text) AS regexp_matches(text,
  '^(?:[ \t]+\S|at |Caused by: |Suppressed: |\.\.\. \d+ |[})\]]+[,;]?$|--- End of |Traceback \(most'
  || '|During handling of the above|The above exception was|goroutine \d+ |created by '
  || '|[\w.$]+(?:Error|Exception|Throwable)(?:: |\s*$)|stack backtrace:)');

-- What is left of a record without the stack trace at its end; its first line if it is all trace.
CREATE MACRO without_trace(text, trace) AS CASE
  WHEN coalesce(trace, '') = '' THEN text
  WHEN position(trace IN text) > 1
    THEN rtrim(left(text, position(trace IN text) - 1), E' \n\r\t')
  ELSE split_part(text, chr(10), 1)
END;

-- The pod and container of a log file as kubelet names it.
-- https://kubernetes.io/docs/concepts/cluster-administration/logging/#log-location-node
CREATE MACRO kubelet_path(path) AS CASE
  WHEN regexp_matches(path, '_[0-9a-f-]{32,36}/[^/]+/\d+\.log') THEN regexp_extract(path,
    '([^/_]+)_([^/_]+)_([0-9a-f-]{32,36})/([^/]+)/(\d+)\.log(){1}',
    ['namespace', 'pod', 'pod_uid', 'container', 'restarts', 'container_id'])
  ELSE regexp_extract(path, '([^/_]+)_([^/_]+)_([^/_]+)-([0-9a-f]{64})\.log()()',
    ['pod', 'namespace', 'container', 'container_id', 'pod_uid', 'restarts'])
END;

-- Times as people's logs write them --------------------------------------------------------------
CREATE MACRO month_time_of(yyyy, mon, dd, clock) AS
  try_strptime(concat_ws(' ', yyyy, mon, dd, replace(clock, ',', '.')), ['%Y %b %d %H:%M:%S',
    '%Y %b %d %H:%M:%S.%f', '%Y %b %d %H:%M:%S.%n', '%Y %b %d %I:%M:%S %p'])::TIMESTAMP;

-- A time by the name of its month; without a year the last such that is not after `arrival`.
CREATE MACRO month_time(yyyy, mon, dd, clock, arrival) AS (CASE
  WHEN yyyy <> '' THEN month_time_of(yyyy, mon, dd, clock)
  WHEN coalesce(month_time_of(year(arrival)::VARCHAR, mon, dd, clock)
      <= (arrival + INTERVAL 1 DAY) AT TIME ZONE 'UTC', false)
    THEN month_time_of(year(arrival)::VARCHAR, mon, dd, clock)
  ELSE month_time_of((year(arrival) - 1)::VARCHAR, mon, dd, clock)
END) AT TIME ZONE 'UTC';

-- Whether a member is a text that is a JSON object by itself.
CREATE MACRO opens(member) AS
  CASE WHEN member LIKE '"{%' THEN json_valid(json_extract_string(member, '$')) ELSE false END;

-- Who speaks by the path of a container's log, and by what it says itself.
CREATE MACRO kubelet_workload(t, k) AS {
  'service': t.service, 'version': t."version", 'instance': t."instance",
  'pod': coalesce(nullif(k.pod, ''), t.pod), 'node': t.node,
  'namespace': coalesce(nullif(k."namespace", ''), t."namespace"), 'cluster': t."cluster",
  'zone': t."zone", 'region': t.region, 'account': t.account};

-- What stands before a time in a line, the time, and what follows.
CREATE MACRO clock_pattern() AS '\d\d?:\d\d(?::\d\d(?:[.,]\d{1,9})?)?';

CREATE MACRO date_pattern() AS
  '\d{4}[-/]\d\d?[-/]\d\d?[T _]' || clock_pattern() || '(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?'
  || '|\d{8}[T -]\d\d:?\d\d:?\d\d(?:[.,]\d+)?Z?'
  || '|\d\d?[-/ ][A-Z][a-z]{2}[-/ ]\d{4}[T :]' || clock_pattern() || '(?: [+-]\d{4})?'
  || '|[A-Z][a-z]{2}, \d\d? [A-Z][a-z]{2} \d{4} ' || clock_pattern() || '(?: (?:GMT|[+-]\d{4}))?'
  || '|(?:[A-Z][a-z]{2},? )?[A-Z][a-z]{2} [ \d]?\d,? (?:\d{4},? )?' || clock_pattern()
  || '(?: [AP]M\b)?(?: [A-Z]{3,4})?(?: \d{4}\b)?';

CREATE MACRO log_head(line) AS coalesce(
  nullif(regexp_extract(line, '(?s)^((?:[A-Za-z]{1,9}[\]:,]?\s+)??[\[("'']?)(' || date_pattern()
    || '|[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+|1\d{9}(?:\d{3}|\d{6}|\d{9})?(?:[.,]\d+)?\b)(.*)$',
    ['lead', 'at', 'rest']), {'lead': '', 'at': '', 'rest': ''}),
  regexp_extract(line, '(?s)^([^\n]{0,100}?\b)(' || date_pattern() || ')(.*)$',
    ['lead', 'at', 'rest']));

-- The time of a text that names the month, with a zone or none.
CREATE MACRO named_date(text) AS CASE WHEN regexp_matches(text, '^\d')
  THEN regexp_extract(text, '^(\d\d?)[-/ ]([A-Z][a-z]{2})[-/ ](\d{4})[T :](\S+)()()$',
    ['dd', 'mon', 'yyyy', 'clock', 'zone', 'last'])
  ELSE regexp_extract(text, '^(?:[A-Z][a-z]{2},? )?([A-Z][a-z]{2}) +(\d\d?),? (?:(\d{4}),? )?'
    || '(\d\d?:\d\d:\d\d(?:[.,]\d+)?(?: [AP]M)?)(?: ([A-Z]{3,4}))?(?: (\d{4}))?$',
    ['mon', 'dd', 'yyyy', 'clock', 'zone', 'last']) END;

CREATE MACRO dated(text, arrival) AS month_time(
    coalesce(nullif(named_date(text).yyyy, ''), named_date(text).last), named_date(text).mon,
    named_date(text).dd, named_date(text).clock, arrival)
  - to_minutes(CASE WHEN named_date(text).zone = '' THEN 0
    ELSE zone_minutes(named_date(text).zone) END);

-- The time that a log's line begins with.
CREATE MACRO log_time(text, arrival) AS CASE
  WHEN regexp_matches(text, '^\d{4}/') THEN any_time(replace(text, '/', '-'))
  WHEN regexp_matches(text, '^[IWEF]\d{4} ') THEN month_time('',
    ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][
      try_cast(text[2:3] AS INT)], text[4:5], text[7:], arrival)
  WHEN regexp_matches(text, '^\d{8}[T -]') THEN any_time(regexp_replace(text,
    '^(\d{4})(\d\d)(\d\d).(\d\d):?(\d\d):?(\d\d)', '\1-\2-\3T\4:\5:\6'))
  WHEN regexp_matches(text, '^\d') THEN coalesce(
    any_time(regexp_replace(replace(text, '_', ' '), ' ([+-]\d\d:?\d\d)$', '\1')),
    any_time(text), dated(text, arrival))
  ELSE coalesce(dated(text, arrival), any_time(text))
END;

-- True of a time that names a day and no year.
CREATE MACRO is_yearless(text) AS CASE
  WHEN regexp_matches(text, '^(?:[IWEF]\d{4} |[A-Z][a-z]{2} +\d\d? \d\d:[\d:.,]+$)') THEN true END;

-- HotSpot -----------------------------------------------------------------------------------------
-- Bytes of '24M' and '24.5K', seconds of '3.456' and their unit; some locales write a comma.
CREATE MACRO gc_bytes(text) AS (try_cast(rtrim(replace(nullif(text, ''), ',', '.'), 'BKMG')
  AS DECIMAL(18, 3)) * CASE right(text, 1) WHEN 'K' THEN 1024 WHEN 'M' THEN 1048576
  WHEN 'G' THEN 1073741824 ELSE 1 END)::BIGINT;

CREATE MACRO gc_seconds(text, unit) AS
  (try_cast(replace(nullif(text, ''), ',', '.') AS DECIMAL(20, 9))
    / CASE unit WHEN 's' THEN 1 WHEN 'ms' THEN 1000 ELSE 1000000000 END)::DOUBLE;

-- Syslog ------------------------------------------------------------------------------------------
-- https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1
CREATE MACRO syslog_severity(priority) AS
  ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'][
    try_cast(priority AS INT) % 8 + 1];

CREATE MACRO syslog_facility(priority) AS
  ['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv',
    'ftp', 'ntp', 'audit', 'alert', 'clock', 'local0', 'local1', 'local2', 'local3', 'local4',
    'local5', 'local6', 'local7'][try_cast(priority AS INT) // 8 + 1];

-- Structured data as an object of objects.
CREATE MACRO syslog_data(text) AS '{' || array_to_string(list_transform(
  regexp_extract_all(text, '\[[^\s\]="]+(?: +[^\s\]="]+="(?:[^"\\\]]|\\.)*")* *\]'),
  lambda element: to_json(regexp_extract(element, '^\[([^\s\]]+)', 1))::VARCHAR || ':{'
    || array_to_string(list_transform(
      regexp_extract_all(element, '[^\s\]="]+="(?:[^"\\\]]|\\.)*"'),
      lambda pair: to_json(split_part(pair, '=', 1))::VARCHAR || ':' || to_json(regexp_replace(
        pair[position('=' IN pair) + 2:-2], '\\(["\\\]])', '\1', 'g'))::VARCHAR), ',') || '}'),
  ',') || '}';

-- Access logs -------------------------------------------------------------------------------------
-- A name that a host can have.
CREATE MACRO named(text) AS
  CASE WHEN regexp_full_match(text, '[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?') THEN text END;

-- A method that OCSF knows.
CREATE MACRO known_method(method) AS CASE WHEN http_activity_id(method) < 99 THEN method END;

-- The host, without brackets, and port of an address; of IPv6 without brackets all is the host.
CREATE MACRO address_parts(text) AS CASE
  WHEN text LIKE '[%' THEN regexp_extract(text, '^\[([^\]]*)\](?::(\d{1,5}))?$', ['host', 'port'])
  WHEN text LIKE '%:%:%' THEN {'host': text, 'port': ''}
  ELSE regexp_extract(text, '^([^:]*)(?::(\d{1,5}))?$', ['host', 'port'])
END;

-- An endpoint by its address; NULL of what is none, as '-' or a socket's path.
CREATE MACRO endpoint(text) AS CASE
  WHEN is_ip(address_parts(text).host) OR named(address_parts(text).host) IS NOT NULL THEN {
  'ip': CASE WHEN is_ip(address_parts(text).host) THEN address_parts(text).host END,
  'hostname': CASE WHEN NOT is_ip(address_parts(text).host)
    THEN named(address_parts(text).host) END,
  'port': try_cast(nullif(address_parts(text).port, '') AS INT)} END;

-- A line of request; `malformed` where it is none.
CREATE MACRO request_parts(text) AS regexp_extract(text,
  '^(?:([A-Z_-]{1,32}) ([^ ?]*)(?:\?([^ ]*))?(?: HTTP/([\d.]+))?|(.*))$',
  ['method', 'path', 'query', 'version', 'malformed']);
