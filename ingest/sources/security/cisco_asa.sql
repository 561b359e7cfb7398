-- name: cisco_asa
-- reads: lines
-- class: network_activity authentication tunnel_activity base_event
-- product: Cisco / Cisco ASA
-- sniff: \A(?:.*%(?:ASA|FTD|PIX|FWSM)-(?:\w+-)?[0-7]-\d{6}:.*\n){3}|\A(?:.*%(?:ASA|FTD|PIX|FWSM)-(?:\w+-)?[0-7]-\d{6}:.*\n?){1,2}\z
-- over: syslog_rfc3164 syslog_rfc5424
-- https://www.cisco.com/c/en/us/td/docs/security/asa/syslog/b_syslog.html
-- ASA 8 and 9, FTD and PIX, with and without a header of syslog. Connections, translations and what
-- a rule let through or not are network activity, sign-ins authentication, sessions of VPN tunnels;
-- any other message is a base event. A time without a zone is UTC, its year the last it fits.
WITH lines AS (
  SELECT position, ingested_at, line, regexp_extract(line,
    '^(?:<(\d{1,3})>)?(?:\d+ )?(?:: )?((?:[A-Z][a-z]{2} +\d{1,2}(?: \d{4})? \d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\S+))?'
    || '(?: [A-Z]{3,4})?:? *(?:([^\s:%]+|[0-9A-Fa-f:.]+) )?(?:(?:([\w./-]+)\[(\d+)\])?:? *)*'
    || '%(ASA|FTD|PIX|FWSM)-(?:\w+-)?([0-7])-(\d{6}): *(.*)$',
    ['priority', 'time', 'host', 'program', 'pid', 'product', 'level', 'code', 'text']) AS l
  FROM raw
),
parsed AS (
  SELECT *, regexp_replace(l."time", ' +', ' ', 'g') AS told_at,
    regexp_replace(l.text, ' \([^()]*\)', '', 'g') AS said,
    regexp_extract_all(said,
      '(?:[\w.-]+[:/])?(?:(?:\d{1,3}\.){3}\d{1,3}|\b[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:.]+:[0-9A-Fa-f.]*)(?:/\d+|\(\d+\))?')
      AS places,
    nullif(regexp_extract(l.text, '(?i)(?:\buser = |uname: |for user |username[ =:]+|\bUser )'
      || '[''"<]?([^\s''",<>]+)', 1), '')                  AS told_who,
    CASE WHEN lower(told_who) NOT IN ('authentication', 'identity') THEN told_who
      ELSE nullif(regexp_extract(l.text, '(?i)(?:user = |uname: )(\S+)', 1), '') END AS who
  FROM lines
),
read AS (
  SELECT *,
    regexp_matches(said, '^Built outbound |: outbound ') AS is_outbound,
    asa_endpoint(places[1]) AS one, asa_endpoint(places[2]) AS two,
    lower(nullif(regexp_extract(said, '(?i)\b(tcp|udp|icmp6?|gre|esp|sctp|igmp|ipv6-icmp)\b', 1),
      '')) AS proto,
    CASE
      WHEN regexp_matches(said, '(?i)^deny|denied|no matching connection|discard|Action: Block')
        THEN 'deny'
      WHEN starts_with(said, 'Built') THEN 'built'
      WHEN starts_with(said, 'Teardown') THEN 'teardown'
      WHEN regexp_matches(said, '(?i)permitted|est-allowed|Action: Allow') THEN 'permitted' END AS did,
    CASE
      WHEN l.code IN ('113004', '113005', '113012', '113014', '113015', '113016', '113017', '109005',
        '109006', '605004', '605005', '611101', '611102', '611103', '308001', '315011')
        AND who IS NOT NULL THEN 'authentication'
      WHEN l.code IN ('113019', '113039', '722022', '722023', '722028', '722032', '722033', '722034',
        '722036', '722037', '722051', '722055', '716001', '716002', '713119', '713120', '713049',
        '713050', '713228', '602303', '602304', '751025', '750006', '750007') AND len(places) > 0
        THEN 'tunnel_activity'
      WHEN l.code <> '' AND len(places) > 0 AND (l.code[1:3] IN ('106', '302', '305', '313', '304',
        '303', '338', '419', '710', '733', '430', '500', '609', '607', '608', '201')) THEN
        'network_activity'
      ELSE 'base_event'
    END AS class_name
  FROM parsed
),
told AS (
  SELECT *,
    CASE WHEN is_outbound AND two IS NOT NULL OR said LIKE '%: server = %user IP = %' THEN two
      WHEN one IS NOT NULL THEN struct_update(one, port := coalesce(one.port,
        try_cast(regexp_extract(said, 'SrcPort: (\d+)', 1) AS INTEGER))) END AS source,
    CASE WHEN is_outbound AND two IS NOT NULL OR said LIKE '%: server = %user IP = %' THEN one
      WHEN two IS NOT NULL THEN struct_update(two, port := coalesce(two.port,
        try_cast(regexp_extract(said, 'DstPort: (\d+)', 1) AS INTEGER))) END AS target,
    regexp_extract(l.text, 'duration (?:(\d+)d)? ?(\d+):(\d\d):(\d\d)', ['d', 'h', 'm', 's'])
      AS took
  FROM read
)
SELECT
  position,
  ingested_at,
  device_time(told_at, ingested_at) AS "time",
  class_name,
  CASE class_name
    WHEN 'base_event' THEN 0
    WHEN 'authentication' THEN CASE WHEN regexp_matches(said, '(?i)logged out|terminated') THEN 2
      ELSE 1 END
    WHEN 'tunnel_activity' THEN CASE
      WHEN regexp_matches(said, '(?i)disconnect|terminat|deleted|clos') THEN 2 ELSE 1 END
    ELSE CASE did WHEN 'built' THEN 1 WHEN 'teardown' THEN
      CASE WHEN regexp_matches(said, 'TCP Reset') THEN 3 ELSE 2 END WHEN 'deny' THEN 5 ELSE 6 END
  END AS activity_id,
  MAP {'0': 6, '1': 5, '2': 5, '3': 4, '4': 3, '5': 1, '6': 1, '7': 1}[l.level] AS severity_id,
  CASE WHEN class_name = 'base_event' THEN NULL WHEN did = 'deny'
      OR regexp_matches(said, '(?i)reject|fail|unsuccessful|denied') THEN 2
    WHEN class_name = 'network_activity' AND did IS NULL THEN 0 ELSE 1 END AS status_id,
  CASE WHEN class_name = 'network_activity' THEN
    MAP {'deny': 2, 'built': NULL, 'permitted': 1}[did] END AS action_id,
  CASE WHEN class_name = 'network_activity' THEN
    MAP {'deny': 2, 'built': NULL, 'permitted': 1}[did] END AS disposition_id,
  nullif(regexp_extract(said, '(?i)Reason: ?(.*)$|bytes \d+ (.+)$', 1), '') AS status_detail,
  l.text AS message,
  {'event_code': nullif(l.code, ''), 'original_time': nullif(l."time", ''),
   'log_level': l.level} AS metadata,
  CASE WHEN l.host <> '' THEN {'hostname': l.host, 'type_id': 9} END AS device,
  {'instance': nullif(l.host, '')} AS workload,
  CASE WHEN class_name <> 'base_event' THEN source END AS src_endpoint,
  CASE WHEN class_name <> 'base_event' THEN target END AS dst_endpoint,
  CASE WHEN class_name = 'network_activity' THEN {
    'protocol_name': proto, 'uid': nullif(regexp_extract(said, 'connection (\d+) ', 1), ''),
    'boundary_id': CASE WHEN lower(source.interface_name) = 'outside'
      OR lower(target.interface_name) = 'outside' THEN 3 END,
    'direction_id': CASE WHEN did = 'teardown' THEN 0
      WHEN is_outbound OR lower(target.interface_name) = 'outside'
        AND lower(source.interface_name) <> 'outside' THEN 2
      WHEN regexp_matches(said, '(?i)\binbound\b')
        OR lower(source.interface_name) = 'outside' THEN 1 ELSE 0 END} END AS connection_info,
  CASE WHEN class_name IN ('network_activity', 'tunnel_activity') THEN
    CASE WHEN regexp_matches(said, ' bytes \d+') THEN {
        'bytes': try_cast(regexp_extract(said, ' bytes (\d+)', 1) AS BIGINT),
        'bytes_out': NULL::BIGINT, 'bytes_in': NULL::BIGINT}
      WHEN regexp_matches(said, 'Bytes xmt: \d+') THEN {
        'bytes': NULL::BIGINT,
        'bytes_out': try_cast(regexp_extract(said, 'Bytes xmt: (\d+)', 1) AS BIGINT),
        'bytes_in': try_cast(regexp_extract(said, 'Bytes rcv: (\d+)', 1) AS BIGINT)} END END
    AS traffic,
  CASE WHEN class_name = 'network_activity' AND took.h <> '' THEN
    (coalesce(try_cast(took.d AS BIGINT), 0) * 86400 + try_cast(took.h AS BIGINT) * 3600
      + try_cast(took.m AS BIGINT) * 60 + try_cast(took.s AS BIGINT)) * 1000 END AS duration,
  CASE WHEN class_name = 'network_activity' THEN {'name': nullif(coalesce(
    nullif(regexp_extract(said, 'access-group "([^"]+)"', 1), ''),
    regexp_extract(said, '^access-list (\S+)', 1)), '')} END AS firewall_rule,
  CASE WHEN class_name IN ('authentication', 'tunnel_activity') AND who IS NOT NULL THEN {
    'name': who, 'groups': CASE WHEN regexp_matches(l.text, 'Group (= |<)') THEN
      [{'name': regexp_extract(l.text, 'Group (?:= |<)([^,<>]+)', 1)}] END} END AS "user",
  CASE WHEN class_name = 'authentication' AND target IS NULL THEN {'name': 'AAA'} END AS service,
  CASE WHEN class_name = 'tunnel_activity' THEN nullif(regexp_extract(l.text,
    'Session Type: ([^,]+)', 1), '') END AS protocol_name,
  CASE WHEN class_name NOT IN ('authentication', 'tunnel_activity') AND who IS NOT NULL
    THEN {'user': {'name': who}} END AS actor,
  filled({'program': nullif(l.program, ''), 'pid': nullif(l.pid, ''),
    'priority': nullif(l.priority, ''), 'product': CASE WHEN l.product <> 'ASA' THEN l.product END,
    'year_from_arrival': CASE WHEN l."time" <> ''
      AND NOT regexp_matches(l."time", '\d{4}') THEN true END}) AS unmapped,
  CASE WHEN l.code IS NULL OR l.code = '' THEN 'the line is no message of an ASA: it has no %ASA-'
    END AS problem
FROM told
