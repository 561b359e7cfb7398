-- name: coredns
-- reads: text
-- class: dns_activity log_record
-- product: CoreDNS / CoreDNS
-- sniff: ^(?:\S+Z )?(?:std(?:out|err) F )?\[(?:INFO|ERROR|WARNING|FATAL|DEBUG)\] (?:\S+:\d+ - \d+ "[A-Z0-9-]+ [A-Z]+ \S+ (?:udp|tcp|https|grpc|tls|quic) \d+|plugin/\w+:)|^CoreDNS-\d
-- https://coredns.io/plugins/log/ and https://coredns.io/plugins/errors/
-- What CoreDNS prints: queries in the common and the combined format are dns_activity, its errors
-- and all else log records. CoreDNS prints no time: it is that of `kubectl logs --timestamps` or of
-- the container runtime (CRI) before the line, else that of the file's capture (`undated`).
WITH numbered AS (
  SELECT position, captured_at, ingested_at, unnest(string_split(text, chr(10))) AS line,
    unnest(range(1, len(string_split(text, chr(10))) + 1)) AS number
  FROM raw
),
stamped AS (
  SELECT *,
    regexp_extract(line,
      '^(?:(\d{4}-\d\d-\d\dT\S+) )?(?:std(?:out|err) [FP] )?(?:\[([A-Z]+)\] )?(.*)$',
      ['at', 'level', 'said'])                             AS p
  FROM numbered
  WHERE trim(line) <> ''
),
parsed AS (
  SELECT *,
    any_time(nullif(p."at", ''))                           AS own_time,
    regexp_extract(p.said, '^\[?([0-9a-fA-F.:]+?)\]?:(\d+) - (\d+) "(\S+) (\S+) (\S+) (\S+) (\d+) '
      || '(true|false) (\d+)" (\S+) (\S+) (\d+) ([\d.]+)s(?: "?(\d+)"?)?$',
      ['ip', 'port', 'id', 'type', 'class', 'name', 'proto', 'size', 'do', 'bufsize', 'rcode',
       'flags', 'rsize', 'seconds', 'opcode'])             AS q,
    regexp_extract(p.said, '^plugin/errors: (-?\d+) (\S+) (\S+): (.*)$',
      ['rcode', 'name', 'type', 'error'])                  AS e
  FROM stamped
)
SELECT
  position,
  ingested_at,
  CASE WHEN q.ip <> '' THEN 'dns_activity' ELSE 'log_record' END AS class_name,
  coalesce(own_time, captured_at)                          AS "time",
  CASE WHEN class_name = 'dns_activity' THEN 6 ELSE 1 END  AS activity_id,
  level_severity_id(p.level)                               AS severity_id,
  CASE WHEN class_name = 'log_record' THEN nullif(p.level, '') END AS severity,
  CASE WHEN class_name = 'log_record' THEN 0
    WHEN q.rcode IN ('NOERROR', 'NXDOMAIN') THEN 1 ELSE 2 END AS status_id,
  p.said                                                   AS message,
  {'service': 'coredns'}                                   AS workload,
  (try_cast(q.seconds AS DOUBLE) * 1000)::BIGINT           AS duration,
  CASE WHEN q.ip <> '' THEN {'ip': q.ip, 'port': q.port} END AS src_endpoint,
  CASE WHEN q.ip <> '' THEN {'direction_id': 1, 'protocol_name':
    CASE WHEN q.proto IN ('udp', 'quic') THEN 'udp' ELSE 'tcp' END} END AS connection_info,
  CASE WHEN q.ip <> '' THEN {'hostname': coalesce(nullif(rtrim(q.name, '.'), ''), '.'),
    'type': q.type, 'class': q.class, 'packet_uid': try_cast(q.id AS BIGINT),
    'opcode_id': try_cast(nullif(q.opcode, '') AS INT)} END AS query,
  CASE WHEN q.ip <> '' THEN dns_rcode_id(q.rcode) END      AS rcode_id,
  CASE WHEN q.ip <> '' AND rcode_id = 99 THEN q.rcode END  AS rcode,
  CASE WHEN class_name = 'log_record' AND e.name <> '' THEN
    filled({'dns.question.name': rtrim(e.name, '.'), 'dns.question.type': e.type,
      'dns.response_code': e.rcode, 'error': e.error}) END AS attributes,
  filled({
    'response_flags': nullif(q.flags, ''), 'request_size': nullif(q.size, ''),
    'response_size': nullif(q.rsize, ''), 'dnssec_ok': nullif(q."do", ''),
    'buffer_size': nullif(q.bufsize, ''), 'protocol': nullif(q.proto, ''),
    'duration': nullif(q.seconds, ''),
    'undated': CASE WHEN own_time IS NULL THEN true END})  AS unmapped,
  CASE WHEN p.level = '' AND own_time IS NULL AND NOT regexp_matches(p.said,
      '^(?:CoreDNS-|\.:|[a-z]+/[a-z0-9]+, go|\S+:\d+(?: on |$)|maxprocs:)')
    THEN 'line ' || number || ' is none that CoreDNS prints: ' || left(line, 80) END AS problem
FROM parsed
