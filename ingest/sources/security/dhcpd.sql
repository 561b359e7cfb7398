-- name: dhcpd
-- reads: lines
-- class: dhcp_activity base_event
-- product: ISC / ISC DHCPD
-- sniff: \A(?:.*(?:\bdhcpd6?(?:\[\d+\])?: |\bDHCP(?:DISCOVER|OFFER|REQUEST|ACK|NAK|DECLINE|RELEASE|INFORM) (?:from|on|for|of|to) |\b(?:Advertise|Reply) [NTP][AD]: address \S+ to client with duid).*\n){3}|\A(?:.*(?:\bdhcpd6?(?:\[\d+\])?: |\bDHCP(?:DISCOVER|OFFER|REQUEST|ACK|NAK|DECLINE|RELEASE|INFORM) (?:from|on|for|of|to) |\b(?:Advertise|Reply) [NTP][AD]: address \S+ to client with duid).*\n?){1,2}\z
-- over: syslog_rfc3164 syslog_rfc5424
-- https://kb.isc.org/docs/isc-dhcp-44-manual-pages-dhcpd
-- What ISC's server of DHCP 4.x logs of version 4 and 6, by syslog, and as JSON of a time and a
-- message. The client is the source whoever speaks; the year of a time without one, and its zone,
-- are taken as `year_from_arrival` and UTC. What the server says of itself is a base event.
WITH lines AS (
  SELECT position, ingested_at, line, CASE WHEN json_valid(line) THEN {
      'at': coalesce(line->>'$.time', line->>'$.timestamp', line->>'$."@timestamp"'),
      'host': coalesce(line->>'$.host', line->>'$.hostname'), 'pid': NULL::VARCHAR,
      'text': coalesce(line->>'$.message', line->>'$.msg')}
    ELSE regexp_extract(line, '^(?:<\d{1,3}>)?(?:\d+ )?([A-Z][a-z]{2} +\d+ (?:\d{4} )?[\d:.]+|\d{4}-\S+)'
      || ' +(\S+) +(?:\S+ )??dhcpd6?(?:\[(\d+)\])?:? +(?:- - )?(.*)$', ['at', 'host', 'pid', 'text'])
    END AS l
  FROM raw
),
parsed AS (
  SELECT *, regexp_replace(l."at", ' +', ' ', 'g') AS told_at,
    regexp_extract(l.text,
      '^DHCP(DISCOVER|OFFER|REQUEST|ACK|NAK|DECLINE|RELEASE|INFORM|EXPIRE)\b', 1) AS four,
    regexp_extract(l.text, '^(?:Sending |Relay-forward )?(Solicit|Advertise|Request|Confirm|Renew'
      || '|Rebind|Reply|Release|Decline|Information-request)\b', 1) AS six,
    CASE WHEN four <> '' THEN nullif(regexp_extract(l.text,
      '\b((?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2})\b', 1), '') END AS mac,
    nullif(regexp_extract(l.text, '(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2} \(([^)]+)\)', 1), '')
      AS host,
    ip_only(nullif(regexp_extract(l.text, '^DHCP[A-Z]+ (?:for|on|of|to|from) ([\d.]+)\b'
      || '|address ([0-9A-Fa-f:.]+) ', 1), '')) AS four_ip,
    CASE WHEN six <> '' THEN ip_only(nullif(regexp_extract(l.text,
      '(?:address|from|to) ([0-9A-Fa-f]*:[0-9A-Fa-f:.]+)(?: |$)', 1), '')) END AS six_ip,
    ip_only(nullif(regexp_extract(l.text, '^DHCPREQUEST for \S+ \(([\d.]+)\)', 1), ''))
      AS server_ip,
    nullif(regexp_extract(l.text, '\bvia ([^\s:]+|[0-9A-Fa-f:]+)(?::|\s|$)', 1), '') AS via,
    nullif(regexp_extract(l.text, 'duid ([0-9A-Fa-f:]+)', 1), '') AS duid,
    nullif(regexp_extract(l.text, '\bvia \S+?: (.+)$', 1), '') AS reason
  FROM lines
),
told AS (
  SELECT *, CASE WHEN (four <> '' OR six <> '') AND coalesce(mac, four_ip, six_ip, duid, server_ip)
    IS NOT NULL THEN 'dhcp_activity' ELSE 'base_event' END AS class_name
  FROM parsed
)
SELECT
  position,
  ingested_at,
  CASE WHEN told_at <> '' THEN device_time(told_at, ingested_at) END AS "time",
  class_name,
  CASE WHEN class_name = 'base_event' THEN 0 ELSE coalesce(MAP {'DISCOVER': 1, 'OFFER': 2,
    'REQUEST': 3, 'DECLINE': 4, 'ACK': 5, 'NAK': 6, 'RELEASE': 7, 'INFORM': 8, 'EXPIRE': 9,
    'Solicit': 1, 'Advertise': 2, 'Request': 3, 'Renew': 3, 'Rebind': 3, 'Decline': 4, 'Reply': 5,
    'Release': 7, 'Information-request': 8}[coalesce(nullif(four, ''), six)], 99) END AS activity_id,
  CASE WHEN four IN ('NAK', 'DECLINE') OR regexp_matches(l.text, '(?i)no free leases|unavailable')
    THEN 2 WHEN regexp_matches(l.text, '(?i)^(error|fatal|can''t|unable|no subnet)') THEN 4 ELSE 1
    END AS severity_id,
  CASE WHEN class_name = 'base_event' THEN 0 WHEN four IN ('ACK', 'OFFER')
      OR six IN ('Reply', 'Advertise') THEN 1
    WHEN four IN ('NAK', 'DECLINE') OR reason IS NOT NULL THEN 2 ELSE 0 END AS status_id,
  CASE WHEN class_name = 'dhcp_activity' THEN reason END AS status_detail,
  CASE WHEN class_name = 'base_event' THEN l.text END AS message,
  {'log_name': 'dhcpd', 'log_provider': 'ISC DHCPD', 'log_source': 'dhcpd'} AS metadata,
  {'instance': nullif(l.host, '')} AS workload,
  CASE WHEN class_name = 'dhcp_activity' THEN {
    'ip': coalesce(four_ip, six_ip), 'mac': mac, 'hostname': host,
    'uid': coalesce(mac, duid)} END AS src_endpoint,
  CASE WHEN class_name = 'dhcp_activity' THEN {'ip': server_ip, 'hostname': nullif(l.host, ''),
    'svc_name': 'dhcp'} END AS dst_endpoint,
  CASE WHEN class_name = 'dhcp_activity' THEN {'protocol_name': 'udp', 'protocol_num': 17,
    'direction_id': 0} END AS connection_info,
  CASE WHEN class_name = 'dhcp_activity' AND via IS NOT NULL THEN {'ip': ip_only(via),
    'name': CASE WHEN ip_only(via) IS NULL THEN via END} END AS relay,
  CASE WHEN class_name = 'dhcp_activity' THEN nullif(regexp_extract(l.text,
    'transaction ID (0x[0-9A-Fa-f]+)', 1), '') END AS transaction_uid,
  CASE WHEN class_name = 'dhcp_activity' THEN try_cast(regexp_extract(l.text,
    'valid for (\d+) seconds', 1) AS INTEGER) END AS lease_dur,
  CASE WHEN class_name = 'dhcp_activity' AND six IN ('Renew', 'Rebind') THEN true END AS is_renewal,
  CASE WHEN class_name = 'dhcp_activity' THEN l.text END AS raw_data,
  filled({'pid': nullif(l.pid, ''), 'iaid': nullif(regexp_extract(l.text, 'iaid = (\S+)', 1), ''),
    'year_from_arrival': CASE WHEN told_at <> '' AND NOT regexp_matches(told_at, '\d{4}')
      THEN true END}) AS unmapped,
  CASE WHEN l.text IS NULL OR l.text = '' THEN 'the line is no message of dhcpd' END AS problem
FROM told
