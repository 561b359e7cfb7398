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

-- A moment from an epoch number in s, ms, us or ns since 1970, told by its size: no two of these
-- units can mean a time between 1990 and 2100 by the same number. NULL in every other case.
CREATE MACRO epoch_unit(number) AS
  CASE
    WHEN number BETWEEN 631152000 AND 4102444800 THEN 1000000
    WHEN number // 1000 BETWEEN 631152000 AND 4102444800 THEN 1000
    WHEN number // 1000000 BETWEEN 631152000 AND 4102444800 THEN 1
    WHEN number // 1000000000 BETWEEN 631152000 AND 4102444800 THEN 0
  END;

CREATE MACRO epoch_ns(text) AS list_transform([try_cast(text AS DECIMAL(38, 9))],
  lambda n: CASE epoch_unit(n::HUGEINT)
    WHEN 1000000 THEN (n * 1000000000)::BIGINT WHEN 1000 THEN (n * 1000000)::BIGINT
    WHEN 1 THEN (n * 1000)::BIGINT WHEN 0 THEN n::BIGINT
  END)[1];

-- The time that a text or a number tells: ISO 8601 (without a zone: UTC), RFC 1123 and 2822, the
-- common log format's, or an epoch number in any unit. NULL if it tells none, and where its zone is
-- a short name that means several.
CREATE MACRO any_time(given) AS list_transform([trim(given::VARCHAR)],
  lambda t: CASE
    WHEN try_cast(t AS DECIMAL(38, 9)) IS NOT NULL
      THEN make_timestamptz(epoch_ns(t) // 1000)
    WHEN right(t, 1) <> 'Z' AND regexp_matches(t, '[\d ][A-Za-z]{2,5}$')
      AND NOT regexp_matches(t, '(UTC|GMT|[+-]\d{4} [A-Z]+)$')
      THEN zoned_time(regexp_replace(t, '^(\S+?)[T ](\S*\d) ?([A-Za-z]+)$', '\1 \2 \3'))
    ELSE coalesce(
      try_cast(t AS TIMESTAMPTZ),
      try_cast(regexp_replace(replace(t, ',', '.'), ' ([+-]\d\d):?(\d\d)( [A-Z]{3,4})?$', '\1:\2')
        AS TIMESTAMPTZ),
      try_strptime(t, ['%a, %d %b %Y %H:%M:%S GMT', '%a, %d %b %Y %H:%M:%S %z',
        '%d/%b/%Y:%H:%M:%S %z', '%Y%m%dT%H%M%SZ', '%Y%m%dT%H%M%S%z'])::TIMESTAMPTZ)
  END)[1];

-- The same in nanoseconds since 1970.
CREATE MACRO any_time_ns(given) AS list_transform([trim(given::VARCHAR)],
  lambda t: CASE
    WHEN try_cast(t AS DECIMAL(38, 9)) IS NOT NULL THEN epoch_ns(t)
    ELSE epoch_us(any_time(t)) * 1000
      + rpad(regexp_extract(t, '[.,]\d{6}(\d{1,3})', 1), 3, '0')::BIGINT
  END)[1];

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

-- Whether an address is of IP, and no name: 192.0.2.1, 2001:db8::1.
CREATE MACRO is_ip(text) AS
  regexp_full_match(text, '\d{1,3}(?:\.\d{1,3}){3}|[\da-fA-F]*:[\da-fA-F:.]*:[\da-fA-F.]*');

-- What of a JSON object is not mapped: without the members that a patch of nulls takes out; NULL
-- when none is left.
CREATE MACRO remaining(doc, mapped) AS
  nullif(json_merge_patch('{}', doc, mapped)::VARCHAR, '{}');

-- Networks --------------------------------------------------------------------------------------
-- https://www.iana.org/assignments/protocol-numbers, by the names there; other common ones are read.
CREATE MACRO protocol_name(number) AS MAP {
  1: 'icmp', 2: 'igmp', 4: 'ipv4', 6: 'tcp', 8: 'egp', 17: 'udp', 27: 'rdp', 41: 'ipv6', 47: 'gre',
  50: 'esp', 51: 'ah', 58: 'ipv6-icmp', 88: 'eigrp', 89: 'ospfigp', 103: 'pim', 112: 'vrrp',
  115: 'l2tp', 132: 'sctp', 136: 'udplite'}[number];

CREATE MACRO protocol_number(name) AS MAP {
  'icmp': 1, 'igmp': 2, 'ipv4': 4, 'ipip': 4, 'tcp': 6, 'egp': 8, 'udp': 17, 'rdp': 27, 'ipv6': 41,
  'gre': 47, 'esp': 50, 'ah': 51, 'icmp6': 58, 'icmpv6': 58, 'ipv6-icmp': 58, 'eigrp': 88,
  'ospf': 89, 'ospfigp': 89, 'pim': 103, 'vrrp': 112, 'l2tp': 115, 'sctp': 132,
  'udplite': 136}[lower(name)];

-- https://www.iana.org/assignments/dns-parameters#dns-parameters-6
CREATE MACRO dns_rcode_id(name) AS CASE WHEN name IS NOT NULL THEN coalesce(MAP {
  'NOERROR': 0, 'FORMERR': 1, 'SERVFAIL': 2, 'NXDOMAIN': 3, 'NOTIMP': 4, 'REFUSED': 5,
  'YXDOMAIN': 6, 'YXRRSET': 7, 'NXRRSET': 8, 'NOTAUTH': 9, 'NOTZONE': 10, 'BADVERS': 16,
  'BADSIG': 16, 'BADKEY': 17, 'BADTIME': 18, 'BADMODE': 19, 'BADNAME': 20, 'BADALG': 21,
  'BADTRUNC': 22, 'BADCOOKIE': 23}[upper(name)], 99) END;

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

-- A level as programs write it: a word, its beginning, or one letter.
CREATE MACRO level_severity_id(level) AS list_transform([lower(trim(level::VARCHAR))],
  lambda l: CASE
    WHEN l IS NULL OR l = '' THEN 0
    WHEN l IN ('fatal', 'panic', 'emerg', 'emergency', 'f') THEN 6
    WHEN l IN ('critical', 'crit', 'alert', 'severe', 'c') THEN 5
    WHEN l IN ('error', 'err', 'e', 'eror') THEN 4
    WHEN l IN ('warning', 'warn', 'w') THEN 3
    WHEN l IN ('information', 'informational', 'info', 'i', 'notice', 'n', 'debug', 'd', 'dbg',
      'trace', 't', 'verbose', 'v', 'log', 'fine', 'finer', 'finest', 'config', 'default', 'inf',
      'vrb', 'trc', 'all') THEN 1
    WHEN l IN ('wrn') THEN 3 WHEN l IN ('ftl', 'dpanic') THEN 6
    ELSE 0
  END)[1];

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
CREATE MACRO label_workload(labels) AS list_transform(
  [json_extract_string(labels, [
    '/service', '/version', '/instance', '/pod', '/node', '/job', '/namespace', '/cluster',
    '/zone', '/region'])],
  lambda v: {
    'service': coalesce(v[1], v[6]), 'version': v[2], 'instance': v[3], 'pod': v[4],
    'node': v[5], 'namespace': v[7], 'cluster': v[8], 'zone': v[9], 'region': v[10]})[1];

-- The tag of an image; NULL where it has none, or only a digest.
CREATE MACRO image_version(image) AS nullif(
  regexp_extract(image, '^(?:.*/)?[^/:@]+:([^/:@]+)(?:@.*)?$', 1), '');

-- What a pod is an instance of: its name without the suffixes that a Deployment, a CronJob, a
-- DaemonSet or Job, or a StatefulSet gives. Their letters are Kubernetes' own:
-- https://pkg.go.dev/k8s.io/apimachinery/pkg/util/rand#SafeEncodeString
CREATE MACRO pod_service(pod) AS regexp_replace(pod,
  '(?:-(?:[bcdf-hj-np-tv-xz2456789]{6,10}|\d[0-9a-f]{5,9}|[0-9a-f]{1,5}\d[0-9a-f]{4,8})-[a-z0-9]{5}'
  || '|-\d{8,10}-[a-z0-9]{5}|-[bcdf-hj-np-tv-xz2456789]{5}|-\d{1,3})$', '');

-- Whether a name is one that a Deployment gives its pods.
CREATE MACRO is_pod(name) AS regexp_full_match(name,
  '[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?'
  || '-(?:[bcdf-hj-np-tv-xz2456789]{6,10}|\d[0-9a-f]{5,9}|[0-9a-f]{1,5}\d[0-9a-f]{4,8})'
  || '-[bcdf-hj-np-tv-xz2456789]{5}');

-- A namespace and a name in it, as `shop/cart`, perhaps with a port; empty where it is no such.
CREATE MACRO namespaced(name) AS regexp_extract(name,
  '^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)/([a-z0-9][a-z0-9.-]*)(?::\d+)?$', ['space', 'name']);

-- https://opentelemetry.io/docs/specs/semconv/resource/ (the list of one names what is found once)
CREATE MACRO resource_workload(resource) AS list_transform(
  [json_extract_string(resource, [
    '/service.name', '/service.version', '/service.instance.id', '/k8s.pod.name',
    '/k8s.node.name', '/host.name', '/service.namespace', '/k8s.namespace.name',
    '/k8s.cluster.name', '/cloud.availability_zone', '/cloud.region', '/cloud.account.id'])],
  lambda v: {
    'service': v[1], 'version': v[2], 'instance': v[3],
    'pod': coalesce(v[4], CASE WHEN is_pod(v[6]) THEN v[6] END),   -- a container's host is its pod
    'node': coalesce(v[5], CASE WHEN is_pod(v[6]) IS NOT true THEN v[6] END),
    'namespace': coalesce(v[8], v[7]), 'cluster': v[9],
    'zone': v[10], 'region': v[11], 'account': v[12]})[1];

-- One identity: every source's `workload` goes through here, so that the pod of a log line, a span,
-- an event and a metric is one pod.
--   1. '' is nothing.
--   2. `namespace/name`, as pod or service, is a namespace and a name; as instance, if it names a pod.
--   3. an instance that is named as a Deployment names its pods is the pod.
--   4. a service that nobody names is the pod's owner; an instance that nobody names is the pod.
--   5. a region that nobody names is the zone's: eu-west-1b, europe-west1-b.
CREATE MACRO resolved(workload) AS list_transform([{
    'service': coalesce(nullif(namespaced(workload.service).name, ''),
      nullif(workload.service, '')),
    'version': nullif(workload."version", ''),
    'instance': CASE WHEN is_pod(namespaced(workload.instance).name)
      THEN namespaced(workload.instance).name ELSE nullif(workload.instance, '') END,
    'pod': coalesce(nullif(namespaced(workload.pod).name, ''), nullif(workload.pod, ''),
      CASE WHEN is_pod(namespaced(workload.instance).name)
        THEN namespaced(workload.instance).name
      WHEN is_pod(workload.instance) THEN workload.instance END),
    'node': nullif(workload.node, ''),
    'namespace': coalesce(nullif(workload."namespace", ''),
      nullif(namespaced(workload.pod).space, ''),
      CASE WHEN is_pod(namespaced(workload.instance).name)
        THEN namespaced(workload.instance).space END,
      nullif(namespaced(workload.service).space, '')),
    'cluster': nullif(workload."cluster", ''),
    'zone': nullif(workload."zone", ''),
    'region': nullif(workload.region, ''),
    'account': nullif(workload.account, '')}],
  lambda w: {
    'service': coalesce(w.service, pod_service(w.pod)), 'version': w."version",
    'instance': coalesce(w.instance, w.pod), 'pod': w.pod, 'node': w.node,
    'namespace': w."namespace", 'cluster': w."cluster", 'zone': w."zone",
    'region': coalesce(w.region,
      nullif(regexp_extract(w."zone", '^([a-z]{2}(?:-[a-z]+)+-\d)[a-z]$', 1), ''),
      nullif(regexp_extract(w."zone", '^([a-z]+-[a-z]+\d+)-[a-z]$', 1), '')),
    'account': w.account})[1];

-- Several files are mapped as one: `position` has the number of the file above its lower 40 bits ---
CREATE MACRO file_of(position) AS position >> 40;
CREATE MACRO place_of(position) AS position & 1099511627775;

-- What is said of a file beside its content (the variable `told`, of ingest/told.py) ---------------
CREATE MACRO told_of(position) AS getvariable('told')[file_of(position) + 1];

-- Who speaks in a log, or is spoken of in a text, that does not say it; what a record says wins.
CREATE MACRO whose(workload, is_text, told) AS
  CASE WHEN coalesce(told.pod, told.service) IS NULL OR NOT (is_text OR told.is_log)
    THEN resolved(workload)
    ELSE list_transform([resolved(workload)], lambda w: resolved({
      'service': CASE WHEN w.pod IS NULL THEN coalesce(w.service, told.service) ELSE w.service END,
      'version': w."version", 'instance': w.instance, 'pod': coalesce(w.pod, told.pod),
      'node': w.node, 'namespace': coalesce(w."namespace", told."namespace"),
      'cluster': w."cluster", 'zone': w."zone", 'region': w.region, 'account': w.account}))[1] END;

-- An object or its workload, in the namespace that was asked for where its kind has one.
CREATE MACRO in_namespace(named, kind, told) AS
  CASE WHEN told."namespace" IS NULL OR named."namespace" <> '' OR kind IS NULL
      OR kind IN ('Node', 'Namespace', 'PersistentVolume', 'StorageClass', 'ClusterRole',
        'ClusterRoleBinding', 'CustomResourceDefinition', 'IngressClass', 'PriorityClass')
    THEN named ELSE struct_update(named, "namespace" := told."namespace") END;

-- `unmapped` with where the row stands: the file's name, its line, the command that printed it.
CREATE MACRO beside(unmapped, line, told) AS CASE
  WHEN coalesce(told.note, '') = '' THEN unmapped
  ELSE '{' || concat_ws(',', told.note, '"line":' || line,
    CASE WHEN length(unmapped) > 2 THEN unmapped[2:-2] END) || '}' END;

CREATE MACRO undated(unmapped, moment, told) AS CASE
  WHEN moment IS NOT NULL OR told.undated_at IS NULL THEN unmapped
  ELSE '{' || concat_ws(',', '"undated":true',
    CASE WHEN length(unmapped) > 2 THEN unmapped[2:-2] END) || '}' END;

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
