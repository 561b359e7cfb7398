-- name: crowdstrike
-- reads: json
-- class: detection_finding authentication api_activity network_activity base_event
-- product: CrowdStrike / Falcon
-- sniff: "(customerIDString|composite_id)"\s*:
-- sniff: "(eventType|agent_id)"\s*:
-- https://www.falconpy.io/Service-Collections/Event-Streams.html
-- https://www.falconpy.io/Service-Collections/Alerts.html
-- The event stream (detections of versions 1 and Epp/Idp/Mobile/Xdr 2, incidents, sign-ins, audits,
-- firewall matches) and what the Alerts API answers, alone or in its resources. An incident of
-- Falcon is a finding here: those of OCSF are our own.
WITH documents AS (
  SELECT position, ingested_at,
    unnest(coalesce(nullif(json_extract(doc, '$.resources[*]'), []), [doc])) AS doc
  FROM raw
),
parsed AS (
  SELECT *,
    from_json(doc->'$.metadata', '{"customerIDString": "VARCHAR", "offset": "VARCHAR",
      "eventType": "VARCHAR", "eventCreationTime": "VARCHAR", "version": "VARCHAR"}') AS m,
    from_json(coalesce(doc->'$.event', '{}'), '{
      "DetectId": "VARCHAR", "CompositeId": "VARCHAR", "IncidentID": "VARCHAR",
      "DetectName": "VARCHAR", "Name": "VARCHAR", "DetectDescription": "VARCHAR",
      "Description": "VARCHAR", "Severity": "DOUBLE", "SeverityName": "VARCHAR",
      "FalconHostLink": "VARCHAR", "ComputerName": "VARCHAR", "Hostname": "VARCHAR",
      "HostnameField": "VARCHAR", "SensorId": "VARCHAR",
      "AgentId": "VARCHAR", "HostID": "VARCHAR", "DeviceId": "VARCHAR", "LocalIP": "VARCHAR",
      "MACAddress": "VARCHAR", "MachineDomain": "VARCHAR", "LogonDomain": "VARCHAR",
      "PlatformName": "VARCHAR", "UserName": "VARCHAR", "UserId": "VARCHAR", "UserIp": "VARCHAR",
      "OperationName": "VARCHAR", "ServiceName": "VARCHAR", "Success": "BOOLEAN",
      "FileName": "VARCHAR", "FilePath": "VARCHAR", "CommandLine": "VARCHAR",
      "MD5String": "VARCHAR", "SHA1String": "VARCHAR", "SHA256String": "VARCHAR",
      "ProcessId": "VARCHAR", "ProcessStartTime": "VARCHAR", "ProcessEndTime": "VARCHAR",
      "ParentProcessId": "VARCHAR", "ParentImageFileName": "VARCHAR",
      "ParentCommandLine": "VARCHAR", "Tactic": "VARCHAR", "Technique": "VARCHAR",
      "PatternDispositionDescription": "VARCHAR", "State": "VARCHAR",
      "MitreAttack": [{"Tactic": "VARCHAR", "TacticID": "VARCHAR", "Technique": "VARCHAR",
        "TechniqueID": "VARCHAR"}],
      "UTCTimestamp": "VARCHAR", "StartTimestamp": "VARCHAR", "EndTimestamp": "VARCHAR",
      "SessionId": "VARCHAR", "LocalAddress": "VARCHAR", "LocalPort": "INTEGER",
      "RemoteAddress": "VARCHAR", "RemotePort": "INTEGER", "Protocol": "VARCHAR",
      "ConnectionDirection": "VARCHAR", "RuleAction": "VARCHAR", "RuleId": "VARCHAR",
      "RuleName": "VARCHAR"}')                             AS e,
    from_json(doc, '{
      "composite_id": "VARCHAR", "id": "VARCHAR", "cid": "VARCHAR", "agent_id": "VARCHAR",
      "display_name": "VARCHAR", "name": "VARCHAR", "description": "VARCHAR",
      "severity": "DOUBLE", "severity_name": "VARCHAR", "confidence": "INTEGER",
      "status": "VARCHAR", "created_timestamp": "VARCHAR", "updated_timestamp": "VARCHAR",
      "timestamp": "VARCHAR", "falcon_host_link": "VARCHAR", "tactic": "VARCHAR",
      "tactic_id": "VARCHAR", "technique": "VARCHAR", "technique_id": "VARCHAR",
      "type": "VARCHAR", "product": "VARCHAR", "filename": "VARCHAR", "filepath": "VARCHAR",
      "cmdline": "VARCHAR", "md5": "VARCHAR", "sha1": "VARCHAR", "sha256": "VARCHAR",
      "process_id": "VARCHAR", "local_process_id": "INTEGER", "user_name": "VARCHAR",
      "user_id": "VARCHAR", "pattern_disposition_description": "VARCHAR",
      "assigned_to_name": "VARCHAR", "assigned_to_uuid": "VARCHAR",
      "parent_details": {"cmdline": "VARCHAR", "filename": "VARCHAR", "process_id": "VARCHAR"},
      "device": {"device_id": "VARCHAR", "hostname": "VARCHAR", "local_ip": "VARCHAR",
        "mac_address": "VARCHAR", "machine_domain": "VARCHAR", "os_version": "VARCHAR",
        "platform_name": "VARCHAR", "instance_id": "VARCHAR"}}') AS a
  FROM documents
),
told AS (
  SELECT *,
    CASE
      WHEN a.composite_id IS NOT NULL OR m."eventType" LIKE '%DetectionSummaryEvent'
        OR m."eventType" IN ('IncidentSummaryEvent', 'IdentityProtectionEvent', 'CustomerIOCEvent',
          'ReconNotificationSummaryEvent') THEN 'detection_finding'
      WHEN m."eventType" = 'AuthActivityAuditEvent' AND regexp_matches(e."OperationName",
        '(?i)authenticat|login|logon|logout|saml2Assert|twoFactor') THEN 'authentication'
      WHEN m."eventType" LIKE '%AuditEvent' AND e."OperationName" IS NOT NULL THEN 'api_activity'
      WHEN m."eventType" = 'FirewallMatchEvent' THEN 'network_activity'
      ELSE 'base_event'
    END                                                    AS class_name,
    coalesce(e."CompositeId", e."DetectId", e."IncidentID", a.composite_id) AS uid,
    coalesce(e."ComputerName", e."Hostname", doc->'$.event'->>'$.HostName',
      e."HostnameField", a.device.hostname)               AS host,
    coalesce(e."SensorId", e."AgentId", e."HostID", e."DeviceId", a.device.device_id, a.agent_id)
                                                           AS host_uid,
    coalesce(e."LocalIP", a.device.local_ip)               AS host_ip,
    coalesce(e."PlatformName", a.device.platform_name)     AS platform,
    nullif(coalesce(e."UserName", a.user_name), '')        AS user_name,
    nullif(coalesce(e."UserId", a.user_id), '')            AS user_uid,
    coalesce(e."FilePath", a.filepath)                     AS file_path,
    coalesce(e."FileName", a.filename)                     AS image,
    coalesce(e."PatternDispositionDescription", a.pattern_disposition_description) AS disposition,
    coalesce(e."ProcessId", a.process_id)                  AS process_uid,
    coalesce(list_transform(e."MitreAttack", lambda t: {
        'tactic': {'name': t."Tactic", 'uid': t."TacticID"},
        'technique': {'name': t."Technique", 'uid': t."TechniqueID"}}),
      CASE WHEN coalesce(e."Tactic", a.tactic) <> '' AND coalesce(e."Technique", a.technique) <> ''
        THEN [{'tactic': {'name': coalesce(e."Tactic", a.tactic), 'uid': a.tactic_id},
          'technique': {'name': coalesce(e."Technique", a.technique), 'uid': a.technique_id}}] END)
                                                           AS attacks
  FROM parsed
)
SELECT
  position,
  ingested_at,
  any_time(coalesce(m."eventCreationTime", a.updated_timestamp, a."timestamp",
    a.created_timestamp))                                  AS "time",
  class_name,
  CASE class_name
    WHEN 'detection_finding' THEN CASE WHEN lower(coalesce(a.status, e."State")) IN ('closed')
      THEN 3 WHEN a.updated_timestamp > a.created_timestamp THEN 2 ELSE 1 END
    WHEN 'authentication' THEN CASE WHEN e."OperationName" ILIKE '%logout%' THEN 2 ELSE 1 END
    WHEN 'api_activity' THEN coalesce(verb_activity_id(
      lower(regexp_replace(e."OperationName", '([a-z])([A-Z])', '\1_\2', 'g'))), 99)
    WHEN 'network_activity' THEN CASE e."RuleAction" WHEN '2' THEN 5 ELSE 6 END
    ELSE 99
  END                                                      AS activity_id,
  CASE WHEN class_name = 'detection_finding' THEN points_severity_id(
    coalesce(e."SeverityName", a.severity_name), coalesce(e."Severity", a.severity)) ELSE 1 END
                                                           AS severity_id,
  CASE
    WHEN class_name = 'detection_finding' THEN CASE lower(coalesce(a.status, e."State", 'new'))
      WHEN 'new' THEN 1 WHEN 'open' THEN 1 WHEN 'reopened' THEN 1 WHEN 'in_progress' THEN 2
      WHEN 'closed' THEN 4 ELSE 0 END
    WHEN e."Success" IS NOT NULL THEN CASE WHEN e."Success" THEN 1 ELSE 2 END
  END                                                      AS status_id,
  coalesce(e."DetectDescription", e."Description", a.description, e."OperationName",
    m."eventType")                                         AS message,
  CASE WHEN class_name = 'detection_finding' THEN a.confidence END AS confidence_score,
  CASE
    WHEN class_name = 'network_activity'
      THEN CASE e."RuleAction" WHEN '1' THEN 1 WHEN '2' THEN 2 END
    WHEN regexp_matches(disposition, '(?i)^prevention|quarantin|block|kill') THEN 2
  END                                                      AS action_id,
  CASE
    WHEN class_name = 'network_activity'
      THEN CASE e."RuleAction" WHEN '1' THEN 1 WHEN '2' THEN 2 END
    WHEN disposition ILIKE '%quarantin%' THEN 3
    WHEN regexp_matches(disposition, '(?i)^prevention|block|kill') THEN 2
    WHEN disposition ILIKE 'detection%' THEN 15
  END                                                      AS disposition_id,
  {'sequence': try_cast(m."offset" AS BIGINT), 'event_code': coalesce(m."eventType", a.type),
   'tenant_uid': coalesce(m."customerIDString", a.cid), 'log_version': m."version",
   'product': {'feature': CASE WHEN a.product IS NOT NULL THEN {'name': a.product} END}}
                                                           AS metadata,
  {'node': host, 'instance': a.device.instance_id}         AS workload,
  CASE WHEN coalesce(host, host_uid, host_ip) IS NOT NULL AND class_name NOT IN ('api_activity')
    THEN {'hostname': host, 'uid': host_uid, 'ip': ip_only(host_ip), 'type_id': 0,
      'domain': coalesce(e."MachineDomain", a.device.machine_domain),
      'mac': mac_only(coalesce(e."MACAddress", a.device.mac_address)),
      'instance_uid': a.device.instance_id,
      'os': CASE WHEN platform IS NOT NULL THEN {
        'name': coalesce(a.device.os_version, platform), 'type_id': os_type_id(platform)} END} END
                                                           AS device,
  CASE
    WHEN coalesce(user_name, user_uid) IS NOT NULL THEN {'user': {'name': user_name,
      'uid': user_uid, 'domain': e."LogonDomain"}, 'app_name': NULL,
      'session': CASE WHEN e."SessionId" IS NOT NULL THEN {'uid': e."SessionId"} END}
    WHEN class_name = 'api_activity' THEN {'user': NULL, 'app_name': 'Falcon', 'session': NULL}
  END                                                      AS actor,
  CASE WHEN class_name = 'authentication' THEN {'name': coalesce(user_name, user_uid, 'unknown'),
    'uid': user_uid} END                                   AS "user",
  CASE WHEN class_name = 'authentication' THEN {'name': coalesce(e."ServiceName", 'Falcon')} END
                                                           AS service,
  CASE WHEN class_name = 'api_activity' THEN {'operation': e."OperationName",
    'service': CASE WHEN e."ServiceName" IS NOT NULL THEN {'name': e."ServiceName"} END} END AS api,
  CASE
    WHEN class_name IN ('api_activity', 'authentication') THEN {'ip': ip_only(e."UserIp"),
      'svc_name': CASE WHEN ip_only(e."UserIp") IS NULL THEN 'Falcon' END, 'port': NULL::INT}
    WHEN class_name = 'network_activity' THEN CASE WHEN e."ConnectionDirection" = '1'
      THEN {'ip': e."RemoteAddress", 'svc_name': NULL, 'port': e."RemotePort"}
      ELSE {'ip': e."LocalAddress", 'svc_name': NULL, 'port': e."LocalPort"} END
  END                                                      AS src_endpoint,
  CASE WHEN class_name = 'network_activity' THEN CASE WHEN e."ConnectionDirection" = '1'
    THEN {'ip': e."LocalAddress", 'port': e."LocalPort"}
    ELSE {'ip': e."RemoteAddress", 'port': e."RemotePort"} END END AS dst_endpoint,
  CASE WHEN class_name = 'network_activity' THEN {
    'protocol_num': try_cast(e."Protocol" AS INT), 'direction_id': CASE e."ConnectionDirection"
      WHEN '1' THEN 1 WHEN '2' THEN 2 ELSE 0 END} END      AS connection_info,
  CASE WHEN class_name = 'network_activity' AND coalesce(e."RuleId", e."RuleName") IS NOT NULL
    THEN {'uid': e."RuleId", 'name': e."RuleName"} END     AS firewall_rule,
  CASE WHEN class_name = 'detection_finding' THEN {
    'uid': uid, 'title': coalesce(e."DetectName", e."Name", a.display_name, a.name, m."eventType"),
    'desc': coalesce(e."DetectDescription", e."Description", a.description),
    'src_url': coalesce(e."FalconHostLink", a.falcon_host_link),
    'created_time': epoch_ms(any_time(a.created_timestamp)),
    'modified_time': epoch_ms(any_time(a.updated_timestamp)), 'attacks': attacks} END
                                                           AS finding_info,
  CASE WHEN class_name = 'detection_finding' AND a.assigned_to_name IS NOT NULL
    THEN {'name': a.assigned_to_name, 'uid': a.assigned_to_uuid} END AS assignee,
  CASE WHEN class_name = 'detection_finding' AND process_uid IS NOT NULL THEN [{'process': {
    'uid': process_uid, 'pid': a.local_process_id, 'name': image,
    'cmd_line': coalesce(e."CommandLine", a.cmdline),
    'created_time': epoch_ms(any_time(e."ProcessStartTime")),
    'terminated_time': epoch_ms(any_time(e."ProcessEndTime")),
    'file': CASE WHEN coalesce(file_path, image) <> '' THEN {'path': file_path, 'type_id': 1,
      'name': coalesce(image, file_name(file_path)),
      'hashes': file_hashes(coalesce(e."MD5String", a.md5), coalesce(e."SHA1String", a.sha1),
        coalesce(e."SHA256String", a.sha256))} END,
    'parent_process': CASE WHEN coalesce(e."ParentProcessId", a.parent_details.process_id)
      IS NOT NULL THEN {'uid': coalesce(e."ParentProcessId", a.parent_details.process_id),
        'name': coalesce(e."ParentImageFileName", a.parent_details.filename),
        'cmd_line': coalesce(e."ParentCommandLine", a.parent_details.cmdline)} END}}] END
                                                           AS evidences,
  remaining(doc, '{"metadata": null, "composite_id": null, "cid": null, "display_name": null,
    "description": null, "cmdline": null, "filename": null, "filepath": null, "md5": null,
    "sha1": null, "sha256": null, "event": {"CompositeId": null, "DetectId": null,
      "DetectDescription": null, "Description": null, "CommandLine": null, "FileName": null,
      "FilePath": null, "FalconHostLink": null, "ComputerName": null, "Hostname": null,
      "UserName": null, "UserIp": null, "OperationName": null}}') AS unmapped,
  CASE
    WHEN json_array_length(doc, '$.resources') = 0 THEN ''
    WHEN m."eventType" IS NULL AND a.composite_id IS NULL
      THEN 'the document is no event of Falcon''s stream and no alert'
    WHEN class_name = 'detection_finding' AND uid IS NULL THEN 'the detection has no id'
    WHEN class_name = 'network_activity' AND coalesce(e."LocalAddress", e."RemoteAddress") IS NULL
      THEN 'the firewall match has no address'
  END                                                      AS problem
FROM told
