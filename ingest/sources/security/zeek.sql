-- name: zeek
-- reads: zeek
-- class: network_activity dns_activity http_activity ssh_activity ftp_activity smb_activity email_activity dhcp_activity rdp_activity ntp_activity tunnel_activity authentication detection_finding software_info base_event
-- product: Zeek / Zeek
-- sniff: ^#fields\t|"ts"\s*:\s*("\d{4}-|\d{9,10}[.,])
-- sniff: ^#types\t|"(id\.orig_h|orig_h|_write_ts|_path|host_cert|certificate\.version|unparsed_version|fuid|peer_descr|port_num)"\s*:
-- https://docs.zeek.org/en/current/script-reference/log-files.html
-- Every log of Zeek 3 to 7 and of Corelight's sensors, as tables and as JSON, nested or flat. A log
-- without its name in `_path` is known by its fields. What no class of OCSF has is network activity
-- where it has a connection, and else a base event.
WITH parsed AS (
  SELECT position, ingested_at, doc, from_json(doc, '{
    "_path": "VARCHAR", "_system_name": "VARCHAR", "_write_ts": "VARCHAR", "ts": "VARCHAR",
    "uid": "VARCHAR", "id": {"orig_h": "VARCHAR", "orig_p": "INTEGER", "resp_h": "VARCHAR",
      "resp_p": "INTEGER"},
    "id.orig_h": "VARCHAR", "id.orig_p": "INTEGER", "id.resp_h": "VARCHAR",
    "id.resp_p": "INTEGER", "community_id": "VARCHAR", "proto": "VARCHAR", "service": "JSON",
    "trans_id": "VARCHAR", "duration": "DOUBLE", "orig_bytes": "BIGINT", "resp_bytes": "BIGINT",
    "orig_pkts": "BIGINT", "resp_pkts": "BIGINT", "missed_bytes": "BIGINT",
    "conn_state": "VARCHAR", "local_orig": "BOOLEAN", "local_resp": "BOOLEAN",
    "history": "VARCHAR", "orig_l2_addr": "VARCHAR", "resp_l2_addr": "VARCHAR",
    "orig_cc": "VARCHAR", "resp_cc": "VARCHAR", "vlan": "VARCHAR", "direction": "VARCHAR",
    "query": "VARCHAR", "qclass_name": "VARCHAR", "qtype_name": "VARCHAR", "rcode": "INTEGER",
    "rcode_name": "VARCHAR", "answers": ["VARCHAR"], "TTLs": ["DOUBLE"],
    "trans_depth": "INTEGER", "method": "VARCHAR", "host": "VARCHAR", "uri": "VARCHAR",
    "referrer": "VARCHAR", "version": "VARCHAR", "user_agent": "VARCHAR",
    "request_body_len": "BIGINT", "response_body_len": "BIGINT", "status_code": "INTEGER",
    "status_msg": "VARCHAR", "resp_mime_types": ["VARCHAR"], "proxied": ["VARCHAR"],
    "cipher": "VARCHAR", "server_name": "VARCHAR", "last_alert": "VARCHAR",
    "established": "BOOLEAN", "cert_chain_fps": ["VARCHAR"], "ja3": "VARCHAR", "ja3s": "VARCHAR",
    "ja4": "VARCHAR", "ja4s": "VARCHAR", "subject": "VARCHAR", "issuer": "VARCHAR",
    "validation_status": "VARCHAR",
    "fingerprint": "VARCHAR", "tx": "VARCHAR", "rx": "VARCHAR", "tx_hosts": ["VARCHAR"],
    "rx_hosts": ["VARCHAR"], "host_cert": "BOOLEAN", "certificate": {"version": "VARCHAR",
      "serial": "VARCHAR", "subject": "VARCHAR", "issuer": "VARCHAR",
      "not_valid_before": "VARCHAR", "not_valid_after": "VARCHAR"},
    "certificate.version": "VARCHAR", "certificate.serial": "VARCHAR",
    "certificate.subject": "VARCHAR", "certificate.issuer": "VARCHAR",
    "certificate.not_valid_before": "VARCHAR", "certificate.not_valid_after": "VARCHAR",
    "san": {"dns": ["VARCHAR"], "uri": ["VARCHAR"], "email": ["VARCHAR"], "ip": ["VARCHAR"]},
    "san.dns": ["VARCHAR"], "san.uri": ["VARCHAR"], "san.email": ["VARCHAR"],
    "san.ip": ["VARCHAR"],
    "fuid": "VARCHAR", "source": "VARCHAR", "mime_type": "VARCHAR", "filename": "VARCHAR",
    "seen_bytes": "BIGINT", "total_bytes": "BIGINT", "md5": "VARCHAR", "sha1": "VARCHAR",
    "sha256": "VARCHAR",
    "user": "VARCHAR", "command": "VARCHAR", "arg": "VARCHAR", "file_size": "BIGINT",
    "reply_code": "INTEGER", "reply_msg": "VARCHAR", "data_channel": {"passive": "BOOLEAN",
      "resp_p": "INTEGER"}, "data_channel.passive": "BOOLEAN", "data_channel.resp_p": "INTEGER",
    "auth_success": "BOOLEAN", "auth_attempts": "INTEGER", "hassh": "VARCHAR",
    "hasshServer": "VARCHAR", "client": "VARCHAR", "server": "VARCHAR",
    "remote_location": {"country_code": "VARCHAR", "region": "VARCHAR", "city": "VARCHAR",
      "latitude": "DOUBLE", "longitude": "DOUBLE"},
    "remote_location.country_code": "VARCHAR", "remote_location.region": "VARCHAR",
    "remote_location.city": "VARCHAR", "remote_location.latitude": "DOUBLE",
    "remote_location.longitude": "DOUBLE",
    "helo": "VARCHAR", "mailfrom": "VARCHAR", "rcptto": ["VARCHAR"], "from": "VARCHAR",
    "to": ["VARCHAR"], "cc": ["VARCHAR"], "msg_id": "VARCHAR", "last_reply": "VARCHAR",
    "x_originating_ip": "VARCHAR",
    "action": "VARCHAR", "path": "VARCHAR", "name": "VARCHAR", "size": "BIGINT",
    "share_type": "VARCHAR", "times": {"modified": "VARCHAR", "accessed": "VARCHAR",
      "created": "VARCHAR"}, "times.modified": "VARCHAR", "times.accessed": "VARCHAR",
    "times.created": "VARCHAR",
    "uids": ["VARCHAR"], "client_addr": "VARCHAR", "server_addr": "VARCHAR", "mac": "VARCHAR",
    "host_name": "VARCHAR", "client_fqdn": "VARCHAR", "domain": "VARCHAR",
    "requested_addr": "VARCHAR", "assigned_addr": "VARCHAR", "lease_time": "DOUBLE",
    "client_message": "VARCHAR", "server_message": "VARCHAR", "msg_types": ["VARCHAR"],
    "cookie": "VARCHAR", "result": "VARCHAR", "security_protocol": "VARCHAR",
    "keyboard_layout": "VARCHAR", "client_build": "VARCHAR", "client_name": "VARCHAR",
    "desktop_width": "INTEGER", "desktop_height": "INTEGER", "requested_color_depth": "VARCHAR",
    "request_type": "VARCHAR", "success": "BOOLEAN", "error_msg": "VARCHAR",
    "username": "VARCHAR", "hostname": "VARCHAR", "domainname": "VARCHAR",
    "server_nb_computer_name": "VARCHAR",
    "status": "VARCHAR", "stratum": "INTEGER", "root_delay": "DOUBLE", "root_disp": "DOUBLE",
    "mode": "INTEGER",
    "tunnel_type": "VARCHAR", "note": "VARCHAR", "msg": "VARCHAR", "sub": "VARCHAR",
    "src": "VARCHAR", "dst": "VARCHAR", "p": "INTEGER", "peer_descr": "VARCHAR",
    "actions": ["VARCHAR"], "seen": {"indicator": "VARCHAR", "indicator_type": "VARCHAR",
      "where": "VARCHAR"}, "seen.indicator": "VARCHAR", "seen.indicator_type": "VARCHAR",
    "seen.where": "VARCHAR", "sources": ["VARCHAR"], "file_mime_type": "VARCHAR",
    "file_desc": "VARCHAR",
    "software_type": "VARCHAR", "unparsed_version": "VARCHAR", "addl": "VARCHAR",
    "notice": "BOOLEAN", "peer": "VARCHAR", "endpoint": "VARCHAR", "operation": "VARCHAR",
    "named_pipe": "VARCHAR", "request_path": ["VARCHAR"], "lease": "VARCHAR",
    "host_p": "INTEGER", "port_num": "INTEGER"}') AS e
  FROM raw
),
named AS (
  SELECT *, coalesce(nullif(regexp_replace(e._path, '_(red|short|agg|long)$', ''), ''), CASE
    WHEN e.conn_state IS NOT NULL THEN 'conn'
    WHEN e.tunnel_type IS NOT NULL THEN 'tunnel'
    WHEN e.note IS NOT NULL THEN 'notice'
    WHEN coalesce(e.seen.indicator, e."seen.indicator") IS NOT NULL THEN 'intel'
    WHEN coalesce(e.certificate.serial, e."certificate.serial") IS NOT NULL THEN 'x509'
    WHEN e.auth_attempts IS NOT NULL OR e.hassh IS NOT NULL THEN 'ssh'
    WHEN e.stratum IS NOT NULL THEN 'ntp'
    WHEN e.request_type IN ('AS', 'TGS') THEN 'kerberos'
    WHEN e.server_nb_computer_name IS NOT NULL OR e.domainname IS NOT NULL THEN 'ntlm'
    WHEN e.security_protocol IS NOT NULL OR e.keyboard_layout IS NOT NULL THEN 'rdp'
    WHEN e.msg_types IS NOT NULL THEN 'dhcp'
    WHEN e.share_type IS NOT NULL THEN 'smb_mapping'
    WHEN e.action LIKE 'SMB::%' THEN 'smb_files'
    WHEN e.seen_bytes IS NOT NULL THEN 'files'
    WHEN e.helo IS NOT NULL OR e.mailfrom IS NOT NULL THEN 'smtp'
    WHEN e.trans_depth IS NOT NULL AND (e.method IS NOT NULL OR e.status_code IS NOT NULL)
      AND e.uri NOT LIKE 'sip:%' THEN 'http'
    WHEN e.uri LIKE 'sip:%' THEN 'sip'
    WHEN e.operation IS NOT NULL AND e.endpoint IS NOT NULL THEN 'dce_rpc'
    WHEN e.command IS NOT NULL AND (e.reply_code IS NOT NULL OR e.arg IS NOT NULL) THEN 'ftp'
    WHEN e.software_type IS NOT NULL THEN 'software'
    WHEN e.cipher IS NOT NULL OR e.established IS NOT NULL THEN 'ssl'
    WHEN e.qtype_name IS NOT NULL OR e.rcode IS NOT NULL THEN 'dns'
    WHEN e.name IS NOT NULL AND e.notice IS NOT NULL THEN 'weird'
  END) AS kind
  FROM parsed
),
read AS (
  SELECT *,
    any_time(e.ts) AS at,
    ip_only(coalesce(e.id.orig_h, e."id.orig_h", CASE kind
      WHEN 'notice' THEN e.src WHEN 'dhcp' THEN coalesce(e.client_addr, e.assigned_addr,
        e.requested_addr) WHEN 'x509' THEN coalesce(e.tx, e.tx_hosts[1])
      WHEN 'files' THEN e.tx_hosts[1] END)) AS src_ip,
    ip_only(coalesce(e.id.resp_h, e."id.resp_h", CASE kind
      WHEN 'notice' THEN e.dst WHEN 'dhcp' THEN e.server_addr
      WHEN 'x509' THEN coalesce(e.rx, e.rx_hosts[1]) WHEN 'files' THEN e.rx_hosts[1]
      END)) AS dst_ip,
    coalesce(e.id.orig_p, e."id.orig_p") AS src_port,
    coalesce(e.id.resp_p, e."id.resp_p", CASE WHEN kind = 'notice' THEN e.p END) AS dst_port,
    coalesce(e.uid, e.uids[1]) AS connection_uid,
    mail_address(coalesce(e."from", e.mailfrom)) AS sender,
    nullif(list_filter(list_transform(coalesce(e."to", e.rcptto), lambda a: mail_address(a)),
      lambda a: a IS NOT NULL), []) AS recipients,
    lower(coalesce(e.proto, CASE
      WHEN kind IN ('http', 'ssl', 'ssh', 'ftp', 'smtp', 'smb_files', 'smb_mapping', 'rdp', 'ntlm',
        'dce_rpc', 'mysql', 'irc', 'postgresql', 'ldap', 'ldap_search', 'mqtt_connect',
        'mqtt_publish', 'mqtt_subscribe') THEN 'tcp'
      WHEN kind IN ('dhcp', 'ntp', 'quic', 'snmp', 'radius', 'syslog') THEN 'udp' END)) AS proto,
    upper(coalesce(e.msg_types[-1], e.server_message, e.client_message)) AS dhcp_message,
    coalesce(e.data_channel.passive, e."data_channel.passive") AS is_passive,
    coalesce(e."user", e.username, nullif(e.client, '')) AS who,
    coalesce(e.seen.indicator, e."seen.indicator") AS indicator,
    coalesce(e.certificate.issuer, e."certificate.issuer") AS issuer,
    coalesce(e.certificate.serial, e."certificate.serial") AS serial
  FROM named
),
told AS (
  SELECT *,
    CASE
      WHEN kind IN ('notice', 'notice_alarm', 'intel') THEN 'detection_finding'
      WHEN kind = 'software' THEN 'software_info'
      WHEN kind = 'weird' OR coalesce(src_ip, dst_ip) IS NULL THEN
        CASE WHEN kind = 'dhcp' AND mac_only(e.mac) IS NOT NULL THEN 'dhcp_activity'
          ELSE 'base_event' END
      WHEN kind = 'dns' THEN 'dns_activity'
      WHEN kind = 'http' AND coalesce(e.method, e.uri, e.host, e.status_code::VARCHAR,
        e.user_agent) IS NOT NULL THEN 'http_activity'
      WHEN kind IN ('ssh', 'ftp', 'dhcp', 'rdp', 'ntp') THEN kind || '_activity'
      WHEN kind IN ('smb_files', 'smb_mapping', 'smb_cmd') THEN 'smb_activity'
      WHEN kind = 'smtp' AND coalesce(sender, recipients[1]) IS NOT NULL THEN 'email_activity'
      WHEN kind = 'tunnel' THEN 'tunnel_activity'
      WHEN kind IN ('kerberos', 'ntlm', 'radius') AND who IS NOT NULL THEN 'authentication'
      ELSE 'network_activity'
    END AS class_name
  FROM read
),
ended AS (
  SELECT *,
    CASE WHEN coalesce(src_ip, CASE WHEN kind = 'dhcp' THEN e.mac END) IS NOT NULL THEN {
      'ip': src_ip, 'port': src_port,
      'mac': mac_only(coalesce(e.orig_l2_addr, CASE WHEN kind = 'dhcp' THEN e.mac END)),
      'hostname': CASE kind WHEN 'dhcp' THEN coalesce(e.host_name, e.client_fqdn)
        WHEN 'ntlm' THEN e.hostname WHEN 'rdp' THEN e.client_name END,
      'uid': CASE WHEN kind = 'dhcp' AND src_ip IS NULL THEN e.mac END,
      'domain': CASE WHEN kind = 'dhcp' THEN e.domain END,
      'location': CASE WHEN e.orig_cc <> '' THEN {'country': e.orig_cc}
        WHEN kind = 'ssh' AND e.direction = 'INBOUND' THEN place(e) END} END AS source,
    CASE WHEN dst_ip IS NOT NULL THEN {
      'ip': dst_ip, 'port': dst_port, 'mac': mac_only(e.resp_l2_addr),
      'hostname': CASE kind WHEN 'ntlm' THEN e.server_nb_computer_name END,
      'location': CASE WHEN e.resp_cc <> '' THEN {'country': e.resp_cc}
        WHEN kind = 'ssh' AND e.direction = 'OUTBOUND' THEN place(e) END} END AS target,
    {'protocol_name': proto, 'protocol_num': protocol_number(proto),
     'protocol_ver_id': ip_version(coalesce(src_ip, dst_ip)),
     'uid': connection_uid, 'community_uid': e.community_id, 'flag_history': e.history,
     'direction_id': CASE
       WHEN e.local_orig AND e.local_resp THEN 3 WHEN e.local_orig AND NOT e.local_resp THEN 2
       WHEN e.local_resp AND NOT e.local_orig THEN 1
       ELSE coalesce(MAP {'INBOUND': 1, 'OUTBOUND': 2}[e.direction], 0) END} AS connection
  FROM told
)
SELECT
  position,
  ingested_at,
  "at" AS "time",
  class_name,
  CASE class_name
    WHEN 'base_event' THEN 0
    WHEN 'detection_finding' THEN 1
    WHEN 'software_info' THEN 2
    WHEN 'dns_activity' THEN CASE WHEN e.rcode_name IS NULL AND e.answers IS NULL THEN 1
      WHEN e.query IS NULL THEN 2 ELSE 6 END
    WHEN 'http_activity' THEN http_activity_id(e.method)
    WHEN 'ftp_activity' THEN coalesce(MAP {'STOR': 1, 'STOU': 1, 'APPE': 1, 'RETR': 2, 'DELE': 4,
      'RMD': 4, 'RNFR': 5, 'RNTO': 5, 'LIST': 6, 'NLST': 6, 'MLSD': 6}[upper(e.command)], 0)
    WHEN 'smb_activity' THEN CASE WHEN e.action LIKE 'SMB::%OPEN' THEN 2 ELSE 99 END
    WHEN 'email_activity' THEN 5
    WHEN 'dhcp_activity' THEN coalesce(MAP {'DISCOVER': 1, 'OFFER': 2, 'REQUEST': 3, 'DECLINE': 4,
      'ACK': 5, 'NAK': 6, 'RELEASE': 7, 'INFORM': 8}[dhcp_message], 99)
    WHEN 'rdp_activity' THEN 6
    WHEN 'ntp_activity' THEN CASE WHEN e.mode BETWEEN 1 AND 7 THEN e.mode ELSE 0 END
    WHEN 'tunnel_activity' THEN CASE e.action WHEN 'Tunnel::DISCOVER' THEN 1
      WHEN 'Tunnel::CLOSE' THEN 2 WHEN 'Tunnel::EXPIRE' THEN 2 ELSE 99 END
    WHEN 'authentication' THEN CASE e.request_type WHEN 'AS' THEN 3 WHEN 'TGS' THEN 4 ELSE 1 END
    WHEN 'ssh_activity' THEN CASE WHEN e.auth_success THEN 1 WHEN NOT e.auth_success THEN 4
      ELSE 6 END
    ELSE CASE
      WHEN e.conn_state = 'S0' OR e.conn_state = 'S1' THEN 1
      WHEN e.conn_state IN ('SF', 'S2', 'S3', 'SH', 'SHR') THEN 2
      WHEN e.conn_state LIKE 'RST%' THEN 3 WHEN e.conn_state = 'REJ' THEN 5 ELSE 6 END
  END AS activity_id,
  CASE WHEN kind = 'intel' THEN 4 WHEN kind LIKE 'notice%' THEN
    CASE WHEN list_contains(e.actions, 'Notice::ACTION_ALARM') THEN 3 ELSE 2 END ELSE 1 END
    AS severity_id,
  CASE class_name
    WHEN 'base_event' THEN 0
    WHEN 'detection_finding' THEN 1
    WHEN 'dns_activity' THEN CASE e.rcode_name WHEN 'NOERROR' THEN 1 ELSE
      CASE WHEN e.rcode_name IS NULL THEN 0 ELSE 2 END END
    WHEN 'http_activity' THEN http_status_id(e.status_code)
    WHEN 'ssh_activity' THEN CASE e.auth_success WHEN true THEN 1 WHEN false THEN 2 END
    WHEN 'dhcp_activity' THEN CASE WHEN dhcp_message IN ('ACK', 'OFFER') THEN 1
      WHEN dhcp_message IN ('NAK', 'DECLINE') THEN 2 ELSE 0 END
    WHEN 'authentication' THEN CASE coalesce(e.success, e.result = 'success') WHEN true THEN 1
      WHEN false THEN 2 ELSE 0 END
    ELSE CASE
      WHEN e.conn_state IN ('S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR') THEN 2
      WHEN e.conn_state IS NOT NULL THEN 99
      WHEN e.established THEN 1 WHEN NOT e.established THEN 2 END
  END AS status_id,
  CASE WHEN e.conn_state IS NOT NULL AND e.conn_state NOT IN ('S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH',
    'SHR') THEN 'Other' END AS status,
  CASE WHEN class_name = 'http_activity' THEN NULL ELSE coalesce(e.conn_state,
    e.reply_code::VARCHAR, e.status_code::VARCHAR,
    CASE WHEN kind = 'smtp' THEN regexp_extract(e.last_reply, '^\d{3}') END) END AS status_code,
  CASE WHEN class_name = 'http_activity' THEN NULL ELSE coalesce(e.reply_msg, e.error_msg,
    e.status_msg, e.last_reply, CASE WHEN kind IN ('rdp', 'radius') THEN e.result END,
    CASE WHEN kind = 'ssl' THEN e.last_alert END) END AS status_detail,
  CASE WHEN class_name = 'detection_finding' THEN coalesce(e.msg, indicator) END AS message,
  CASE WHEN class_name = 'detection_finding' THEN true END AS is_alert,
  {'log_name': CASE WHEN e._path <> '' THEN e._path || '.log' END,
   'logged_time': any_time(e._write_ts), 'correlation_uid': connection_uid,
   'original_event_uid': connection_uid, 'product': {'cpe_name': 'cpe:2.3:a:zeek:zeek'},
   'loggers': CASE WHEN e._system_name <> '' THEN [{'name': e._system_name}] END} AS metadata,
  CASE
    WHEN kind = 'conn' THEN CASE WHEN json_type(e.service) = 'ARRAY' THEN e.service->>'$[0]'
      ELSE e.service->>'$' END
    WHEN class_name = 'network_activity' AND kind NOT IN ('x509', 'files', 'analyzer', 'dpd',
      'capture_loss', 'signatures', 'known_services', 'known_hosts')
      THEN kind
  END AS app_protocol_name,
  CASE WHEN class_name NOT IN ('base_event', 'detection_finding', 'software_info') THEN source END
    AS src_endpoint,
  CASE WHEN class_name NOT IN ('base_event', 'detection_finding', 'software_info') THEN target END
    AS dst_endpoint,
  CASE WHEN class_name NOT IN ('base_event', 'detection_finding', 'software_info',
    'email_activity', 'authentication') AND kind <> 'x509' THEN connection END AS connection_info,
  CASE WHEN kind = 'conn' AND coalesce(e.orig_bytes, e.resp_bytes, e.orig_pkts, e.resp_pkts)
    IS NOT NULL THEN {
      'bytes_in': e.resp_bytes, 'bytes_out': e.orig_bytes, 'bytes': e.orig_bytes + e.resp_bytes,
      'packets_in': e.resp_pkts, 'packets_out': e.orig_pkts,
      'packets': e.orig_pkts + e.resp_pkts, 'bytes_missed': e.missed_bytes} END AS traffic,
  CASE WHEN kind = 'conn' THEN "at" END AS start_time,
  CASE WHEN kind = 'conn' THEN "at" + to_microseconds((e.duration * 1000000)::BIGINT) END
    AS end_time,
  CASE WHEN class_name <> 'base_event' AND kind IN ('conn', 'dhcp')
    THEN (e.duration * 1000)::BIGINT END AS duration,
  CASE WHEN class_name = 'dns_activity' AND e.query IS NOT NULL THEN {
    'hostname': e.query, 'type': coalesce(e.qtype_name), 'class': CASE e.qclass_name
      WHEN 'C_INTERNET' THEN 'IN' ELSE e.qclass_name END} END AS query,
  CASE WHEN class_name = 'dns_activity' THEN nullif(list_transform(list_filter(
    list_zip(e.answers, e."TTLs"), lambda a: a[1] IS NOT NULL),
    lambda a: {'rdata': a[1], 'ttl': a[2]::BIGINT}), []) END AS answers,
  CASE WHEN class_name = 'dns_activity' THEN dns_rcode_id(e.rcode_name) END AS rcode_id,
  CASE WHEN class_name = 'dns_activity' AND dns_rcode_id(e.rcode_name) = 99 THEN e.rcode_name END
    AS rcode,
  CASE WHEN class_name = 'http_activity' AND coalesce(e.method, e.uri, e.host, e.user_agent)
    IS NOT NULL THEN {
    'http_method': e.method, 'version': e."version", 'referrer': e.referrer,
    'user_agent': e.user_agent, 'body_length': nullif(e.request_body_len, 0),
    'url': CASE WHEN coalesce(e.uri, e.host) <> '' THEN list_transform(
      [url_parts(coalesce(e.uri, '/'))], lambda p: {
        'scheme': coalesce(nullif(p.scheme, ''), 'http'),
        'hostname': coalesce(e.host, nullif(p.host, '')), 'port': try_cast(p.port AS INT),
        'path': p.path, 'query_string': nullif(p.query, ''),
        'url_string': CASE WHEN p.scheme <> '' OR e.host IS NULL THEN e.uri
          ELSE 'http://' || e.host || coalesce(e.uri, '/') END})[1] END} END AS http_request,
  CASE WHEN class_name = 'http_activity' AND e.status_code IS NOT NULL THEN {
    'code': e.status_code, 'message': e.status_msg, 'body_length': e.response_body_len,
    'content_type': e.resp_mime_types[1]} END AS http_response,
  CASE
    WHEN kind IN ('ssl', 'quic') AND class_name = 'network_activity' THEN {
      'version': coalesce(CASE WHEN e."version" LIKE 'TLSv%' THEN 'TLS ' || CASE length(e."version")
        WHEN 5 THEN e."version"[5:] ELSE e."version"[5] || '.' || e."version"[6:] END
        ELSE e."version" END, 'Unknown'),
      'cipher': e.cipher, 'sni': e.server_name,
      'certificate_chain': e.cert_chain_fps,
      'ja3_hash': digest(e.ja3), 'ja3s_hash': digest(e.ja3s), 'certificate': NULL, 'sans': NULL}
    WHEN kind = 'x509' AND class_name = 'network_activity' THEN {
      'version': 'Unknown', 'certificate': CASE WHEN issuer <> '' AND serial <> '' THEN {
        'version': coalesce(e.certificate."version", e."certificate.version"),
        'serial_number': serial, 'issuer': issuer,
        'subject': coalesce(e.certificate.subject, e."certificate.subject"),
        'created_time': epoch_ms(any_time(coalesce(e.certificate.not_valid_before,
          e."certificate.not_valid_before"))),
        'expiration_time': epoch_ms(any_time(coalesce(e.certificate.not_valid_after,
          e."certificate.not_valid_after"))),
        'fingerprints': CASE WHEN e.fingerprint <> '' THEN [digest(e.fingerprint)] END} END,
      'sans': nullif(list_concat(
        list_transform(coalesce(e.san.dns, e."san.dns", []),
          lambda n: {'name': n, 'type': 'DNSName'}),
        list_transform(coalesce(e.san.uri, e."san.uri", []),
          lambda n: {'name': n, 'type': 'URI'}),
        list_transform(coalesce(e.san.email, e."san.email", []),
          lambda n: {'name': n, 'type': 'Email'}),
        list_transform(coalesce(e.san.ip, e."san.ip", []),
          lambda n: {'name': n, 'type': 'IP'})), [])}
  END AS tls,
  CASE WHEN class_name = 'network_activity' THEN nullif(list_filter(
    [{'value': e.ja4, 'type_id': 1}, {'value': e.ja4s, 'type_id': 2}], lambda f: f."value" <> ''),
    []) END AS ja4_fingerprint_list,
  CASE class_name WHEN 'ssh_activity' THEN e."version" WHEN 'rdp_activity' THEN e.client_build END
    AS protocol_ver,
  CASE WHEN class_name = 'ssh_activity' THEN {'fingerprint': digest(e.hassh)} END AS client_hassh,
  CASE WHEN class_name = 'ssh_activity' THEN {'fingerprint': digest(e."hasshServer")} END
    AS server_hassh,
  CASE WHEN class_name = 'ssh_activity' THEN e.auth_attempts END AS count,
  CASE WHEN class_name IN ('ftp_activity', 'smb_activity') THEN e.command END AS command,
  CASE WHEN class_name = 'ftp_activity' AND e.reply_code IS NOT NULL THEN [e.reply_code] END
    AS codes,
  CASE WHEN class_name = 'ftp_activity' THEN coalesce(e.data_channel.resp_p,
    e."data_channel.resp_p") END AS port,
  CASE WHEN class_name = 'ftp_activity' THEN
    CASE is_passive WHEN true THEN 'passive' WHEN false THEN 'active' END END AS type,
  CASE
    WHEN class_name = 'ftp_activity' AND e.arg <> '' AND (e.file_size IS NOT NULL
      OR e.command IN ('STOR', 'STOU', 'APPE', 'RETR', 'DELE', 'RNFR', 'RNTO'))
      THEN {'name': coalesce(file_name(e.arg), e.arg), 'path': CASE WHEN contains(e.arg, '/')
        THEN e.arg END, 'size': e.file_size, 'uid': e.fuid, 'mime_type': e.mime_type, 'type_id': 0}
    WHEN kind = 'smb_files' AND class_name = 'smb_activity' AND e.name <> '' THEN {
      'name': coalesce(file_name(e.name), e.name), 'size': nullif(e.size, 0), 'uid': e.fuid,
      'path': CASE WHEN e.name = '<share_root>' THEN e.path
        ELSE coalesce(e.path || '\', '') || e.name END,
      'type_id': CASE WHEN e.name = '<share_root>' THEN 2 ELSE 0 END,
      'created_time': epoch_ms(any_time(coalesce(e.times.created, e."times.created"))),
      'accessed_time': epoch_ms(any_time(coalesce(e.times.accessed, e."times.accessed"))),
      'modified_time': epoch_ms(any_time(coalesce(e.times.modified, e."times.modified")))}
  END AS file,
  CASE WHEN class_name = 'smb_activity' THEN e.path END AS share,
  CASE WHEN class_name = 'smb_activity' THEN coalesce(MAP {'DISK': 1, 'PIPE': 2, 'PRINT': 3}[
    upper(e.share_type)], CASE WHEN e.action LIKE 'SMB::FILE%' THEN 1
      WHEN e.action LIKE 'SMB::PIPE%' THEN 2 WHEN e.action LIKE 'SMB::PRINT%' THEN 3 END) END
    AS share_type_id,
  CASE WHEN class_name = 'email_activity' THEN 0 END AS direction_id,
  CASE class_name WHEN 'email_activity' THEN 'SMTP' WHEN 'tunnel_activity'
    THEN replace(e.tunnel_type, 'Tunnel::', '') END AS protocol_name,
  CASE WHEN class_name = 'email_activity' THEN e.helo END AS smtp_hello,
  CASE WHEN class_name = 'email_activity' THEN {
    'from': sender, 'to': recipients, 'from_mailbox': e."from", 'to_mailboxes': e."to",
    'cc_mailboxes': e.cc, 'subject': e.subject, 'message_uid': e.msg_id,
    'smtp_from': mail_address(e.mailfrom),
    'smtp_to': nullif(list_filter(list_transform(e.rcptto, lambda a: mail_address(a)),
      lambda a: a IS NOT NULL), []),
    'x_originating_ip': CASE WHEN ip_only(e.x_originating_ip) IS NOT NULL
      THEN [e.x_originating_ip] END} END AS email,
  CASE WHEN class_name = 'dhcp_activity' THEN e.trans_id END AS transaction_uid,
  CASE WHEN class_name = 'dhcp_activity' THEN e.lease_time::INTEGER END AS lease_dur,
  CASE WHEN class_name = 'rdp_activity' THEN e.cookie END AS identifier_cookie,
  CASE WHEN class_name = 'rdp_activity' AND e.keyboard_layout IS NOT NULL
    THEN {'keyboard_layout': e.keyboard_layout} END AS keyboard_info,
  CASE WHEN class_name = 'rdp_activity' AND e.desktop_width IS NOT NULL THEN {
    'physical_width': e.desktop_width, 'physical_height': e.desktop_height,
    'color_depth': try_cast(regexp_extract(e.requested_color_depth, '\d+') AS INT)} END
    AS remote_display,
  CASE WHEN class_name = 'ntp_activity' THEN coalesce(e."version", '0') END AS "version",
  CASE WHEN class_name = 'ntp_activity' THEN CASE WHEN e.stratum = 0 THEN 0 WHEN e.stratum = 1
    THEN 1 WHEN e.stratum BETWEEN 2 AND 15 THEN 2 WHEN e.stratum = 16 THEN 16 ELSE 99 END END
    AS stratum_id,
  CASE WHEN class_name = 'ntp_activity' THEN (e.root_delay * 1000)::INTEGER END AS delay,
  CASE WHEN class_name = 'ntp_activity' THEN (e.root_disp * 1000)::INTEGER END AS dispersion,
  CASE WHEN class_name = 'authentication' THEN {
    'name': CASE WHEN kind = 'kerberos' THEN split_part(who, '/', 1) ELSE who END,
    'domain': CASE WHEN kind = 'kerberos' THEN nullif(regexp_extract(who, '/(.*)$', 1), '')
      ELSE e.domainname END} END AS "user",
  CASE WHEN class_name = 'ftp_activity' AND e."user" NOT IN ('', '<unknown>')
    THEN {'user': {'name': e."user"}} END AS actor,
  CASE WHEN class_name = 'authentication' AND kind = 'kerberos' THEN {'name': e.service->>'$'} END
    AS service,
  CASE WHEN class_name = 'authentication' THEN
    MAP {'ntlm': 1, 'kerberos': 2, 'radius': 10}[kind] END AS auth_protocol_id,
  CASE WHEN class_name = 'detection_finding' THEN {
    'uid': coalesce(connection_uid, e.fuid, md5(doc)), 'title': coalesce(e.note, indicator),
    'desc': coalesce(e.sub, e.msg), 'created_time': epoch_ms("at"),
    'types': CASE WHEN kind = 'intel' THEN [coalesce(e.seen.indicator_type,
      e."seen.indicator_type")] END,
    'data_sources': CASE WHEN kind = 'intel' THEN e.sources END,
    'analytic': {'name': coalesce(e.note, 'Intel::' || coalesce(e.seen."where", e."seen.where")),
      'type_id': 1}} END AS finding_info,
  CASE WHEN class_name = 'detection_finding' AND coalesce(src_ip, dst_ip, e.fuid) IS NOT NULL
    THEN [{
    'src_endpoint': source, 'dst_endpoint': target,
    'connection_info': CASE WHEN coalesce(src_ip, dst_ip) IS NOT NULL THEN connection END,
    'file': CASE WHEN e.fuid <> '' THEN {'uid': e.fuid, 'name': coalesce(e.file_desc, e.fuid),
      'mime_type': e.file_mime_type, 'type_id': 0} END}] END AS evidences,
  CASE WHEN class_name = 'software_info' THEN {'ip': ip_only(e.host), 'type_id': 0} END AS device,
  CASE WHEN class_name = 'software_info' THEN {'name': coalesce(e.name, e.unparsed_version),
    'version': regexp_extract(e.unparsed_version, '[\d.]+\d')} END AS product,
  {'instance': e._system_name} AS workload,
  remaining(doc, '{"_path": null, "_write_ts": null, "ts": null, "uid": null'
    || CASE WHEN class_name = 'base_event' THEN '' WHEN e.id.orig_h IS NOT NULL THEN ', "id": {
      "orig_h": null, "orig_p": null, "resp_h": null, "resp_p": null}' ELSE ', "id.orig_h": null,
      "id.orig_p": null, "id.resp_h": null, "id.resp_p": null' END
    || coalesce(', ' || MAP {
      'conn': '"community_id": null, "proto": null, "duration": null, "orig_bytes": null,
        "resp_bytes": null, "orig_pkts": null, "resp_pkts": null, "missed_bytes": null,
        "conn_state": null, "history": null, "local_orig": null, "local_resp": null,
        "orig_l2_addr": null, "resp_l2_addr": null, "orig_cc": null, "resp_cc": null',
      'dns': '"proto": null, "query": null, "qtype_name": null, "rcode_name": null, "rcode": null',
      'http': '"method": null, "host": null, "uri": null, "referrer": null, "version": null,
        "user_agent": null, "status_code": null, "status_msg": null',
      'ssl': '"cipher": null, "server_name": null, "cert_chain_fps": null, "established": null',
      'ssh': '"auth_success": null, "auth_attempts": null, "direction": null, "hassh": null,
        "hasshServer": null, "version": null',
      'ftp': '"command": null, "reply_code": null, "reply_msg": null, "user": null',
      'dhcp': '"mac": null, "host_name": null, "lease_time": null, "trans_id": null',
      'notice': '"note": null, "msg": null, "sub": null, "src": null, "dst": null, "p": null'
      }[CASE WHEN class_name <> 'base_event' THEN kind END], '') || '}') AS unmapped,
  CASE
    WHEN e.ts IS NULL AND e.uid IS NULL THEN 'the document is no record of Zeek: it has no ts'
    WHEN class_name = 'software_info' AND (ip_only(e.host) IS NULL
      OR coalesce(e.name, e.unparsed_version) IS NULL) THEN 'the software names no host or no name'
  END AS problem
FROM ended
