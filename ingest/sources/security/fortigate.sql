-- name: fortigate
-- reads: lines
-- class: network_activity detection_finding http_activity dns_activity email_activity ssh_activity smb_activity authentication tunnel_activity base_event
-- product: Fortinet / FortiGate
-- sniff: \blogid="?\d{10}"? .*?\btype="?(traffic|utm|event|app-ctrl|dns)"? +subtype="?[a-z-]+"?.*
-- https://docs.fortinet.com/document/fortigate/latest/fortios-log-message-reference
-- FortiOS 6 and 7, every type of log, as files and syslog (with or without its header) have it. The
-- time is `eventtime`; in its absence the device's clock, in UTC if it tells no `tz`.
WITH documents AS (
  SELECT position, ingested_at, line, '{' || array_to_string(list_transform(
    regexp_extract_all(line, '[A-Za-z_][\w-]*=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)'),
    lambda p: to_json(split_part(p, '=', 1))::VARCHAR || ':' || CASE
      WHEN contains(p, '="') AND json_valid(p[position('=' IN p) + 1:])
        THEN p[position('=' IN p) + 1:]
      ELSE to_json(trim(p[position('=' IN p) + 1:], '"'))::VARCHAR END), ',') || '}' AS doc
  FROM raw
),
parsed AS (
  SELECT *, from_json(replace(doc, '"N/A"', 'null'), '{
    "date": "VARCHAR", "time": "VARCHAR", "tz": "VARCHAR", "eventtime": "VARCHAR",
    "logid": "VARCHAR", "type": "VARCHAR", "subtype": "VARCHAR", "eventtype": "VARCHAR",
    "level": "VARCHAR", "severity": "VARCHAR", "vd": "VARCHAR", "devname": "VARCHAR",
    "devid": "VARCHAR", "logdesc": "VARCHAR", "msg": "VARCHAR", "reason": "VARCHAR",
    "desc": "VARCHAR", "action": "VARCHAR", "utmaction": "VARCHAR", "status": "VARCHAR",
    "result": "VARCHAR", "error": "VARCHAR",
    "srcip": "VARCHAR", "srcport": "INTEGER", "srcintf": "VARCHAR", "srcintfrole": "VARCHAR",
    "srcmac": "VARCHAR", "srcname": "VARCHAR", "srchwvendor": "VARCHAR", "osname": "VARCHAR",
    "srccountry": "VARCHAR", "dstcountry": "VARCHAR",
    "dstip": "VARCHAR", "dstport": "INTEGER", "dstintf": "VARCHAR", "dstintfrole": "VARCHAR",
    "dstmac": "VARCHAR", "dstname": "VARCHAR", "hostname": "VARCHAR", "service": "VARCHAR",
    "sessionid": "VARCHAR", "session_id": "VARCHAR", "proto": "INTEGER", "direction": "VARCHAR",
    "dir": "VARCHAR", "transip": "VARCHAR", "transport": "INTEGER", "policyid": "VARCHAR",
    "policytype": "VARCHAR", "policyname": "VARCHAR", "poluuid": "VARCHAR", "profile": "VARCHAR",
    "applist": "VARCHAR", "app": "VARCHAR", "duration": "BIGINT", "sentbyte": "BIGINT",
    "rcvdbyte": "BIGINT", "sentpkt": "BIGINT", "rcvdpkt": "BIGINT", "crscore": "INTEGER",
    "crlevel": "VARCHAR", "url": "VARCHAR", "agent": "VARCHAR", "httpmethod": "VARCHAR",
    "referralurl": "VARCHAR", "catdesc": "VARCHAR",
    "virus": "VARCHAR", "virusid": "VARCHAR", "dtype": "VARCHAR", "ref": "VARCHAR",
    "attack": "VARCHAR", "attackid": "VARCHAR", "incidentserialno": "VARCHAR",
    "filteridx": "VARCHAR", "filtertype": "VARCHAR", "filtername": "VARCHAR",
    "dlpextra": "VARCHAR", "filename": "VARCHAR", "filesize": "BIGINT", "filehash": "VARCHAR",
    "analyticscksum": "VARCHAR", "qname": "VARCHAR", "qtype": "VARCHAR", "qclass": "VARCHAR",
    "xid": "BIGINT", "ipaddr": "VARCHAR", "rcode": "INTEGER",
    "from": "VARCHAR", "to": "VARCHAR", "cc": "VARCHAR", "sender": "VARCHAR",
    "recipient": "VARCHAR", "subject": "VARCHAR", "size": "BIGINT",
    "user": "VARCHAR", "unauthuser": "VARCHAR", "xauthuser": "VARCHAR", "group": "VARCHAR",
    "ui": "VARCHAR", "method": "VARCHAR", "authproto": "VARCHAR", "interface": "VARCHAR",
    "login": "VARCHAR", "remip": "VARCHAR", "remport": "INTEGER", "locip": "VARCHAR",
    "locport": "INTEGER", "outintf": "VARCHAR", "vpntunnel": "VARCHAR", "tunnelid": "VARCHAR",
    "tunneltype": "VARCHAR", "tunnelip": "VARCHAR", "ip": "VARCHAR", "name": "VARCHAR",
    "fctuid": "VARCHAR", "connection_type": "VARCHAR", "ssid": "VARCHAR", "bssid": "VARCHAR",
    "snclosest": "VARCHAR", "sn": "VARCHAR"}') AS e
  FROM documents
),
read AS (
  SELECT *,
    coalesce(any_time(e.eventtime),
      any_time(e."date" || 'T' || e."time" || coalesce(e.tz, 'Z'))) AS at,
    ip_only(coalesce(e.srcip, CASE
      WHEN e.subtype = 'vpn' AND e.tunneltype LIKE 'ssl%' THEN e.remip
      WHEN e.subtype = 'vpn' THEN e.locip WHEN e.subtype = 'endpoint' THEN e.ip END)) AS src_ip,
    ip_only(coalesce(e.dstip, CASE WHEN e.subtype = 'vpn'
      AND coalesce(e.tunneltype, '') NOT LIKE 'ssl%' THEN e.remip END)) AS dst_ip,
    coalesce(e."user", e.xauthuser, e.unauthuser) AS who,
    firewall_disposition_id(CASE WHEN e.type = 'traffic' THEN coalesce(e.utmaction,
      CASE WHEN e.action = 'deny' THEN 'deny' END) WHEN e.type <> 'event' THEN e.action END)
      AS disposition,
    lower(regexp_extract(coalesce(e.authproto, e.method, e.ui), '^\w+')) AS authenticated_by,
    mail_address(coalesce(e."from", e.sender)) AS sent_from,
    nullif(list_filter(list_transform(string_split(coalesce(e."to", e.recipient), ','),
      lambda a: mail_address(trim(a))), lambda a: a IS NOT NULL), []) AS sent_to
  FROM parsed
),
told AS (
  SELECT *,
    CASE fortigate_class(e.type, e.subtype)
      WHEN 'network_activity' THEN
        CASE WHEN coalesce(src_ip, dst_ip) IS NOT NULL THEN 'network_activity' END
      WHEN 'detection_finding' THEN CASE WHEN coalesce(e.virus, e.attack, e.dlpextra, e.filtername,
        e.filtertype, e.bssid) IS NOT NULL THEN 'detection_finding'
        WHEN src_ip IS NOT NULL THEN 'network_activity' END
      WHEN 'http_activity' THEN CASE WHEN coalesce(e.url, e.agent, e.httpmethod) IS NOT NULL
        THEN 'http_activity' ELSE 'network_activity' END
      WHEN 'email_activity' THEN CASE WHEN coalesce(sent_from, sent_to[1]) IS NOT NULL
        THEN 'email_activity' ELSE 'network_activity' END
      WHEN 'authentication' THEN CASE WHEN who <> '' AND (e.subtype = 'user'
          OR e.action IN ('login', 'logout')) AND coalesce(dst_ip, authenticated_by, e.ui) <> ''
        THEN 'authentication' END
      WHEN 'tunnel_activity' THEN CASE WHEN coalesce(src_ip, e.vpntunnel, e.tunnelid, e.tunneltype,
        e.fctuid, e.remip) IS NOT NULL THEN 'tunnel_activity' END
      ELSE fortigate_class(e.type, e.subtype)
    END AS mapped,
    CASE WHEN coalesce(src_ip, e.srcintf) IS NOT NULL THEN {
      'ip': src_ip, 'port': coalesce(e.srcport, CASE e.subtype WHEN 'vpn' THEN e.locport END),
      'interface_name': coalesce(e.srcintf, e.interface,
        CASE e.subtype WHEN 'vpn' THEN e.outintf END),
      'mac': mac_only(e.srcmac),
      'hostname': coalesce(e.srcname, CASE e.subtype WHEN 'endpoint' THEN e.name END),
      'zone': nullif(e.srcintfrole, 'undefined'),
      'os': CASE WHEN e.osname <> '' THEN {'name': e.osname, 'type_id': os_type_id(
        CASE WHEN e.osname IN ('Ubuntu', 'Debian', 'CentOS') THEN 'linux' ELSE e.osname END)} END,
      'proxy_endpoint': CASE WHEN ip_only(e.transip) <> '0.0.0.0'
        THEN {'ip': e.transip, 'port': e.transport} END,
      'location': CASE WHEN e.srccountry <> 'Reserved' THEN {'country': e.srccountry} END} END
      AS source,
    CASE WHEN coalesce(dst_ip, e.dstintf, e.hostname) IS NOT NULL THEN {
      'ip': dst_ip, 'port': coalesce(e.dstport, CASE e.subtype WHEN 'vpn' THEN e.remport END),
      'interface_name': e.dstintf, 'mac': mac_only(e.dstmac),
      'hostname': coalesce(e.hostname, e.dstname), 'svc_name': e.service,
      'zone': nullif(e.dstintfrole, 'undefined'),
      'location': CASE WHEN e.dstcountry <> 'Reserved' THEN {'country': e.dstcountry} END} END
      AS target,
    {'protocol_num': e.proto, 'uid': coalesce(e.sessionid, e.session_id),
     'direction_id': CASE
       WHEN e.direction IN ('incoming', 'inbound') OR e.dir = 'inbound' THEN 1
       WHEN e.direction IN ('outgoing', 'outbound') OR e.dir = 'outbound' THEN 2
       WHEN e.type = 'traffic' THEN zone_direction_id(
         CASE e.srcintfrole WHEN 'lan' THEN true WHEN 'wan' THEN false END,
         CASE e.dstintfrole WHEN 'lan' THEN true WHEN 'wan' THEN false END)
       ELSE 0 END} AS connection
  FROM read
),
classed AS (
  SELECT *, coalesce(mapped, 'base_event') AS class_name FROM told
)
SELECT
  position,
  ingested_at,
  "at" AS "time",
  class_name,
  CASE class_name
    WHEN 'base_event' THEN 0
    WHEN 'detection_finding' THEN 1
    WHEN 'http_activity' THEN CASE WHEN e.httpmethod <> '' THEN
      http_activity_id(upper(e.httpmethod)) ELSE 0 END
    WHEN 'dns_activity' THEN CASE WHEN e.eventtype = 'dns-query' THEN 1 ELSE 2 END
    WHEN 'email_activity' THEN 3
    WHEN 'smb_activity' THEN 2
    WHEN 'authentication' THEN CASE WHEN e.action LIKE '%logout' OR e.action LIKE '%logoff' THEN 2
      ELSE 1 END
    WHEN 'tunnel_activity' THEN CASE
      WHEN regexp_matches(e.action, '(?i)down|close|delete|logout|exit|timeout') THEN 2
      WHEN regexp_matches(e.action, '(?i)up|add|negotiate|install|new-con|login|^ssl-') THEN 1
      ELSE 99 END
    ELSE CASE
      WHEN e.type = 'traffic' THEN coalesce(MAP {'start': 1, 'close': 2, 'timeout': 2,
        'client-rst': 3, 'server-rst': 3, 'ip-conn': 4, 'deny': 5}[e.action], 6)
      WHEN e.subtype = 'ssl' AND disposition = 2 OR e.subtype = 'wad' THEN 3
      WHEN disposition IN (2, 6, 25) THEN 5 WHEN disposition = 21 THEN 3 ELSE 6 END
  END AS activity_id,
  CASE lower(coalesce(nullif(e.severity, ''), e.level)) WHEN 'emergency' THEN 6 WHEN 'alert' THEN 5
    WHEN 'critical' THEN 5 WHEN 'error' THEN 4 WHEN 'high' THEN 4 WHEN 'warning' THEN 3
    WHEN 'medium' THEN 3 WHEN 'low' THEN 2 WHEN 'notice' THEN 1 WHEN 'information' THEN 1
    WHEN 'info' THEN 1 WHEN 'debug' THEN 1 ELSE 0 END AS severity_id,
  CASE
    WHEN class_name = 'detection_finding' THEN NULL
    WHEN lower(e.status) IN ('success', 'succeed', 'up', 'ok') THEN 1
    WHEN lower(e.status) IN ('failure', 'failed', 'fail', 'error', 'negotiate_error') THEN 2
  END AS status_id,
  coalesce(e."desc", e.logdesc, nullif(e.reason, 'none')) AS status_detail,
  CASE WHEN class_name NOT IN ('base_event', 'authentication') THEN disposition END
    AS disposition_id,
  CASE WHEN class_name = 'detection_finding' THEN true END AS is_alert,
  e.msg AS message,
  {'log_name': e.subtype, 'log_format': 'kv', 'log_level': e.level, 'type': e.type,
   'original_event_uid': e.logid, 'original_time': e."date" || ' ' || e."time"} AS metadata,
  CASE WHEN coalesce(e.devname, e.devid, e.vd) <> '' THEN {
    'hostname': e.devname, 'uid': coalesce(e.devid, e.snclosest),
    'name': CASE WHEN coalesce(e.devname, e.devid) IS NULL THEN e.vd END, 'zone': e.vd,
    'type_id': 9} END AS device,
  {'instance': coalesce(e.devname, e.devid)} AS workload,
  CASE WHEN class_name NOT IN ('base_event', 'detection_finding') THEN source END AS src_endpoint,
  CASE WHEN class_name NOT IN ('base_event', 'detection_finding') THEN CASE
    WHEN class_name = 'email_activity' THEN struct_update(target, svc_name := NULL::VARCHAR)
    ELSE target END END AS dst_endpoint,
  CASE WHEN class_name NOT IN ('base_event', 'detection_finding', 'email_activity',
    'authentication') THEN connection END AS connection_info,
  CASE WHEN class_name IN ('network_activity', 'http_activity', 'tunnel_activity')
    AND coalesce(e.sentbyte, e.rcvdbyte) IS NOT NULL THEN {
      'bytes_out': e.sentbyte, 'bytes_in': e.rcvdbyte, 'packets_out': e.sentpkt,
      'packets_in': e.rcvdpkt,
      'start_time': CASE WHEN e.duration IS NOT NULL 
        THEN epoch_us("at") // 1000 - e.duration * 1000 END,
      'end_time': CASE WHEN e.duration IS NOT NULL 
        THEN epoch_us("at") // 1000 END} END AS traffic,
  CASE WHEN class_name NOT IN ('base_event', 'detection_finding', 'email_activity',
    'authentication', 'tunnel_activity') THEN e.app END AS app_name,
  CASE WHEN coalesce(e.policyid, e.policyname, e.poluuid) <> '' THEN {
    'uid': coalesce(e.poluuid, e.policyid), 'type': e.policytype,
    'name': coalesce(e.policyname, CASE WHEN e.poluuid <> '' THEN e.policyid END)} END
    AS firewall_rule,
  CASE WHEN coalesce(nullif(e.profile, ''), e.applist) <> '' AND e.type NOT IN ('traffic', 'event')
    THEN {'name': coalesce(nullif(e.profile, ''), e.applist)} END AS policy,
  e.crscore AS risk_score,
  MAP {'low': 1, 'medium': 2, 'high': 3, 'critical': 4}[e.crlevel] AS risk_level_id,
  CASE WHEN class_name = 'http_activity' THEN {
    'http_method': upper(e.httpmethod), 'user_agent': e.agent, 'referrer': e.referralurl,
    'url': CASE WHEN e.url <> '' THEN list_transform([url_parts(e.url)], lambda p: {
      'hostname': coalesce(e.hostname, nullif(p.host, '')), 'scheme': nullif(p.scheme, ''),
      'path': nullif(p.path, ''), 'query_string': nullif(p.query, ''),
      'url_string': CASE WHEN p.scheme <> '' THEN e.url END,
      'categories': NULL::VARCHAR[]})[1] END} END AS http_request,
  CASE WHEN class_name = 'dns_activity' AND e.qname <> '' THEN {'hostname': e.qname,
    'type': e.qtype, 'class': e.qclass, 'packet_uid': e.xid} END AS query,
  CASE WHEN class_name = 'dns_activity' AND e.ipaddr <> '' THEN list_transform(
    string_split(e.ipaddr, ','), lambda a: {'rdata': trim(a), 'type': e.qtype,
      'class': e.qclass}) END AS answers,
  CASE WHEN class_name = 'dns_activity' THEN
    CASE WHEN e.rcode BETWEEN 0 AND 11 OR e.rcode BETWEEN 16 AND 23 THEN e.rcode
      WHEN e.rcode IS NOT NULL THEN 99 END END AS rcode_id,
  CASE WHEN class_name = 'email_activity' THEN connection.direction_id END AS direction_id,
  CASE class_name WHEN 'email_activity' THEN e.service WHEN 'tunnel_activity' THEN coalesce(
    e.connection_type, CASE WHEN e.tunneltype LIKE 'ssl%' THEN e.tunneltype ELSE 'IPSec' END) END
    AS protocol_name,
  CASE WHEN class_name = 'email_activity' THEN {'from': sent_from, 'to': sent_to,
    'subject': e.subject, 'size': e.size} END AS email,
  CASE WHEN class_name IN ('smb_activity', 'http_activity', 'ssh_activity') AND e.filename <> ''
    THEN {'name': e.filename, 'size': e.filesize, 'type_id': 0} END AS file,
  CASE WHEN class_name = 'ssh_activity' AND e.login <> '' THEN {'user': {'name': e.login}}
    WHEN class_name NOT IN ('authentication', 'tunnel_activity') AND who <> ''
    THEN {'user': {'name': who}} END AS actor,
  CASE WHEN class_name IN ('authentication', 'tunnel_activity') AND who <> '' THEN {'name': who,
    'groups': CASE WHEN coalesce(e."group", e.profile) <> ''
      THEN [{'name': coalesce(e."group", e.profile)}] END,
    'type_id': CASE WHEN class_name = 'authentication' AND e.subtype = 'system' THEN 2 END} END
    AS "user",
  CASE WHEN class_name = 'authentication' AND dst_ip IS NULL
    THEN {'name': coalesce(nullif(authenticated_by, ''), e.ui)} END AS service,
  CASE WHEN class_name = 'authentication' THEN coalesce(MAP {'ntlm': 1, 'kerberos': 2, 'saml': 5,
    'radius': 10, 'ldap': 12}[authenticated_by], 99) END AS auth_protocol_id,
  CASE WHEN class_name = 'authentication' AND src_ip IS NOT NULL THEN true END AS is_remote,
  CASE WHEN class_name = 'authentication' AND authenticated_by IN ('telnet', 'http', 'ftp')
    THEN true END AS is_cleartext,
  CASE WHEN class_name = 'authentication' THEN CASE
    WHEN authenticated_by IN ('telnet', 'http', 'ftp') THEN 8 WHEN e.subtype = 'system'
      AND src_ip IS NOT NULL THEN 10 WHEN e.subtype = 'system' THEN 2 ELSE 3 END END
    AS logon_type_id,
  CASE WHEN class_name = 'tunnel_activity' AND coalesce(e.tunnelid, e.fctuid) <> ''
    THEN {'uid': coalesce(e.tunnelid, e.fctuid)} END AS session,
  CASE WHEN class_name = 'tunnel_activity' AND e.vpntunnel <> '' THEN {'name': e.vpntunnel,
    'ip': ip_only(e.tunnelip)} END AS tunnel_interface,
  CASE WHEN class_name = 'detection_finding' THEN {
    'uid': coalesce(e.incidentserialno, e.virusid, e.attackid, e.filteridx, e.bssid, e.logid),
    'title': coalesce(e.virus, e.attack, e.dlpextra, e.filtername, 'Rogue AP: ' || e.ssid,
      e.logdesc), 'src_url': e.ref,
    'analytic': {'name': coalesce(e.virus, e.attack, e.dlpextra, e.filtername, e.action),
      'uid': e.attackid, 'category': e.filtertype, 'type_id': 1}} END AS finding_info,
  CASE WHEN class_name = 'detection_finding' AND e.virus <> '' THEN [{'name': e.virus,
    'uid': e.virusid, 'provider': 'FortiGate',
    'classification_ids': [coalesce(MAP {'virus': 19, 'worm': 22, 'trojan': 18, 'spyware': 17,
      'adware': 1, 'grayware': 1}[lower(e.dtype)], 0)]}] END AS malware,
  CASE WHEN class_name = 'detection_finding' AND coalesce(src_ip, dst_ip) IS NOT NULL THEN [{
    'src_endpoint': source, 'dst_endpoint': target, 'connection_info': connection,
    'file': CASE WHEN e.filename <> '' THEN {'name': e.filename, 'size': e.filesize, 'type_id': 0,
      'hashes': CASE WHEN coalesce(e.analyticscksum, e.filehash) <> ''
        THEN [digest(coalesce(e.analyticscksum, e.filehash))] END} END,
    'url': CASE WHEN e.url <> '' THEN {'path': e.url, 'hostname': e.hostname} END}] END
    AS evidences,
  remaining(doc, '{"eventtime": null, "date": null, "time": null, "logid": null, "type": null,
    "subtype": null, "level": null, "vd": null, "devname": null, "devid": null, "msg": null,
    "policyid": null, "policyname": null, "policytype": null, "poluuid": null'
    || CASE WHEN e."desc" IS NULL THEN ', "logdesc": null' ELSE ', "desc": null' END
    || CASE WHEN class_name = 'base_event' THEN '' ELSE ', "srcip": null, "srcport": null,
      "srcintf": null, "srcmac": null, "dstip": null, "dstport": null, "dstintf": null,
      "hostname": null, "osname": null, "transip": null, "transport": null' END
    || CASE WHEN class_name IN ('base_event', 'email_activity', 'authentication') THEN ''
      ELSE ', "proto": null, "sessionid": null, "service": null' END
    || CASE WHEN class_name IN ('network_activity', 'http_activity', 'tunnel_activity')
      THEN ', "sentbyte": null, "rcvdbyte": null, "sentpkt": null, "rcvdpkt": null' ELSE '' END
    || coalesce(', ' || MAP {
      'network_activity': '"app": null',
      'detection_finding': '"virus": null, "virusid": null, "attack": null, "attackid": null,
        "ref": null, "incidentserialno": null, "filteridx": null, "dlpextra": null,
        "filtertype": null, "bssid": null, "crscore": null, "crlevel": null',
      'http_activity': '"url": null, "agent": null, "httpmethod": null, "crscore": null,
        "crlevel": null',
      'dns_activity': '"qname": null, "qtype": null, "qclass": null, "xid": null, "ipaddr": null',
      'email_activity': '"subject": null, "size": null, "service": null',
      'authentication': '"user": null, "group": null',
      'tunnel_activity': '"user": null, "vpntunnel": null, "locip": null, "locport": null,
        "remip": null, "remport": null'
      }[class_name], '') || '}') AS unmapped,
  CASE
    WHEN e.logid IS NULL OR e.type IS NULL
      THEN 'the line is no log of FortiGate: it has no logid and type'
  END AS problem
FROM classed
