-- name: checkpoint
-- reads: lines
-- class: network_activity detection_finding data_security_finding tunnel_activity email_activity web_resource_access_activity authentication entity_management base_event
-- product: Check Point / Log Exporter
-- sniff: "(loguid|originsicname|ProductName|sequencenum)"\s*:.*|CEF:0\|Check Point\|.*|LEEF:[12]\.0\|Check Point\|.*|\bCheckPoint \d+ - \[.*
-- sniff: "(product|ProductName|origin|origin_sic_name)"\s*:\s*"|Check Point\||CheckPoint \d+ - \[(?:Fields@|[a-z_]+:")
-- https://support.checkpoint.com/results/sk/sk144192
-- https://support.checkpoint.com/results/sk/sk122323
-- What Log Exporter writes: JSON, syslog (key:"value"; pairs in brackets), CEF and LEEF, and its
-- fields by their names and by those of CEF. A blade decides the class; what URL Filtering lets
-- through or not is access granted or denied, which only OCSF's older class of web access can say.
WITH documents AS (
  SELECT position, ingested_at, line, CASE
    WHEN json_valid(line) THEN line
    WHEN contains(line, 'CEF:0|') OR contains(line, 'LEEF:') THEN '{' || array_to_string(
      list_transform(list_filter(CASE WHEN contains(line, 'LEEF:')
        THEN string_split(regexp_extract(line, 'LEEF:(?:[^|]*\|){5}(.*)$', 1), chr(9))
        ELSE string_split(regexp_replace(regexp_extract(line, 'CEF:(?:[^|]*\|){7}(.*)$', 1),
          '(?:^|\s)([\w.-]+)=', chr(1) || '\1=', 'g'), chr(1)) END,
        lambda p: contains(p, '=')), lambda p: to_json(split_part(p, '=', 1))::VARCHAR || ':'
          || to_json(replace(trim(p[position('=' IN p) + 1:]), '\=', '='))::VARCHAR), ',') || '}'
    ELSE '{' || array_to_string(list_transform(
      regexp_extract_all(line, '[A-Za-z_][\w.]*:"(?:[^"\\]|\\.)*"'),
      lambda p: to_json(split_part(p, ':', 1))::VARCHAR || ':' || CASE
        WHEN json_valid(p[position(':' IN p) + 1:]) THEN p[position(':' IN p) + 1:]
        ELSE to_json(trim(p[position(':' IN p) + 1:], '"'))::VARCHAR END), ',') || '}'
    END AS doc,
    regexp_extract(line, 'CheckPoint \d+ - \[|(\d{4}-\d\d-\d\dT\S+) \S+ CheckPoint', 1) AS logged
  FROM raw
),
parsed AS (
  SELECT *, from_json(CASE WHEN json_type(doc) = 'OBJECT' THEN doc END, '{
    "h_version": "VARCHAR", "version": "VARCHAR", "action": "VARCHAR",
    "act": "VARCHAR", "flags": "VARCHAR", "ifdir": "VARCHAR", "ifname": "VARCHAR",
    "logid": "VARCHAR", "loguid": "VARCHAR", "UUid": "VARCHAR", "origin": "VARCHAR",
    "sequencenum": "BIGINT", "time": "VARCHAR", "rt": "VARCHAR", "devTime": "VARCHAR",
    "product": "VARCHAR", "ProductName": "VARCHAR", "cat": "VARCHAR",
    "src": "VARCHAR", "sip": "VARCHAR", "dst": "VARCHAR", "dip": "VARCHAR",
    "s_port": "INTEGER", "sport": "INTEGER", "spt": "INTEGER", "srcPort": "INTEGER",
    "service": "VARCHAR", "d_port": "INTEGER", "dport": "INTEGER", "dpt": "INTEGER",
    "dstPort": "INTEGER", "service_id": "VARCHAR", "proto": "VARCHAR", "protnum": "VARCHAR",
    "src_machine_name": "VARCHAR", "dst_machine_name": "VARCHAR", "mac_source_address": "VARCHAR",
    "inzone": "VARCHAR", "outzone": "VARCHAR", "conn_direction": "VARCHAR",
    "deviceDirection": "VARCHAR", "direction": "VARCHAR", "snatip": "VARCHAR",
    "snatport": "INTEGER", "dnatip": "VARCHAR", "dnatport": "INTEGER", "xlatesrc": "VARCHAR",
    "xlatesport": "INTEGER", "xlatedst": "VARCHAR", "xlatedport": "INTEGER",
    "bytesin": "BIGINT", "bytesout": "BIGINT", "bytes_in": "BIGINT", "bytes_out": "BIGINT",
    "received_bytes": "BIGINT", "sent_bytes": "BIGINT", "bytes": "BIGINT",
    "packetsin": "BIGINT", "packetsout": "BIGINT", "client_inbound_packets": "BIGINT",
    "client_outbound_packets": "BIGINT", "packets": "BIGINT", "duration": "BIGINT",
    "elapsed": "BIGINT", "login": "VARCHAR", "user": "VARCHAR", "src_user_name": "VARCHAR",
    "administrator": "VARCHAR", "application": "VARCHAR", "appi_name": "VARCHAR",
    "rule": "VARCHAR", "rule_name": "VARCHAR", "rule_uid": "VARCHAR",
    "cs2": "VARCHAR", "cs2Label": "VARCHAR",
    "rule_name_._._match_table": ["VARCHAR"], "rule_uid_._._match_table": ["VARCHAR"],
    "match_table": [{"rule_name": "VARCHAR", "rule_uid": "VARCHAR"}],
    "policy": "VARCHAR", "policy_name": "VARCHAR", "reason": "VARCHAR", "url": "VARCHAR",
    "resource": "VARCHAR", "category": "VARCHAR", "method": "VARCHAR", "user_agent": "VARCHAR",
    "status": "VARCHAR", "severity": "VARCHAR", "confidence_level": "VARCHAR",
    "threatname": "VARCHAR", "protection_name": "VARCHAR", "protection_id": "VARCHAR",
    "protection_type": "VARCHAR", "attack": "VARCHAR", "attack_info": "VARCHAR",
    "malware_family": "VARCHAR", "malware_action": "VARCHAR", "message_info": "VARCHAR",
    "description": "VARCHAR", "file_name": "VARCHAR", "file_md5": "VARCHAR",
    "file_sha1": "VARCHAR", "file_sha256": "VARCHAR", "file_size": "BIGINT",
    "sender": "VARCHAR", "from": "VARCHAR", "recipient": "VARCHAR", "to": "VARCHAR",
    "subject": "VARCHAR", "email_subject": "VARCHAR", "size": "BIGINT",
    "email_message_id": "VARCHAR", "object": "VARCHAR", "objectname": "VARCHAR",
    "objecttype": "VARCHAR", "operation": "VARCHAR", "data_type": "VARCHAR",
    "data_type_name": "VARCHAR", "dlp_rule_name": "VARCHAR", "session": "VARCHAR",
    "vpn_feature": "VARCHAR", "vpn_feature_name": "VARCHAR", "methods": "VARCHAR",
    "tunnel_protocol": "VARCHAR", "client_name": "VARCHAR", "vendorinfo": "VARCHAR",
    "domain": "VARCHAR", "domain_name": "VARCHAR", "auth_method": "VARCHAR",
    "auth_status": "VARCHAR"}') AS e
  FROM documents
),
read AS (
  SELECT *,
    any_time(coalesce(e."time", e.rt, e."devTime", nullif(logged, ''))) AS at,
    coalesce(e.product, e."ProductName", e.cat) AS blade,
    lower(coalesce(e.product, e."ProductName", e.cat)) AS kind,
    coalesce(e.action, doc->>'$.Action', e.act) AS did,
    coalesce(e.loguid, e."UUid") AS record,
    ip_only(coalesce(e.src, e.sip)) AS src_ip, ip_only(coalesce(e.dst, e.dip)) AS dst_ip,
    coalesce(e.s_port, e.sport, e.spt, e."srcPort") AS src_port,
    coalesce(try_cast(e.service AS INTEGER), e.d_port, e.dport, e.dpt, e."dstPort") AS dst_port,
    coalesce(try_cast(coalesce(e.proto, e.protnum) AS INTEGER), protocol_number(e.proto)) AS proto,
    coalesce(e.login, e."user", e.src_user_name, e.administrator) AS who,
    coalesce(e.bytes_in, e.bytesin, e.received_bytes) AS bytes_in,
    coalesce(e.bytes_out, e.bytesout, e.sent_bytes) AS bytes_out,
    coalesce(e.packetsin, e.client_inbound_packets) AS packets_in,
    coalesce(e.packetsout, e.client_outbound_packets) AS packets_out,
    coalesce(e.duration, e.elapsed) AS seconds,
    coalesce(e.rule_name, e."rule_name_._._match_table"[1], e.match_table[1].rule_name,
      CASE WHEN e."cs2Label" = 'Rule Name' THEN e.cs2 END) AS rule_name,
    coalesce(e.rule_uid, e."rule_uid_._._match_table"[1], e.match_table[1].rule_uid, e.rule)
      AS rule_uid,
    mail_address(coalesce(e.sender, e."from")) AS sent_from,
    nullif(list_filter(list_transform(regexp_split_to_array(coalesce(e.recipient, e."to"), '[,;]'),
      lambda a: mail_address(trim(a))), lambda a: a IS NOT NULL), []) AS sent_to,
    coalesce(e.threatname, e.attack, e.malware_family, e.protection_name) AS threat,
    coalesce(e.url, e.resource) AS link
  FROM parsed
),
told AS (
  SELECT *,
    firewall_disposition_id(did) AS disposition,
    CASE
      WHEN kind IN ('web_api', 'smartconsole', 'smartdashboard', 'smartupdate', 'cpmi client',
        'web-ui', 'system monitor') OR e.operation IS NOT NULL THEN
        CASE WHEN regexp_matches(lower(coalesce(did, e.operation)), '^log ?(in|out|on|off)')
          AND who <> '' THEN 'authentication'
          WHEN coalesce(e.object, e.objectname) <> '' THEN 'entity_management'
          ELSE 'base_event' END
      WHEN kind IN ('mobile access', 'endpoint security vpn', 'securemote', 'secureclient',
        'vpn', 'vpn-1', 'ssl network extender') OR e.vpn_feature IS NOT NULL
        THEN 'tunnel_activity'
      WHEN kind IN ('dlp', 'data loss prevention', 'content awareness')
        OR coalesce(e.data_type, e.data_type_name, e.dlp_rule_name) IS NOT NULL
        THEN 'data_security_finding'
      WHEN kind IN ('mta', 'anti-spam', 'anti-spam and email security', 'anti spam',
        'email security') AND coalesce(sent_from, sent_to[1]) IS NOT NULL THEN 'email_activity'
      WHEN threat IS NOT NULL THEN 'detection_finding'
      WHEN kind IN ('identity awareness', 'identity logging') AND who <> ''
        AND regexp_matches(lower(did), '^log ?(in|out)|failed log') THEN 'authentication'
      WHEN kind IN ('url filtering', 'application control') AND link <> ''
        THEN 'web_resource_access_activity'
      WHEN coalesce(src_ip, dst_ip) IS NOT NULL AND coalesce(did, blade) IS NOT NULL
        THEN 'network_activity'
      ELSE 'base_event'
    END AS class_name,
    {'protocol_name': protocol_name(proto), 'protocol_num': proto,
     'protocol_ver_id': ip_version(coalesce(src_ip, dst_ip)), 'direction_id': CASE
       WHEN lower(coalesce(e.conn_direction, e.direction)) IN ('outgoing', 'outbound') THEN 2
       WHEN lower(coalesce(e.conn_direction, e.direction)) IN ('incoming', 'inbound') THEN 1
       WHEN lower(e.conn_direction) = 'internal' THEN 3
       ELSE zone_direction_id(
         CASE e.inzone WHEN 'Internal' THEN true WHEN 'External' THEN false WHEN 'Local' THEN true
           END,
         CASE e.outzone WHEN 'Internal' THEN true WHEN 'Local' THEN true WHEN 'External' THEN false
           END) END} AS connection,
    CASE WHEN coalesce(src_ip, e.src_machine_name) IS NOT NULL THEN {
      'ip': src_ip, 'port': src_port, 'zone': e.inzone, 'hostname': e.src_machine_name,
      'mac': mac_only(e.mac_source_address),
      'proxy_endpoint': CASE WHEN ip_only(coalesce(e.snatip, e.xlatesrc)) <> '0.0.0.0' THEN {
        'ip': coalesce(e.snatip, e.xlatesrc),
        'port': nullif(coalesce(e.snatport, e.xlatesport), 0)} END} END AS source,
    CASE WHEN coalesce(dst_ip, e.dst_machine_name) IS NOT NULL THEN {
      'ip': dst_ip, 'port': dst_port, 'zone': e.outzone, 'hostname': e.dst_machine_name,
      'svc_name': e.service_id,
      'proxy_endpoint': CASE WHEN ip_only(coalesce(e.dnatip, e.xlatedst)) <> '0.0.0.0' THEN {
        'ip': coalesce(e.dnatip, e.xlatedst),
        'port': nullif(coalesce(e.dnatport, e.xlatedport), 0)} END} END AS target,
    CASE WHEN who <> '' THEN {'name': regexp_extract(who, '[^\\]*$'),
      'domain': nullif(regexp_extract(who, '^([^\\]+)\\', 1), '')} END AS person
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
    WHEN 'data_security_finding' THEN 1
    WHEN 'email_activity' THEN 3
    WHEN 'web_resource_access_activity' THEN CASE WHEN disposition IN (2, 6, 25) THEN 2
      WHEN disposition IS NOT NULL THEN 1 ELSE 0 END
    WHEN 'authentication' THEN CASE WHEN regexp_matches(lower(did), 'log ?(out|off)') THEN 2 ELSE 1
      END
    WHEN 'entity_management' THEN CASE
      WHEN regexp_matches(lower(coalesce(e.operation, did)), 'create|add') THEN 1
      WHEN regexp_matches(lower(coalesce(e.operation, did)), 'read|show|get') THEN 2
      WHEN regexp_matches(lower(coalesce(e.operation, did)), 'update|modif|set|change|rename')
        THEN 3
      WHEN regexp_matches(lower(coalesce(e.operation, did)), 'delet|remov') THEN 4 ELSE 99 END
    WHEN 'tunnel_activity' THEN CASE
      WHEN regexp_matches(lower(did), 'log ?(out|off)|disconnect|terminat') THEN 2 ELSE 1 END
    ELSE 6
  END AS activity_id,
  CASE
    WHEN e.severity <> '' THEN CASE lower(e.severity) WHEN 'informational' THEN 1 WHEN '0' THEN 1
      WHEN '1' THEN 2 WHEN '2' THEN 3 WHEN '3' THEN 4 WHEN '4' THEN 5
      ELSE alert_severity_id(e.severity) END
    WHEN disposition IN (2, 6, 25, 3) THEN 2 ELSE 1
  END AS severity_id,
  CASE
    WHEN class_name IN ('detection_finding', 'data_security_finding') THEN NULL
    WHEN lower(coalesce(e.status, e.auth_status)) IN ('failure', 'failed', 'fail') THEN 2
    WHEN coalesce(e.status, e.auth_status) <> '' THEN 1
    WHEN disposition IN (2, 6, 25) OR lower(did) LIKE 'failed%' THEN 2
    WHEN did IS NOT NULL THEN 1
  END AS status_id,
  CASE WHEN class_name NOT IN ('base_event', 'entity_management', 'authentication')
    THEN disposition_action_id(disposition) END AS action_id,
  CASE WHEN class_name NOT IN ('base_event', 'entity_management', 'authentication')
    THEN disposition END AS disposition_id,
  CASE class_name WHEN 'email_activity' THEN coalesce(e.status, e.reason)
    ELSE coalesce(e.reason, e.message_info) END AS status_detail,
  CASE WHEN class_name IN ('detection_finding', 'data_security_finding') THEN true END AS is_alert,
  coalesce(e.description, did) AS message,
  {'uid': record, 'event_code': e.logid, 'log_name': did, 'log_version': e.h_version,
   'original_event_uid': e.sequencenum::VARCHAR, 'product': {'name': blade}} AS metadata,
  CASE WHEN e.origin <> '' AND class_name <> 'base_event' THEN {
    'ip': ip_only(e.origin), 'hostname': CASE WHEN ip_only(e.origin) IS NULL THEN e.origin END,
    'type_id': CASE WHEN ip_only(e.origin) IS NULL THEN 9 END} END AS device,
  {'instance': e.origin} AS workload,
  CASE WHEN class_name IN ('network_activity', 'email_activity', 'tunnel_activity',
    'authentication', 'web_resource_access_activity') THEN source END AS src_endpoint,
  CASE WHEN class_name IN ('network_activity', 'email_activity', 'tunnel_activity',
    'authentication') THEN target END AS dst_endpoint,
  CASE WHEN class_name = 'network_activity' THEN connection END AS connection_info,
  CASE WHEN class_name = 'network_activity' THEN coalesce(e.application, e.appi_name) END
    AS app_name,
  CASE WHEN class_name IN ('network_activity', 'tunnel_activity')
    AND coalesce(bytes_in, bytes_out, packets_in, packets_out, e.bytes, e.packets) IS NOT NULL THEN {
      'bytes_in': bytes_in, 'bytes_out': bytes_out,
      'bytes': coalesce(e.bytes, bytes_in + bytes_out),
      'packets_in': packets_in, 'packets_out': packets_out,
      'packets': coalesce(e.packets, packets_in + packets_out),
      'start_time': CASE WHEN seconds IS NOT NULL THEN epoch_ms("at") - seconds * 1000 END,
      'end_time': CASE WHEN seconds IS NOT NULL THEN epoch_ms("at") END} END
    AS traffic,
  CASE WHEN coalesce(rule_name, rule_uid) <> ''
    AND class_name NOT IN ('base_event', 'entity_management', 'authentication') THEN {
      'name': rule_name, 'uid': rule_uid} END AS firewall_rule,
  CASE WHEN class_name IN ('tunnel_activity', 'authentication') THEN person END AS "user",
  CASE WHEN class_name NOT IN ('tunnel_activity', 'authentication', 'base_event',
    'detection_finding') AND person IS NOT NULL THEN {'user': person} END AS actor,
  CASE WHEN class_name = 'authentication' THEN {'name': blade} END AS service,
  CASE class_name WHEN 'tunnel_activity' THEN coalesce(e.tunnel_protocol, 'VPN')
    WHEN 'email_activity' THEN 'SMTP' END AS protocol_name,
  CASE WHEN class_name = 'tunnel_activity' THEN 99 END AS tunnel_type_id,
  CASE WHEN class_name = 'tunnel_activity' AND e.vpn_feature <> '' THEN e.vpn_feature END
    AS tunnel_type,
  CASE WHEN class_name = 'tunnel_activity' AND coalesce(e.session, record) <> ''
    THEN {'uid': coalesce(e.session, record)} END AS session,
  CASE WHEN class_name = 'email_activity' THEN connection.direction_id END AS direction_id,
  CASE WHEN class_name = 'email_activity' THEN {'from': sent_from, 'to': sent_to,
    'subject': coalesce(e.email_subject, e.subject), 'size': coalesce(e.file_size, e.size),
    'message_uid': e.email_message_id} END AS email,
  CASE WHEN class_name = 'web_resource_access_activity' THEN [{'name': link, 'url_string': link}] END
    AS web_resources,
  CASE WHEN class_name = 'web_resource_access_activity' THEN {'url': url_object(link),
    'http_method': upper(e.method), 'user_agent': e.user_agent} END AS http_request,
  CASE WHEN class_name = 'entity_management' THEN {
    'name': coalesce(e.object, e.objectname), 'type': e.objecttype} END AS entity,
  CASE WHEN class_name = 'entity_management' THEN coalesce(e.operation, e.subject) END AS "comment",
  CASE lower(e.confidence_level) WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'medium-high' THEN 2
    WHEN 'high' THEN 3 WHEN '1' THEN 1 WHEN '2' THEN 1 WHEN '3' THEN 2 WHEN '4' THEN 2 WHEN '5'
    THEN 3 END AS confidence_id,
  CASE WHEN class_name IN ('detection_finding', 'data_security_finding') THEN {
    'uid': coalesce(record, md5(doc)), 'desc': coalesce(e.attack_info, e.protection_name, e.reason),
    'title': coalesce(threat, e.dlp_rule_name, e.data_type_name, e.data_type, blade),
    'analytic': {'name': coalesce(e.protection_name, threat, e.dlp_rule_name, e.data_type_name,
      e.data_type, blade), 'uid': coalesce(e.protection_id, record),
      'category': coalesce(e.policy, e.policy_name), 'type_id': 1}} END AS finding_info,
  CASE WHEN class_name = 'data_security_finding' THEN {
    'detection_system_id': 2, 'policy': CASE WHEN coalesce(e.policy, e.policy_name) <> '' THEN
      {'name': coalesce(e.policy, e.policy_name)} END,
    'pattern_match': coalesce(e.data_type_name, e.data_type)} END AS data_security,
  CASE WHEN class_name = 'data_security_finding' AND coalesce(e.file_name, e.object) <> '' THEN {
    'name': coalesce(e.file_name, e.object), 'size': coalesce(e.file_size, e.size),
    'type_id': 0} END AS file,
  CASE WHEN class_name = 'detection_finding'
    AND coalesce(src_ip, dst_ip, e.file_name) IS NOT NULL THEN [{
    'src_endpoint': source, 'dst_endpoint': target,
    'connection_info': CASE WHEN coalesce(src_ip, dst_ip) IS NOT NULL THEN connection END,
    'file': CASE WHEN e.file_name <> '' THEN {'name': e.file_name, 'size': e.file_size,
      'type_id': 0, 'hashes': file_hashes(e.file_md5, e.file_sha1, e.file_sha256)} END}] END
    AS evidences,
  CASE WHEN class_name = 'detection_finding' AND e.malware_family <> '' THEN [{
    'name': e.malware_family, 'classification_ids': [0]}] END AS malware,
  remaining(doc, CASE WHEN class_name = 'base_event' THEN '{"time": null}' ELSE '{"time": null,
    "rt": null, "h_version": null, "action": null, "Action": null, "act": null, "loguid": null,
    "UUid": null, "origin": null, "sequencenum": null, "product": null, "ProductName": null,
    "logid": null' || CASE WHEN class_name IN ('network_activity', 'tunnel_activity',
      'email_activity', 'authentication') THEN ', "src": null, "sip": null, "dst": null,
      "dip": null, "s_port": null, "sport": null, "dport": null, "service_id": null'
      ELSE '' END || CASE WHEN class_name = 'network_activity' THEN ', "proto": null,
      "inzone": null, "outzone": null, "bytesin": null, "bytesout": null, "packetsin": null,
      "packetsout": null, "rule_name": null, "rule_uid": null,
      "rule_name_._._match_table": null, "rule_uid_._._match_table": null' ELSE '' END || '}'
    END) AS unmapped,
  CASE
    WHEN json_type(doc) <> 'OBJECT' OR doc = '{}'
      OR (did IS NULL AND blade IS NULL AND e.src IS NULL)
      THEN 'the line is no log of Check Point: it has no action, product or source'
  END AS problem
FROM told
