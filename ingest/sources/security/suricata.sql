-- name: suricata
-- reads: json
-- class: network_activity detection_finding dns_activity http_activity dhcp_activity email_activity ssh_activity ftp_activity smb_activity rdp_activity authentication base_event
-- product: Open Information Security Foundation / Suricata
-- sniff: "event_type"\s*:\s*"(alert|anomaly|arp|bittorrent_dht|dcerpc|dhcp|dnp3|dns|drop|enip|fileinfo|flow|ftp|ftp_data|http|http2|ike|ikev2|krb5|ldap|mdns|metadata|modbus|mqtt|netflow|nfs|packet|pgsql|pop3|quic|rdp|rfb|sip|smb|smtp|snmp|ssh|stats|telnet|tftp|tls|websocket)"
-- sniff: "timestamp"\s*:
-- https://docs.suricata.io/en/latest/output/eve/eve-json-format.html
-- EVE of Suricata 4 to 8, every type of event; DNS of versions 1 to 3. What has a class of its own
-- has it; other protocols are network activity, alerts and anomalies that rules tell detections.
WITH parsed AS (
  SELECT position, ingested_at, doc, from_json(doc, '{
    "timestamp": "VARCHAR", "event_type": "VARCHAR", "flow_id": "VARCHAR",
    "parent_id": "VARCHAR", "pcap_cnt": "BIGINT", "in_iface": "VARCHAR", "host": "VARCHAR",
    "src_ip": "VARCHAR", "src_port": "INTEGER", "dest_ip": "VARCHAR", "dest_port": "INTEGER",
    "proto": "VARCHAR", "app_proto": "VARCHAR", "community_id": "VARCHAR", "vlan": ["VARCHAR"],
    "direction": "VARCHAR", "verdict": {"action": "VARCHAR"},
    "ether": {"src_mac": "VARCHAR", "dest_mac": "VARCHAR"},
    "alert": {"action": "VARCHAR", "gid": "VARCHAR", "signature_id": "VARCHAR", "rev": "VARCHAR",
      "signature": "VARCHAR", "category": "VARCHAR", "severity": "INTEGER", "rule": "VARCHAR",
      "metadata": {"mitre_tactic_id": ["VARCHAR"], "mitre_tactic_name": ["VARCHAR"],
        "mitre_technique_id": ["VARCHAR"], "mitre_technique_name": ["VARCHAR"],
        "created_at": ["VARCHAR"], "updated_at": ["VARCHAR"]}},
    "anomaly": {"type": "VARCHAR", "event": "VARCHAR", "layer": "VARCHAR", "app_proto": "VARCHAR"},
    "dns": {"type": "VARCHAR", "rrname": "VARCHAR", "rrtype": "VARCHAR", "rcode": "VARCHAR",
      "rdata": "VARCHAR", "ttl": "BIGINT",
      "queries": [{"rrname": "VARCHAR", "rrtype": "VARCHAR"}],
      "query": [{"rrname": "VARCHAR", "rrtype": "VARCHAR"}],
      "answers": [{"rrtype": "VARCHAR", "ttl": "BIGINT", "rdata": "VARCHAR"}]},
    "http": {"hostname": "VARCHAR", "http_port": "INTEGER", "url": "VARCHAR",
      "http_user_agent": "VARCHAR", "xff": "VARCHAR", "http_content_type": "VARCHAR",
      "http_refer": "VARCHAR", "http_method": "VARCHAR", "protocol": "VARCHAR",
      "status": "INTEGER", "length": "BIGINT",
      "request_headers": [{"name": "VARCHAR", "value": "VARCHAR"}],
      "response_headers": [{"name": "VARCHAR", "value": "VARCHAR"}]},
    "tls": {"subject": "VARCHAR", "issuerdn": "VARCHAR", "serial": "VARCHAR",
      "fingerprint": "VARCHAR", "sni": "VARCHAR", "version": "VARCHAR", "notbefore": "VARCHAR",
      "notafter": "VARCHAR", "subjectaltname": ["VARCHAR"], "ja4": "VARCHAR",
      "ja3": {"hash": "VARCHAR"}, "ja3s": {"hash": "VARCHAR"}},
    "quic": {"version": "VARCHAR", "sni": "VARCHAR", "ja4": "VARCHAR"},
    "flow": {"pkts_toserver": "BIGINT", "pkts_toclient": "BIGINT", "bytes_toserver": "BIGINT",
      "bytes_toclient": "BIGINT", "start": "VARCHAR", "end": "VARCHAR", "age": "BIGINT",
      "state": "VARCHAR", "reason": "VARCHAR", "alerted": "BOOLEAN", "action": "VARCHAR"},
    "netflow": {"pkts": "BIGINT", "bytes": "BIGINT", "start": "VARCHAR", "end": "VARCHAR",
      "age": "BIGINT"},
    "tcp": {"state": "VARCHAR", "tcp_flags": "VARCHAR", "rst": "BOOLEAN"},
    "ssh": {"client": {"proto_version": "VARCHAR", "hassh": {"hash": "VARCHAR"}},
      "server": {"proto_version": "VARCHAR", "hassh": {"hash": "VARCHAR"}}},
    "smtp": {"helo": "VARCHAR", "mail_from": "VARCHAR", "rcpt_to": ["VARCHAR"]},
    "email": {"from": "VARCHAR", "to": ["VARCHAR"], "cc": ["VARCHAR"], "subject": "VARCHAR",
      "status": "VARCHAR", "message_id": "VARCHAR", "attachment": ["VARCHAR"],
      "url": ["VARCHAR"]},
    "ftp": {"command": "VARCHAR", "command_data": "VARCHAR", "completion_code": ["INTEGER"],
      "reply": ["VARCHAR"], "dynamic_port": "INTEGER", "mode": "VARCHAR"},
    "ftp_data": {"filename": "VARCHAR", "command": "VARCHAR"},
    "smb": {"dialect": "VARCHAR", "command": "VARCHAR", "status": "VARCHAR",
      "status_code": "VARCHAR", "tree_id": "VARCHAR", "client_dialects": ["VARCHAR"],
      "share": "VARCHAR", "share_type": "VARCHAR", "filename": "VARCHAR", "fuid": "VARCHAR",
      "directory": "VARCHAR", "disposition": "VARCHAR", "size": "BIGINT", "created": "VARCHAR",
      "accessed": "VARCHAR", "modified": "VARCHAR", "ntlmssp": {"domain": "VARCHAR",
        "user": "VARCHAR", "host": "VARCHAR"}},
    "dhcp": {"type": "VARCHAR", "id": "VARCHAR", "client_mac": "VARCHAR",
      "assigned_ip": "VARCHAR", "client_ip": "VARCHAR", "relay_ip": "VARCHAR",
      "dhcp_type": "VARCHAR", "hostname": "VARCHAR", "lease_time": "INTEGER"},
    "fileinfo": {"filename": "VARCHAR", "magic": "VARCHAR", "mimetype": "VARCHAR",
      "md5": "VARCHAR", "sha1": "VARCHAR", "sha256": "VARCHAR", "file_id": "VARCHAR",
      "size": "BIGINT"},
    "krb5": {"msg_type": "VARCHAR", "cname": "VARCHAR", "realm": "VARCHAR", "sname": "VARCHAR",
      "error_code": "VARCHAR"},
    "rdp": {"event_type": "VARCHAR", "cookie": "VARCHAR", "error_code": "VARCHAR",
      "reason": "VARCHAR", "client": {"version": "VARCHAR", "desktop_width": "INTEGER",
        "desktop_height": "INTEGER", "color_depth": "INTEGER", "keyboard_layout": "VARCHAR",
        "keyboard_type": "VARCHAR", "function_keys": "INTEGER", "ime": "VARCHAR",
        "client_name": "VARCHAR", "capabilities": ["VARCHAR"]}},
    "sip": {"method": "VARCHAR", "code": "VARCHAR", "reason": "VARCHAR",
      "request_line": "VARCHAR", "response_line": "VARCHAR"},
    "drop": {"reason": "VARCHAR"}}') AS e
  FROM raw
),
read AS (
  SELECT *,
    any_time(e."timestamp") AS at,
    ip_only(e.src_ip) AS src_ip, ip_only(e.dest_ip) AS dest_ip,
    coalesce(e.dns.queries, e.dns.query, CASE WHEN e.dns.rrname IS NOT NULL THEN
      [{'rrname': e.dns.rrname, 'rrtype': e.dns.rrtype}] END)[1] AS query,
    mail_address(coalesce(e.email."from", e.smtp.mail_from)) AS sender,
    list_filter(list_transform(coalesce(e.email."to", e.smtp.rcpt_to), lambda a: mail_address(a)),
      lambda a: a IS NOT NULL) AS recipients,
    coalesce(e.verdict.action, CASE e.event_type WHEN 'drop' THEN 'drop' END, e.alert.action,
      e.flow.action) AS verdict,
    lower(e.dhcp.dhcp_type) AS dhcp_type,
    lower(e.dhcp.type) = 'reply' AND e.event_type = 'dhcp' AS is_turned
  FROM parsed
),
told AS (
  SELECT *,
    CASE
      WHEN e.event_type = 'alert' THEN 'detection_finding'
      WHEN coalesce(src_ip, dest_ip) IS NULL THEN 'base_event'
      WHEN e.event_type IN ('dns', 'mdns') THEN 'dns_activity'
      WHEN e.event_type IN ('http', 'http2', 'fileinfo') AND e.http IS NOT NULL
        THEN 'http_activity'
      WHEN e.event_type = 'fileinfo' AND e.app_proto IN ('smb', 'ftp-data') THEN
        split_part(e.app_proto, '-', 1) || '_activity'
      WHEN e.event_type IN ('dhcp', 'ssh', 'smb', 'rdp') THEN e.event_type || '_activity'
      WHEN e.event_type IN ('ftp', 'ftp_data') THEN 'ftp_activity'
      WHEN e.event_type = 'smtp' AND (sender IS NOT NULL OR len(recipients) > 0)
        THEN 'email_activity'
      WHEN e.event_type = 'krb5' AND e.krb5.cname NOT IN ('', '<empty>')
        THEN 'authentication'
      ELSE 'network_activity'
    END AS class_name,
    CASE WHEN src_ip IS NOT NULL THEN {'ip': src_ip, 'port': e.src_port,
      'mac': mac_only(e.ether.src_mac)} END AS source,
    CASE WHEN dest_ip IS NOT NULL THEN {'ip': dest_ip, 'port': e.dest_port,
      'mac': mac_only(e.ether.dest_mac)} END AS target,
    {'protocol_name': lower(e.proto), 'protocol_num': protocol_number(e.proto),
     'protocol_ver_id': ip_version(coalesce(src_ip, dest_ip)), 'uid': e.flow_id,
     'community_uid': e.community_id, 'direction_id': 0,
     'tcp_flags': try_cast('0x' || e.tcp.tcp_flags AS INTEGER)} AS connection
  FROM read
)
SELECT
  position,
  ingested_at,
  "at" AS "time",
  class_name,
  CASE class_name
    WHEN 'base_event' THEN 0
    WHEN 'detection_finding' THEN 1
    WHEN 'dns_activity' THEN CASE
      WHEN e.dns.type IN ('query', 'request') THEN 1 WHEN query IS NULL THEN 2 ELSE 6 END
    WHEN 'http_activity' THEN http_activity_id(e.http.http_method)
    WHEN 'dhcp_activity' THEN coalesce(MAP {'discover': 1, 'offer': 2, 'request': 3, 'decline': 4,
      'ack': 5, 'nak': 6, 'release': 7, 'inform': 8}[dhcp_type], 99)
    WHEN 'email_activity' THEN 5
    WHEN 'ftp_activity' THEN coalesce(MAP {'STOR': 1, 'STOU': 1, 'APPE': 1, 'RETR': 2, 'DELE': 4,
      'RMD': 4, 'RNFR': 5, 'RNTO': 5, 'LIST': 6, 'NLST': 6, 'MLSD': 6}[
        upper(coalesce(e.ftp.command, e.ftp_data.command))], 0)
    WHEN 'smb_activity' THEN coalesce(MAP {'FILE_SUPERSEDE': 1, 'FILE_OPEN': 2, 'FILE_CREATE': 3,
      'FILE_OPEN_IF': 4, 'FILE_OVERWRITE': 5, 'FILE_OVERWRITE_IF': 6}[e.smb.disposition], 99)
    WHEN 'rdp_activity' THEN coalesce(MAP {'initial_request': 1, 'initial_response': 2,
      'connect_request': 3, 'connect_response': 4, 'tls_handshake': 5}[e.rdp.event_type], 6)
    WHEN 'authentication' THEN CASE
      WHEN e.krb5.msg_type LIKE 'KRB_AS%' THEN 3 WHEN e.krb5.msg_type LIKE 'KRB_TGS%' THEN 4
      WHEN e.krb5.msg_type LIKE 'KRB_ERROR%' THEN 99 ELSE 1 END
    ELSE CASE
      WHEN e.event_type = 'drop' THEN 5
      WHEN e.event_type = 'sip' AND e.sip.method = 'INVITE' THEN 1
      WHEN e.event_type = 'sip' AND e.sip.method = 'BYE' THEN 2
      WHEN e.event_type = 'flow' AND e.tcp.rst THEN 3
      WHEN e.event_type = 'flow' AND (e.flow.state = 'closed' OR e.flow.reason = 'timeout') THEN 2
      ELSE 6 END
  END AS activity_id,
  CASE
    WHEN e.event_type = 'alert' THEN
      CASE e.alert.severity WHEN 1 THEN 4 WHEN 2 THEN 3 WHEN 3 THEN 2 WHEN 4 THEN 1 ELSE 0 END
    WHEN e.event_type = 'stats' THEN 0
    WHEN e.event_type IN ('anomaly', 'drop') THEN 2
    ELSE 1
  END AS severity_id,
  CASE class_name
    WHEN 'base_event' THEN NULL
    WHEN 'detection_finding' THEN 1
    WHEN 'dns_activity' THEN CASE e.dns.rcode WHEN 'NOERROR' THEN 1 ELSE
      CASE WHEN e.dns.rcode IS NULL THEN 0 ELSE 2 END END
    WHEN 'http_activity' THEN http_status_id(e.http.status)
    WHEN 'dhcp_activity' THEN CASE WHEN dhcp_type IN ('ack', 'offer') THEN 1
      WHEN dhcp_type IN ('nak', 'decline') THEN 2 ELSE 0 END
    WHEN 'email_activity' THEN CASE e.email.status WHEN 'PARSE_DONE' THEN 1 WHEN 'BODY_COMPLETE'
      THEN 1 WHEN 'PARSE_ERROR' THEN 2 ELSE 0 END
    WHEN 'ftp_activity' THEN CASE WHEN e.ftp.completion_code[-1] < 400 THEN 1
      WHEN e.ftp.completion_code[-1] >= 400 THEN 2 ELSE 0 END
    WHEN 'smb_activity' THEN CASE WHEN e.smb.status = 'STATUS_SUCCESS' THEN 1
      WHEN e.smb.status IS NULL OR e.smb.status IN ('STATUS_MORE_PROCESSING_REQUIRED',
        'STATUS_PENDING') THEN 0 ELSE 2 END
    WHEN 'authentication' THEN CASE WHEN e.krb5.msg_type LIKE 'KRB_ERROR%' THEN 2
      WHEN e.krb5.msg_type LIKE '%REP' THEN 1 ELSE 0 END
    ELSE CASE WHEN try_cast(e.sip.code AS INT) < 400 THEN 1
      WHEN try_cast(e.sip.code AS INT) >= 400 OR e.rdp.error_code IS NOT NULL
        OR e.event_type = 'drop' THEN 2 ELSE 0 END
  END AS status_id,
  coalesce(e.sip.code, e.krb5.error_code, e.ftp.completion_code[-1]::VARCHAR, e.smb.status_code,
    e.rdp.error_code) AS status_code,
  coalesce(e.sip.reason, e.email.status, e.smb.status, e.ftp.reply[-1], e.rdp.reason,
    e.drop.reason, e.flow.reason) AS status_detail,
  CASE WHEN e.event_type IN ('alert', 'drop') OR e.verdict.action IS NOT NULL THEN
    CASE lower(verdict) WHEN 'allowed' THEN 1 WHEN 'pass' THEN 1 WHEN 'accept' THEN 1
      WHEN 'alert' THEN 3 WHEN 'blocked' THEN 2 WHEN 'drop' THEN 2 WHEN 'reject' THEN 2 ELSE 0 END
  END AS action_id,
  CASE WHEN e.event_type IN ('alert', 'drop') OR e.verdict.action IS NOT NULL THEN
    CASE lower(verdict) WHEN 'allowed' THEN 1 WHEN 'pass' THEN 1 WHEN 'accept' THEN 1
      WHEN 'alert' THEN 19 WHEN 'blocked' THEN 2 WHEN 'drop' THEN 6 WHEN 'reject' THEN 25 ELSE 0 END
  END AS disposition_id,
  CASE WHEN e.event_type = 'alert' THEN true END AS is_alert,
  coalesce(e.alert.signature, e.anomaly.event, e.sip.request_line, e.sip.response_line) AS message,
  {'log_name': e.event_type, 'log_format': 'json', 'sequence': e.pcap_cnt,
   'correlation_uid': e.flow_id, 'original_event_uid': e.flow_id,
   'product': {'cpe_name': 'cpe:2.3:a:oisf:suricata'},
   'loggers': CASE WHEN e.host <> '' THEN [{'name': e.host}] END} AS metadata,
  CASE WHEN class_name = 'network_activity' THEN coalesce(nullif(e.app_proto, 'failed'),
    e.anomaly.app_proto,
    CASE WHEN e.event_type NOT IN ('flow', 'netflow', 'anomaly', 'drop', 'fileinfo', 'packet',
      'metadata') THEN e.event_type END) END AS app_protocol_name,
  CASE WHEN class_name NOT IN ('base_event', 'detection_finding') THEN
    CASE WHEN is_turned THEN struct_update(target, hostname := e.dhcp.hostname,
        mac := coalesce(mac_only(e.dhcp.client_mac), target.mac))
      ELSE struct_update(source,
        hostname := coalesce(e.dhcp.hostname, e.rdp.client.client_name, e.smb.ntlmssp.host),
        mac := coalesce(mac_only(e.dhcp.client_mac), source.mac)) END END AS src_endpoint,
  CASE WHEN class_name NOT IN ('base_event', 'detection_finding') THEN
    CASE WHEN is_turned THEN source ELSE target END END AS dst_endpoint,
  CASE WHEN class_name NOT IN ('base_event', 'detection_finding', 'email_activity',
    'authentication') THEN connection END AS connection_info,
  CASE WHEN class_name = 'network_activity' THEN CASE
    WHEN e.event_type = 'netflow' THEN {'packets': e.netflow.pkts, 'bytes': e.netflow.bytes}
    WHEN e.flow.pkts_toserver IS NOT NULL OR e.flow.bytes_toserver IS NOT NULL THEN {
      'packets': e.flow.pkts_toserver + e.flow.pkts_toclient,
      'bytes': e.flow.bytes_toserver + e.flow.bytes_toclient,
      'packets_out': e.flow.pkts_toserver, 'packets_in': e.flow.pkts_toclient,
      'bytes_out': e.flow.bytes_toserver, 'bytes_in': e.flow.bytes_toclient} END END AS traffic,
  CASE WHEN class_name = 'network_activity'
    THEN any_time(coalesce(e.flow.start, e.netflow.start)) END AS start_time,
  CASE WHEN class_name = 'network_activity'
    THEN any_time(coalesce(e.flow."end", e.netflow."end")) END AS end_time,
  CASE WHEN class_name = 'network_activity' AND e.flow."end" IS NOT NULL
    THEN epoch_ms(any_time(e.flow."end")) - epoch_ms(any_time(e.flow.start))
    WHEN class_name = 'network_activity' THEN e.netflow.age * 1000 END AS duration,
  CASE WHEN class_name = 'dns_activity' AND query.rrname IS NOT NULL
    THEN {'hostname': query.rrname, 'type': query.rrtype} END AS query,
  CASE WHEN class_name = 'dns_activity' THEN nullif(list_transform(list_filter(coalesce(
    e.dns.answers, [{'rrtype': e.dns.rrtype, 'ttl': e.dns.ttl, 'rdata': e.dns.rdata}]),
    lambda a: a.rdata <> ''), lambda a: {'type': a.rrtype, 'ttl': a.ttl, 'rdata': a.rdata}), [])
  END AS answers,
  CASE WHEN class_name = 'dns_activity' THEN dns_rcode_id(e.dns.rcode) END AS rcode_id,
  CASE WHEN class_name = 'dns_activity' AND dns_rcode_id(e.dns.rcode) = 99 THEN e.dns.rcode END
    AS rcode,
  CASE WHEN class_name = 'http_activity' THEN {
    'http_method': e.http.http_method, 'version': e.http.protocol, 'referrer': e.http.http_refer,
    'user_agent': e.http.http_user_agent,
    'x_forwarded_for': CASE WHEN ip_only(e.http.xff) IS NOT NULL THEN [e.http.xff] END,
    'http_headers': list_filter(e.http.request_headers, lambda h: h."value" IS NOT NULL),
    'url': CASE WHEN e.http.url <> '' OR e.http.hostname <> '' THEN list_transform(
      [url_parts(coalesce(e.http.url, '/'))], lambda p: {
        'scheme': coalesce(nullif(p.scheme, ''), 'http'),
        'hostname': coalesce(e.http.hostname, nullif(p.host, '')),
        'port': coalesce(e.http.http_port, try_cast(p.port AS INT)), 'path': p.path,
        'query_string': nullif(p.query, ''),
        'url_string': CASE WHEN p.scheme <> '' THEN e.http.url
          WHEN e.http.hostname <> '' THEN 'http://' || e.http.hostname
            || coalesce(':' || e.http.http_port, '') || coalesce(e.http.url, '/')
          ELSE e.http.url END})[1] END} END AS http_request,
  CASE WHEN class_name = 'http_activity' AND e.http.status IS NOT NULL THEN {
    'code': e.http.status, 'content_type': e.http.http_content_type,
    'body_length': e.http.length,
    'http_headers': list_filter(e.http.response_headers, lambda h: h."value" IS NOT NULL)} END
    AS http_response,
  CASE WHEN class_name = 'network_activity' AND coalesce(e.tls.version, e.quic.version) <> '' THEN {
    'version': coalesce(e.tls.version, e.quic.version), 'sni': coalesce(e.tls.sni, e.quic.sni),
    'certificate': CASE WHEN e.tls.issuerdn <> '' AND e.tls.serial <> '' THEN {
      'subject': e.tls.subject, 'issuer': e.tls.issuerdn,
      'serial_number': replace(e.tls.serial, ':', ''),
      'created_time': epoch_ms(any_time(e.tls.notbefore)),
      'expiration_time': epoch_ms(any_time(e.tls.notafter)),
      'fingerprints': CASE WHEN e.tls.fingerprint <> '' THEN [digest(e.tls.fingerprint)] END} END,
    'sans': list_transform(e.tls.subjectaltname, lambda n: {'name': n, 'type': 'DNSName'}),
    'ja3_hash': digest(e.tls.ja3.hash), 'ja3s_hash': digest(e.tls.ja3s.hash)} END AS tls,
  CASE WHEN class_name = 'network_activity' AND coalesce(e.tls.ja4, e.quic.ja4) <> ''
    THEN [{'value': coalesce(e.tls.ja4, e.quic.ja4), 'type_id': 1}] END AS ja4_fingerprint_list,
  CASE WHEN class_name = 'ssh_activity' THEN coalesce(e.ssh.client.proto_version,
    e.ssh.server.proto_version) WHEN class_name = 'rdp_activity' THEN e.rdp.client.version END
    AS protocol_ver,
  CASE WHEN class_name = 'ssh_activity' AND e.ssh.client.hassh.hash <> ''
    THEN {'fingerprint': {'value': e.ssh.client.hassh.hash, 'algorithm_id': 1}} END
    AS client_hassh,
  CASE WHEN class_name = 'ssh_activity' AND e.ssh.server.hassh.hash <> ''
    THEN {'fingerprint': {'value': e.ssh.server.hassh.hash, 'algorithm_id': 1}} END
    AS server_hassh,
  CASE WHEN class_name = 'email_activity' THEN 0 END AS direction_id,
  CASE WHEN class_name = 'email_activity' THEN 'SMTP' END AS protocol_name,
  CASE WHEN class_name = 'email_activity' THEN e.smtp.helo END AS smtp_hello,
  CASE WHEN class_name = 'email_activity' THEN {
    'from': sender, 'to': nullif(recipients, []), 'from_mailbox': e.email."from",
    'to_mailboxes': e.email."to", 'cc_mailboxes': e.email.cc, 'subject': e.email.subject,
    'smtp_from': mail_address(e.smtp.mail_from), 'message_uid': e.email.message_id,
    'smtp_to': nullif(list_filter(list_transform(e.smtp.rcpt_to, lambda a: mail_address(a)),
      lambda a: a IS NOT NULL), []),
    'files': list_transform(e.email.attachment, lambda a: {'name': a, 'type_id': 1}),
    'urls': list_transform(e.email.url, lambda u: {'url_string': u})} END AS email,
  CASE class_name WHEN 'ftp_activity' THEN coalesce(e.ftp.command, e.ftp_data.command)
    WHEN 'smb_activity' THEN e.smb.command END AS command,
  CASE WHEN class_name = 'ftp_activity' THEN e.ftp.completion_code END AS codes,
  CASE WHEN class_name = 'ftp_activity' THEN e.ftp.reply END AS command_responses,
  CASE WHEN class_name = 'ftp_activity' THEN nullif(e.ftp.dynamic_port, 0) END AS port,
  CASE WHEN class_name = 'ftp_activity' THEN e.ftp.mode END AS type,
  CASE
    WHEN class_name <> 'network_activity' AND e.event_type = 'fileinfo' THEN {
      'name': coalesce(file_name(e.fileinfo.filename), e.fileinfo.filename), 'type_id': 1,
      'path': e.fileinfo.filename, 'size': e.fileinfo.size, 'mime_type': e.fileinfo.mimetype,
      'uid': e.fileinfo.file_id,
      'hashes': file_hashes(e.fileinfo.md5, e.fileinfo.sha1, e.fileinfo.sha256)}
    WHEN class_name = 'ftp_activity' AND e.ftp_data.filename <> ''
      THEN {'name': e.ftp_data.filename, 'type_id': 1}
    WHEN class_name = 'smb_activity' AND coalesce(e.smb.filename, e.smb.directory) <> ''
      THEN {'name': coalesce(file_name(e.smb.filename), e.smb.directory), 'type_id':
        CASE WHEN e.smb.filename <> '' THEN 1 ELSE 2 END,
        'path': coalesce(nullif(e.smb.filename, ''), e.smb.directory), 'uid': e.smb.fuid,
        'size': e.smb.size,
        'created_time': try_cast(e.smb.created AS BIGINT) * 1000,
        'accessed_time': try_cast(e.smb.accessed AS BIGINT) * 1000,
        'modified_time': try_cast(e.smb.modified AS BIGINT) * 1000}
  END AS file,
  CASE WHEN class_name = 'smb_activity' THEN e.smb.dialect END AS dialect,
  CASE WHEN class_name = 'smb_activity' THEN e.smb.client_dialects END AS client_dialects,
  CASE WHEN class_name = 'smb_activity' THEN e.smb.tree_id END AS tree_uid,
  CASE WHEN class_name = 'smb_activity' THEN e.smb.share END AS share,
  CASE WHEN class_name = 'smb_activity' THEN MAP {'FILE': 1, 'DISK': 1, 'PIPE': 2, 'PRINT': 3}[
    upper(e.smb.share_type)] END AS share_type_id,
  CASE WHEN class_name = 'smb_activity' AND e.smb.ntlmssp."user" <> '' THEN {'user': {
    'name': e.smb.ntlmssp."user", 'domain': nullif(e.smb.ntlmssp.domain, '')}} END AS actor,
  CASE WHEN class_name = 'dhcp_activity' THEN e.dhcp.id END AS transaction_uid,
  CASE WHEN class_name = 'dhcp_activity' THEN e.dhcp.lease_time END AS lease_dur,
  CASE WHEN class_name = 'dhcp_activity' AND ip_only(e.dhcp.relay_ip) <> '0.0.0.0'
    THEN {'ip': e.dhcp.relay_ip} END AS relay,
  CASE WHEN class_name = 'rdp_activity' THEN e.rdp.cookie END AS identifier_cookie,
  CASE WHEN class_name = 'rdp_activity' THEN e.rdp.client.capabilities END AS capabilities,
  CASE WHEN class_name = 'rdp_activity' AND e.rdp.client.desktop_width IS NOT NULL THEN {
    'physical_width': e.rdp.client.desktop_width, 'physical_height': e.rdp.client.desktop_height,
    'color_depth': e.rdp.client.color_depth} END AS remote_display,
  CASE WHEN class_name = 'rdp_activity' AND e.rdp.client.keyboard_layout IS NOT NULL THEN {
    'keyboard_layout': e.rdp.client.keyboard_layout, 'keyboard_type': e.rdp.client.keyboard_type,
    'function_keys': e.rdp.client.function_keys, 'ime': e.rdp.client.ime} END AS keyboard_info,
  CASE WHEN class_name = 'authentication' THEN {'name': e.krb5.cname, 'domain': e.krb5.realm} END
    AS "user",
  CASE WHEN class_name = 'authentication' AND e.krb5.sname <> '' THEN {'name': e.krb5.sname} END
    AS service,
  CASE WHEN class_name = 'authentication' THEN 2 END AS auth_protocol_id,
  CASE WHEN class_name = 'detection_finding' THEN {
    'uid': coalesce(e.alert.signature_id, e.flow_id), 'title': e.alert.signature,
    'types': CASE WHEN e.alert.category <> '' THEN [e.alert.category] END,
    'created_time': epoch_ms("at"),
    'attacks': nullif(list_transform(e.alert.metadata.mitre_technique_id, lambda t, i: {
      'technique': {'uid': replace(t, '_', '.'), 'name': replace(
        e.alert.metadata.mitre_technique_name[i], '_', ' ')},
      'tactic': CASE WHEN len(e.alert.metadata.mitre_tactic_id) = len(
          e.alert.metadata.mitre_technique_id)
        THEN {'uid': e.alert.metadata.mitre_tactic_id[i],
          'name': replace(e.alert.metadata.mitre_tactic_name[i], '_', ' ')} END}), []),
    'analytic': {'uid': e.alert.signature_id, 'name': e.alert.signature, 'type_id': 1,
      'category': e.alert.category, 'version': e.alert.rev, 'desc': e.alert.rule}} END
    AS finding_info,
  CASE WHEN class_name = 'detection_finding' AND coalesce(src_ip, dest_ip) IS NOT NULL THEN [{
    'src_endpoint': source, 'dst_endpoint': target, 'connection_info': connection,
    'query': CASE WHEN query.rrname IS NOT NULL
      THEN {'hostname': query.rrname, 'type': query.rrtype} END,
    'http_request': CASE WHEN e.http IS NOT NULL THEN {
      'http_method': e.http.http_method, 'version': e.http.protocol,
      'referrer': e.http.http_refer, 'user_agent': e.http.http_user_agent,
      'url': CASE WHEN e.http.url <> '' THEN {'hostname': e.http.hostname,
        'path': split_part(e.http.url, '?', 1),
        'query_string': nullif(regexp_extract(e.http.url, '\?(.*)$', 1), ''),
        'url_string': CASE WHEN e.http.url LIKE '/%' AND e.http.hostname <> ''
          THEN 'http://' || e.http.hostname || e.http.url ELSE e.http.url END} END} END,
    'http_response': CASE WHEN e.http.status IS NOT NULL THEN {'code': e.http.status,
      'content_type': e.http.http_content_type, 'body_length': e.http.length} END,
    'tls': CASE WHEN e.tls.version <> '' THEN {'version': e.tls.version, 'sni': e.tls.sni,
      'ja3_hash': digest(e.tls.ja3.hash), 'ja3s_hash': digest(e.tls.ja3s.hash)} END,
    'file': CASE WHEN e.fileinfo.filename <> '' THEN {
      'name': file_name(e.fileinfo.filename), 'path': e.fileinfo.filename, 'type_id': 1,
      'size': e.fileinfo.size, 'hashes': file_hashes(e.fileinfo.md5, e.fileinfo.sha1,
        e.fileinfo.sha256)} END}] END AS evidences,
  {'instance': e.host} AS workload,
  remaining(doc, '{"timestamp": null, "event_type": null, "pcap_cnt": null, "flow_id": null'
    || CASE WHEN class_name = 'base_event' THEN '' ELSE ', "src_ip": null, "src_port": null,
      "dest_ip": null, "dest_port": null, "proto": null, "community_id": null, "ip_v": null' END
    || CASE WHEN class_name = 'base_event' THEN '' ELSE coalesce(', ' || MAP {
      'alert': '"alert": {"signature_id": null, "rev": null, "signature": null, "category": null,
        "rule": null}',
      'anomaly': '"anomaly": {"event": null}',
      'dns': '"dns": {"queries": null, "query": null, "rrname": null, "rrtype": null,
        "rcode": null, "rdata": null, "ttl": null}',
      'http': '"http": {"hostname": null, "http_port": null, "url": null,
        "http_user_agent": null, "http_refer": null, "http_method": null, "protocol": null,
        "status": null}',
      'dhcp': '"dhcp": {"id": null, "client_mac": null, "dhcp_type": null, "hostname": null,
        "lease_time": null}',
      'flow': '"app_proto": null, "flow": {"pkts_toserver": null, "pkts_toclient": null,
        "bytes_toserver": null, "bytes_toclient": null, "start": null, "end": null,
        "reason": null}',
      'netflow': '"app_proto": null, "netflow": {"pkts": null, "bytes": null, "start": null,
        "end": null, "age": null}',
      'sip': '"sip": {"code": null, "reason": null, "request_line": null, "response_line": null}',
      'tls': '"tls": {"sni": null, "version": null, "notbefore": null, "notafter": null,
        "subjectaltname": null}',
      'ssh': '"ssh": {"client": {"hassh": {"hash": null}}, "server": {"hassh": {"hash": null}}}',
      'ftp': '"ftp": {"command": null, "completion_code": null, "reply": null, "mode": null}'
      }[e.event_type], '') END || '}') AS unmapped,
  CASE
    WHEN e.event_type IS NULL THEN 'the document is no event of Suricata: it has no event_type'
    WHEN e.event_type = 'alert' AND coalesce(e.alert.signature_id, e.flow_id) IS NULL
      THEN 'the alert names no signature'
  END AS problem
FROM told
