-- name: sentinelone
-- reads: json
-- class: detection_finding authentication account_change base_event
-- product: SentinelOne / Singularity
-- sniff: "(threatInfo|alertInfo|activityType)"\s*:
-- sniff: "(siteId|siteName|agentRealtimeInfo)"\s*:
-- https://www.elastic.co/docs/reference/integrations/sentinel_one#logs-reference
-- Management API 2.1: threats, cloud detection alerts and activities, alone or in data. Activities
-- 27 and 33 are sign-in and sign-out, 133 and 134 sign-ins that failed, 23 to 25 changes of users.
WITH documents AS (
  SELECT position, ingested_at, unnest(coalesce(nullif(CASE WHEN json_type(doc, '$.data') = 'ARRAY'
    THEN json_extract(doc, '$.data[*]') END, []), [doc])) AS doc
  FROM raw
),
parsed AS (
  SELECT *, from_json(doc, '{
    "id": "VARCHAR", "accountId": "VARCHAR", "accountName": "VARCHAR", "activityType": "INTEGER",
    "createdAt": "VARCHAR", "primaryDescription": "VARCHAR", "secondaryDescription": "VARCHAR",
    "userId": "VARCHAR", "threatId": "VARCHAR", "agentId": "VARCHAR",
    "agentDetectionInfo": {"accountId": "VARCHAR", "agentIpV4": "VARCHAR", "agentDomain": "VARCHAR",
      "agentLastLoggedInUserName": "VARCHAR", "machineType": "VARCHAR", "name": "VARCHAR",
      "osFamily": "VARCHAR", "osName": "VARCHAR", "uuid": "VARCHAR"},
    "agentRealtimeInfo": {"agentComputerName": "VARCHAR", "agentId": "VARCHAR",
      "agentMachineType": "VARCHAR", "agentOsName": "VARCHAR", "agentOsType": "VARCHAR",
      "agentVersion": "VARCHAR", "id": "VARCHAR", "name": "VARCHAR", "machineType": "VARCHAR",
      "os": "VARCHAR"},
    "kubernetesInfo": {"cluster": "VARCHAR", "controllerName": "VARCHAR", "namespace": "VARCHAR",
      "node": "VARCHAR", "pod": "VARCHAR"},
    "indicators": [{"tactics": [{"name": "VARCHAR",
      "techniques": [{"name": "VARCHAR", "link": "VARCHAR"}]}]}],
    "threatInfo": {"threatId": "VARCHAR", "threatName": "VARCHAR", "classification": "VARCHAR",
      "confidenceLevel": "VARCHAR", "analystVerdict": "VARCHAR", "incidentStatus": "VARCHAR",
      "mitigationStatus": "VARCHAR", "createdAt": "VARCHAR", "updatedAt": "VARCHAR",
      "identifiedAt": "VARCHAR", "filePath": "VARCHAR", "fileSize": "BIGINT", "md5": "VARCHAR",
      "sha1": "VARCHAR", "sha256": "VARCHAR", "originatorProcess": "VARCHAR",
      "processUser": "VARCHAR", "storyline": "VARCHAR", "maliciousProcessArguments": "VARCHAR"},
    "alertInfo": {"alertId": "VARCHAR", "analystVerdict": "VARCHAR", "incidentStatus": "VARCHAR",
      "createdAt": "VARCHAR", "updatedAt": "VARCHAR", "reportedAt": "VARCHAR",
      "eventType": "VARCHAR", "srcIp": "VARCHAR", "srcPort": "INTEGER", "dstIp": "VARCHAR",
      "dstPort": "INTEGER"},
    "ruleInfo": {"id": "VARCHAR", "name": "VARCHAR", "description": "VARCHAR",
      "severity": "VARCHAR"},
    "sourceProcessInfo": {"commandline": "VARCHAR", "filePath": "VARCHAR", "name": "VARCHAR",
      "pid": "INTEGER", "pidStarttime": "VARCHAR", "user": "VARCHAR", "uniqueId": "VARCHAR",
      "fileHashMd5": "VARCHAR", "fileHashSha1": "VARCHAR", "fileHashSha256": "VARCHAR"},
    "sourceParentProcessInfo": {"commandline": "VARCHAR", "name": "VARCHAR", "pid": "INTEGER"},
    "data": "JSON"}') AS e
  FROM documents
),
told AS (
  SELECT *,
    coalesce(e."threatInfo"."threatId", e."alertInfo"."alertId") AS uid,
    CASE
      WHEN coalesce(e."threatInfo"."threatId", e."alertInfo"."alertId") IS NOT NULL
        THEN 'detection_finding'
      WHEN e."activityType" IN (27, 33, 133, 134) THEN 'authentication'
      WHEN e."activityType" IN (23, 24, 25) THEN 'account_change'
      ELSE 'base_event'
    END                                                    AS class_name,
    coalesce(e."agentRealtimeInfo"."agentComputerName", e."agentRealtimeInfo".name,
      e."agentDetectionInfo".name, e.data->>'$.computerName') AS host,
    coalesce(e."agentRealtimeInfo"."agentId", e."agentRealtimeInfo".id, e."agentId") AS host_uid,
    coalesce(e."agentRealtimeInfo"."agentMachineType", e."agentRealtimeInfo"."machineType",
      e."agentDetectionInfo"."machineType")                AS machine,
    coalesce(e."agentRealtimeInfo"."agentOsName", e."agentDetectionInfo"."osName",
      e."agentRealtimeInfo"."agentOsType", e."agentRealtimeInfo".os) AS os_name,
    lower(coalesce(e."threatInfo"."incidentStatus", e."alertInfo"."incidentStatus")) AS state,
    lower(coalesce(e."threatInfo"."analystVerdict", e."alertInfo"."analystVerdict")) AS verdict,
    coalesce(e.data->>'$.byUser', e.data->>'$.userName', e.data->>'$.username') AS user_name
  FROM parsed
)
SELECT
  position,
  ingested_at,
  any_time(coalesce(e."threatInfo"."updatedAt", e."alertInfo"."updatedAt",
    e."threatInfo"."createdAt", e."alertInfo"."createdAt", e."createdAt")) AS "time",
  class_name,
  CASE
    WHEN class_name = 'detection_finding' THEN CASE WHEN state = 'resolved' THEN 3
      WHEN coalesce(e."threatInfo"."updatedAt", e."alertInfo"."updatedAt")
        > coalesce(e."threatInfo"."createdAt", e."alertInfo"."createdAt") THEN 2 ELSE 1 END
    ELSE coalesce(MAP {27: 1, 133: 1, 134: 1, 33: 2, 23: 1, 25: 6}[e."activityType"], 99)
  END                                                      AS activity_id,
  CASE
    WHEN class_name <> 'detection_finding' THEN 1
    WHEN e."ruleInfo".severity IS NOT NULL THEN points_severity_id(
      CASE lower(e."ruleInfo".severity) WHEN 'info' THEN 'informational'
        ELSE e."ruleInfo".severity END, NULL::DOUBLE)
    WHEN e."threatInfo"."confidenceLevel" = 'malicious' THEN 4
    WHEN e."threatInfo"."confidenceLevel" = 'suspicious' THEN 3 ELSE 0
  END                                                      AS severity_id,
  CASE
    WHEN class_name = 'detection_finding' THEN coalesce(MAP {'unresolved': 1, 'in_progress': 2,
      'resolved': 4}[state], 0)
    WHEN e."activityType" IN (133, 134) THEN 2
    WHEN e."activityType" IN (27, 33, 23, 24, 25) THEN 1
  END                                                      AS status_id,
  CASE verdict WHEN 'true_positive' THEN 2 WHEN 'false_positive' THEN 1 WHEN 'suspicious' THEN 4
    WHEN 'undefined' THEN 0 END                            AS verdict_id,
  CASE WHEN e."threatInfo"."mitigationStatus" = 'mitigated' THEN 2
    WHEN e."threatInfo"."mitigationStatus" = 'not_mitigated' THEN 1 END AS action_id,
  CASE WHEN e."threatInfo"."mitigationStatus" = 'mitigated' THEN 2
    WHEN e."threatInfo"."mitigationStatus" IS NOT NULL THEN 15 END AS disposition_id,
  coalesce(e."primaryDescription", e."threatInfo"."threatName", e."ruleInfo".name) AS message,
  {'uid': CASE WHEN class_name <> 'detection_finding' THEN e.id END,
   'event_code': coalesce(e."activityType"::VARCHAR, e."alertInfo"."eventType"),
   'correlation_uid': CASE WHEN class_name <> 'detection_finding' THEN e."threatId" END,
   'tenant_uid': coalesce(e."accountId", e."agentDetectionInfo"."accountId"),
   'product': {'version': e."agentRealtimeInfo"."agentVersion"}} AS metadata,
  {'service': e."kubernetesInfo"."controllerName", 'pod': e."kubernetesInfo".pod,
   'node': coalesce(e."kubernetesInfo".node, host), 'namespace': e."kubernetesInfo"."namespace",
   'cluster': e."kubernetesInfo"."cluster"}                AS workload,
  CASE WHEN coalesce(host, host_uid) IS NOT NULL THEN {
    'hostname': host, 'uid': host_uid, 'uid_alt': e."agentDetectionInfo".uuid,
    'ip': ip_only(e."agentDetectionInfo"."agentIpV4"),
    'domain': e."agentDetectionInfo"."agentDomain",
    'type_id': CASE lower(machine) WHEN 'server' THEN 1 WHEN 'desktop' THEN 2 WHEN 'laptop' THEN 3
      WHEN 'tablet' THEN 4 WHEN 'mobile' THEN 5 ELSE 0 END,
    'os': CASE WHEN os_name <> '' THEN {'name': os_name, 'type_id': os_type_id(coalesce(
      e."agentRealtimeInfo"."agentOsType", e."agentRealtimeInfo".os,
      e."agentDetectionInfo"."osFamily", os_name))} END} END AS device,
  CASE
    WHEN class_name = 'detection_finding' AND coalesce(e."threatInfo"."processUser",
      e."sourceProcessInfo".user) <> ''
      THEN {'user': {'name': coalesce(e."threatInfo"."processUser", e."sourceProcessInfo".user),
        'uid': NULL}}
    WHEN class_name <> 'detection_finding' AND coalesce(user_name, e."userId") IS NOT NULL
      THEN {'user': {'name': user_name, 'uid': e."userId"}}
  END                                                      AS actor,
  CASE
    WHEN class_name = 'authentication' THEN {'name': user_name, 'uid': e."userId"}
    WHEN class_name = 'account_change'
      THEN {'name': coalesce(e.data->>'$.username', user_name), 'uid': NULL}
  END                                                      AS "user",
  CASE WHEN class_name = 'authentication' THEN {'name': 'SentinelOne'} END AS service,
  CASE WHEN class_name IN ('authentication', 'account_change')
    AND ip_only(e.data->>'$.ipAddress') IS NOT NULL THEN {'ip': e.data->>'$.ipAddress'} END
                                                           AS src_endpoint,
  CASE WHEN class_name = 'detection_finding' THEN {
    'uid': uid, 'title': coalesce(e."threatInfo"."threatName", e."ruleInfo".name),
    'desc': e."ruleInfo".description,
    'types': CASE WHEN e."threatInfo".classification <> '' THEN [e."threatInfo".classification] END,
    'created_time': epoch_ms(any_time(coalesce(e."threatInfo"."createdAt",
      e."alertInfo"."createdAt"))),
    'modified_time': epoch_ms(any_time(coalesce(e."threatInfo"."updatedAt",
      e."alertInfo"."updatedAt"))),
    'first_seen_time': epoch_ms(any_time(e."threatInfo"."identifiedAt")),
    'analytic': CASE WHEN e."ruleInfo".name IS NOT NULL
      THEN {'name': e."ruleInfo".name, 'uid': e."ruleInfo".id, 'type_id': 1} END,
    'attacks': nullif(flatten(list_transform(flatten(list_transform(e.indicators,
      lambda i: coalesce(i.tactics, []))), lambda t: list_transform(t.techniques, lambda q: {
        'tactic': {'name': t.name},
        'technique': {'uid': q.name, 'src_url': q.link}}))), [])} END AS finding_info,
  CASE
    WHEN e."sourceProcessInfo".pid IS NOT NULL OR e."sourceProcessInfo"."uniqueId" <> '' THEN [{
      'process': {'pid': e."sourceProcessInfo".pid, 'uid': e."sourceProcessInfo"."uniqueId",
        'name': e."sourceProcessInfo".name, 'cmd_line': e."sourceProcessInfo".commandline,
        'created_time': epoch_ms(any_time(e."sourceProcessInfo"."pidStarttime")),
        'file': CASE WHEN e."sourceProcessInfo"."filePath" <> '' THEN {
          'path': e."sourceProcessInfo"."filePath", 'type_id': 1,
          'name': file_name(e."sourceProcessInfo"."filePath"),
          'hashes': file_hashes(e."sourceProcessInfo"."fileHashMd5",
            e."sourceProcessInfo"."fileHashSha1", e."sourceProcessInfo"."fileHashSha256")} END,
        'parent_process': CASE WHEN e."sourceParentProcessInfo".pid IS NOT NULL THEN {
          'pid': e."sourceParentProcessInfo".pid, 'name': e."sourceParentProcessInfo".name,
          'cmd_line': e."sourceParentProcessInfo".commandline} END},
      'file': NULL,
      'src_endpoint': CASE WHEN ip_only(e."alertInfo"."srcIp") IS NOT NULL
        THEN {'ip': e."alertInfo"."srcIp", 'port': e."alertInfo"."srcPort"} END,
      'dst_endpoint': CASE WHEN ip_only(e."alertInfo"."dstIp") IS NOT NULL
        THEN {'ip': e."alertInfo"."dstIp", 'port': e."alertInfo"."dstPort"} END}]
    WHEN e."threatInfo"."filePath" <> '' THEN [{
      'process': NULL,
      'file': {'path': e."threatInfo"."filePath", 'name': file_name(e."threatInfo"."filePath"),
        'size': e."threatInfo"."fileSize", 'type_id': 1,
        'hashes': file_hashes(e."threatInfo".md5, e."threatInfo".sha1, e."threatInfo".sha256)},
      'src_endpoint': NULL, 'dst_endpoint': NULL}]
  END                                                      AS evidences,
  remaining(doc, '{"createdAt": null, "primaryDescription": null, "activityType": null,
    "threatInfo": {"threatId": null, "createdAt": null, "updatedAt": null, "identifiedAt": null,
      "filePath": null, "fileSize": null, "classification": null},
    "alertInfo": {"alertId": null, "createdAt": null, "updatedAt": null},
    "ruleInfo": {"description": null}, "kubernetesInfo": {"cluster": null, "node": null,
      "controllerName": null, "namespace": null, "pod": null}}') AS unmapped,
  CASE
    WHEN json_type(doc, '$.data') = 'ARRAY' AND json_array_length(doc, '$.data') = 0 THEN ''
    WHEN uid IS NULL AND (e."activityType" IS NULL OR e.id IS NULL)
      THEN 'the document is no threat, alert or activity of SentinelOne'
    WHEN class_name IN ('authentication', 'account_change')
      AND coalesce(user_name, e."userId") IS NULL
      THEN 'the activity is a user''s and names none'
  END                                                      AS problem
FROM told
