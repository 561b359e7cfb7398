-- name: guardduty
-- reads: json
-- class: detection_finding
-- product: AWS / GuardDuty
-- sniff: "detectorId"\s*:
-- sniff: "actionType"\s*:
-- https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-format.html
-- Schema version 2.0 as EventBridge's detail and the export to S3 have it.
WITH documents AS (
  SELECT position, ingested_at, coalesce(doc->'$.detail', doc) AS doc FROM raw
),
parsed AS (
  SELECT *, from_json(doc, '{
    "schemaVersion": "VARCHAR", "accountId": "VARCHAR", "region": "VARCHAR",
    "partition": "VARCHAR", "id": "VARCHAR", "arn": "VARCHAR", "type": "VARCHAR",
    "severity": "DOUBLE", "createdAt": "VARCHAR", "updatedAt": "VARCHAR", "title": "VARCHAR",
    "description": "VARCHAR",
    "resource": {"resourceType": "VARCHAR",
      "instanceDetails": {"instanceId": "VARCHAR", "availabilityZone": "VARCHAR"},
      "accessKeyDetails": {"accessKeyId": "VARCHAR", "principalId": "VARCHAR",
        "userType": "VARCHAR", "userName": "VARCHAR"},
      "eksClusterDetails": {"name": "VARCHAR", "arn": "VARCHAR"},
      "kubernetesDetails": {"kubernetesWorkloadDetails": {"name": "VARCHAR", "type": "VARCHAR",
        "namespace": "VARCHAR"}},
      "s3BucketDetails": [{"name": "VARCHAR", "arn": "VARCHAR"}],
      "rdsDbInstanceDetails": {"dbInstanceIdentifier": "VARCHAR", "dbInstanceArn": "VARCHAR"},
      "lambdaDetails": {"functionName": "VARCHAR", "functionArn": "VARCHAR"}},
    "service": {"detectorId": "VARCHAR", "eventFirstSeen": "VARCHAR", "eventLastSeen": "VARCHAR",
      "archived": "BOOLEAN", "count": "INTEGER", "resourceRole": "VARCHAR",
      "action": {"actionType": "VARCHAR",
        "networkConnectionAction": {"connectionDirection": "VARCHAR", "protocol": "VARCHAR",
          "blocked": "BOOLEAN", "localPortDetails": {"port": "INTEGER"},
          "remotePortDetails": {"port": "INTEGER"},
          "localIpDetails": {"ipAddressV4": "VARCHAR"},
          "remoteIpDetails": {"ipAddressV4": "VARCHAR", "ipAddressV6": "VARCHAR"}},
        "awsApiCallAction": {"api": "VARCHAR", "serviceName": "VARCHAR", "errorCode": "VARCHAR",
          "remoteIpDetails": {"ipAddressV4": "VARCHAR"}},
        "dnsRequestAction": {"domain": "VARCHAR", "protocol": "VARCHAR", "blocked": "BOOLEAN"}}}}'
    ) AS f
  FROM documents
),
told AS (
  SELECT *, f.service.action."networkConnectionAction" AS net,
    f.service.action."awsApiCallAction" AS call, f.service.action."dnsRequestAction" AS dns,
    f.resource."accessKeyDetails" AS keys,
    coalesce(f.service.action."networkConnectionAction".blocked,
      f.service.action."dnsRequestAction".blocked) AS blocked,
    f.resource."kubernetesDetails"."kubernetesWorkloadDetails" AS pod
  FROM parsed
)
SELECT
  position,
  ingested_at,
  any_time(coalesce(f."updatedAt", f."createdAt"))         AS "time",
  coalesce(f."updatedAt", f."createdAt")                   AS time_dt,
  CASE WHEN f.service.archived THEN 3 WHEN f."createdAt" = f."updatedAt" THEN 1 ELSE 2 END
                                                           AS activity_id,
  CASE WHEN f.severity >= 9 THEN 5 WHEN f.severity >= 7 THEN 4 WHEN f.severity >= 4 THEN 3
    WHEN f.severity >= 1 THEN 2 ELSE 0 END                 AS severity_id,
  CASE WHEN f.service.archived THEN 5 ELSE 1 END           AS status_id,
  f.title                                                  AS message,
  f.service.count                                          AS count,
  CASE WHEN blocked THEN 2 WHEN NOT blocked THEN 1 END     AS action_id,
  CASE WHEN blocked THEN 2 WHEN NOT blocked THEN 15 END    AS disposition_id,
  true                                                     AS is_alert,
  {'product': {'version': f."schemaVersion", 'uid': f.service."detectorId"}} AS metadata,
  {'provider': 'AWS', 'region': f.region, 'account': {'uid': f."accountId"},
   'cloud_partition': f.partition,
   'zone': f.resource."instanceDetails"."availabilityZone"} AS cloud,
  {'service': CASE pod.type WHEN 'pods' THEN pod_service(pod.name) ELSE pod.name END,
   'pod': CASE WHEN pod.type = 'pods' THEN pod.name END, 'namespace': pod."namespace",
   'cluster': f.resource."eksClusterDetails".name,
   'instance': f.resource."instanceDetails"."instanceId",
   'zone': f.resource."instanceDetails"."availabilityZone", 'region': f.region,
   'account': f."accountId"}                               AS workload,
  {'uid': f.id, 'uid_alt': f.arn, 'title': f.title, 'desc': f.description, 'types': [f.type],
   'created_time': time_ms(f."createdAt"), 'modified_time': time_ms(f."updatedAt"),
   'first_seen_time': time_ms(f.service."eventFirstSeen"),
   'last_seen_time': time_ms(f.service."eventLastSeen")}   AS finding_info,
  nullif(list_filter([
    {'type': 'instance', 'uid': f.resource."instanceDetails"."instanceId", 'name': NULL::VARCHAR},
    {'type': 'cluster', 'uid': f.resource."eksClusterDetails".arn,
     'name': f.resource."eksClusterDetails".name},
    {'type': 'bucket', 'uid': f.resource."s3BucketDetails"[1].arn,
     'name': f.resource."s3BucketDetails"[1].name},
    {'type': 'db_instance', 'uid': f.resource."rdsDbInstanceDetails"."dbInstanceArn",
     'name': f.resource."rdsDbInstanceDetails"."dbInstanceIdentifier"},
    {'type': 'function', 'uid': f.resource."lambdaDetails"."functionArn",
     'name': f.resource."lambdaDetails"."functionName"},
    {'type': 'access_key', 'uid': keys."accessKeyId", 'name': keys."userName"}],
    lambda r: coalesce(r.uid, r.name) IS NOT NULL), [])    AS resources,
  nullif(list_filter([{
    'connection_info': CASE WHEN net IS NOT NULL AND net."connectionDirection" IS NOT NULL THEN {
      'protocol_name': net.protocol, 'direction_id': CASE net."connectionDirection"
        WHEN 'INBOUND' THEN 1 WHEN 'OUTBOUND' THEN 2 ELSE 0 END} END,
    'src_endpoint': CASE
      WHEN net."connectionDirection" = 'INBOUND' THEN {'ip': coalesce(
        net."remoteIpDetails"."ipAddressV4", net."remoteIpDetails"."ipAddressV6"),
        'port': net."remotePortDetails".port}
      WHEN net."localIpDetails"."ipAddressV4" IS NOT NULL THEN
        {'ip': net."localIpDetails"."ipAddressV4", 'port': net."localPortDetails".port}
      WHEN call."remoteIpDetails"."ipAddressV4" IS NOT NULL THEN
        {'ip': call."remoteIpDetails"."ipAddressV4", 'port': NULL} END,
    'dst_endpoint': CASE
      WHEN net."connectionDirection" = 'INBOUND' AND net."localIpDetails"."ipAddressV4" IS NOT NULL
        THEN {'ip': net."localIpDetails"."ipAddressV4", 'port': net."localPortDetails".port}
      WHEN net."connectionDirection" <> 'INBOUND' THEN {'ip': coalesce(
        net."remoteIpDetails"."ipAddressV4", net."remoteIpDetails"."ipAddressV6"),
        'port': net."remotePortDetails".port} END,
    'api': CASE WHEN call.api IS NOT NULL THEN {'operation': call.api,
      'service': CASE WHEN call."serviceName" IS NOT NULL THEN {'name': call."serviceName"} END,
      'response': CASE WHEN call."errorCode" IS NOT NULL THEN {'error': call."errorCode"} END} END,
    'query': CASE WHEN dns.domain IS NOT NULL THEN {'hostname': dns.domain} END,
    'user': CASE WHEN coalesce(keys."userName", keys."principalId") IS NOT NULL THEN
      {'name': keys."userName", 'uid': keys."principalId", 'type': keys."userType"} END}],
    lambda s: coalesce(s.connection_info::VARCHAR, s.src_endpoint::VARCHAR, s.api::VARCHAR,
      s.query::VARCHAR, s."user"::VARCHAR) IS NOT NULL), []) AS evidences,
  remaining(doc, '{"schemaVersion": null, "accountId": null, "region": null, "partition": null,
    "id": null, "arn": null, "type": null, "createdAt": null, "updatedAt": null, "title": null,
    "description": null, "service": {"detectorId": null, "eventFirstSeen": null,
      "eventLastSeen": null, "archived": null, "count": null}}') AS unmapped,
  CASE WHEN f.id IS NULL OR f.type IS NULL OR f.service."detectorId" IS NULL
    THEN 'the document is no finding of GuardDuty' END     AS problem
FROM told
