-- name: entra
-- reads: json
-- class: entity_management account_change group_management user_access authentication
-- product: Microsoft / Microsoft Entra ID
-- sniff: "(activityDisplayName|conditionalAccessStatus)"\s*:
-- sniff: "(initiatedBy|userPrincipalName|servicePrincipalId)"\s*:
-- https://learn.microsoft.com/en-us/graph/api/resources/directoryaudit
-- https://learn.microsoft.com/en-us/graph/api/resources/signin
-- Directory audits and sign-ins of Microsoft Graph v1.0 and beta, one a document or in the `value`
-- of a page, or as `properties` of a record that Azure Monitor sends to an event hub.
WITH listed AS (
  SELECT position, ingested_at, unnest(coalesce(
    nullif(json_extract(doc, '$.records[*]'), []), graph_objects(doc), [NULL])) AS told
  FROM raw
),
found AS (
  SELECT position, ingested_at, told,
    CASE WHEN json_type(told, '$.properties') = 'OBJECT' THEN told->'$.properties' ELSE told END
                                                           AS doc
  FROM listed
),
parsed AS (
  SELECT *, from_json(doc, '{
    "id": "VARCHAR", "correlationId": "VARCHAR", "activityDateTime": "VARCHAR",
    "activityDisplayName": "VARCHAR", "category": "VARCHAR", "result": "VARCHAR",
    "resultReason": "VARCHAR", "operationType": "VARCHAR", "loggedByService": "VARCHAR",
    "initiatedBy": {
      "user": {"id": "VARCHAR", "userPrincipalName": "VARCHAR", "displayName": "VARCHAR",
        "ipAddress": "VARCHAR"},
      "app": {"displayName": "VARCHAR", "appId": "VARCHAR", "servicePrincipalId": "VARCHAR",
        "servicePrincipalName": "VARCHAR"}},
    "targetResources": ["JSON"], "createdDateTime": "VARCHAR", "userDisplayName": "VARCHAR",
    "userPrincipalName": "VARCHAR", "userId": "VARCHAR", "appId": "VARCHAR",
    "appDisplayName": "VARCHAR", "ipAddress": "VARCHAR", "clientAppUsed": "VARCHAR",
    "userAgent": "VARCHAR", "isInteractive": "BOOLEAN", "conditionalAccessStatus": "VARCHAR",
    "authenticationRequirement": "VARCHAR", "authenticationProtocol": "VARCHAR",
    "riskLevelAggregated": "VARCHAR", "resourceDisplayName": "VARCHAR", "resourceId": "VARCHAR",
    "servicePrincipalId": "VARCHAR", "servicePrincipalName": "VARCHAR",
    "status": {"errorCode": "VARCHAR", "failureReason": "VARCHAR",
      "additionalDetails": "VARCHAR"},
    "deviceDetail": {"deviceId": "VARCHAR", "displayName": "VARCHAR", "operatingSystem": "VARCHAR",
      "isCompliant": "BOOLEAN", "isManaged": "BOOLEAN"},
    "location": {"city": "VARCHAR", "state": "VARCHAR", "countryOrRegion": "VARCHAR",
      "geoCoordinates": {"latitude": "DOUBLE", "longitude": "DOUBLE"}}}') AS e,
    list_transform(from_json(doc->'$.targetResources', '["JSON"]'), lambda t: {
      'uid': t->>'$.id', 'name': t->>'$.displayName', 'principal': t->>'$.userPrincipalName',
      'type': coalesce(t->>'$.type', t->>'$.Type')})       AS targets
  FROM found
),
targeted AS (
  SELECT *,
    e."activityDisplayName" IS NULL                        AS is_sign_in,
    list_filter(targets, lambda t: t.type = 'User')[1]     AS target_user,
    list_filter(targets, lambda t: t.type = 'Group')[1]    AS target_group,
    list_filter(targets, lambda t: t.type = 'Role')[1]     AS target_role
  FROM parsed
),
classed AS (
  SELECT *,
    CASE
      WHEN is_sign_in THEN 'authentication'
      WHEN target_group IS NOT NULL THEN 'group_management'
      WHEN target_role IS NOT NULL AND target_user IS NOT NULL THEN 'user_access'
      WHEN target_user IS NOT NULL THEN 'account_change'
      ELSE 'entity_management'
    END                                                    AS class_name,
    CASE
      WHEN is_sign_in THEN CASE WHEN e.status.errorCode = '0' THEN 1
        WHEN e.status.errorCode IS NOT NULL THEN 2 ELSE 0 END
      ELSE CASE WHEN e.result = 'success' THEN 1 WHEN e.result IN ('failure', 'timeout') THEN 2
        ELSE 0 END
    END                                                    AS status_id
  FROM targeted
)
SELECT
  position,
  ingested_at,
  class_name,
  any_time(CASE WHEN is_sign_in THEN e."createdDateTime" ELSE e."activityDateTime" END) AS "time",
  CASE class_name
    WHEN 'authentication' THEN 1
    WHEN 'group_management' THEN entra_group_activity_id(e."activityDisplayName")
    WHEN 'account_change'
      THEN entra_account_activity_id(e."activityDisplayName", e."operationType")
    WHEN 'user_access' THEN CASE
      WHEN regexp_matches(e."activityDisplayName", '(?i)^(add|assign)') THEN 1
      WHEN regexp_matches(e."activityDisplayName", '(?i)^(remove|unassign)') THEN 2 ELSE 99 END
    ELSE entra_entity_activity_id(e."activityDisplayName", e."operationType")
  END                                                      AS activity_id,
  CASE WHEN status_id = 2 THEN 2 ELSE 1 END                AS severity_id,
  status_id,
  CASE WHEN is_sign_in THEN e.status.errorCode END         AS status_code,
  nullif(CASE WHEN is_sign_in THEN CASE WHEN status_id = 2 THEN e.status.failureReason END
    ELSE e."resultReason" END, '')                         AS status_detail,
  e."activityDisplayName"                                  AS message,
  {'original_event_uid': e.id, 'correlation_uid': e."correlationId",
   'source': e."loggedByService", 'tenant_uid': told->>'$.tenantId',
   'log_name': 'auditLogs/' || CASE WHEN is_sign_in THEN 'signIns' ELSE 'directoryAudits' END,
   'profiles': list_concat(['cloud', 'inquest/telemetry'],
     CASE WHEN is_sign_in THEN ['host', 'security_control'] ELSE [] END),
   'product': {'feature': {'name': 'Microsoft Graph'}}}    AS metadata,
  {'provider': 'Azure'}                                    AS cloud,
  {'service': CASE WHEN is_sign_in THEN e."appDisplayName" ELSE e."loggedByService" END,
   'account': told->>'$.tenantId'}                         AS workload,
  CASE WHEN NOT is_sign_in THEN {
    'user': coalesce(
      graph_user(e."initiatedBy"."user"."userPrincipalName", e."initiatedBy"."user"."displayName",
        e."initiatedBy"."user".id, 1),
      CASE WHEN e."initiatedBy".app."servicePrincipalId" IS NOT NULL THEN
        {'name': NULL, 'domain': NULL, 'email_addr': NULL, 'full_name': NULL,
         'uid': e."initiatedBy".app."servicePrincipalId", 'type_id': 4} END),
    'app_name': e."initiatedBy".app."displayName", 'app_uid': e."initiatedBy".app."appId"} END
                                                           AS actor,
  CASE
    WHEN is_sign_in THEN coalesce(
      graph_user(nullif(e."userPrincipalName", ''), e."userDisplayName", nullif(e."userId", ''), 1),
      {'name': e."servicePrincipalName", 'domain': NULL, 'email_addr': NULL, 'full_name': NULL,
       'uid': e."servicePrincipalId", 'type_id': 4})
    WHEN class_name <> 'entity_management' AND target_user IS NOT NULL THEN
      {'name': NULL, 'domain': NULL, 'email_addr': email_address(target_user.principal),
       'full_name': target_user.name, 'uid': target_user.uid, 'type_id': 1}
  END                                                      AS "user",
  CASE WHEN class_name = 'group_management'
    THEN {'name': target_group.name, 'uid': target_group.uid} END AS "group",
  CASE WHEN class_name = 'user_access' THEN [coalesce(target_role.name, target_role.uid)] END
                                                           AS privileges,
  CASE WHEN class_name = 'entity_management' THEN {
    'name': coalesce(targets[1].name, e."activityDisplayName"), 'uid': targets[1].uid,
    'type': targets[1].type} END                           AS entity,
  {'ip': windows_ip(coalesce(e."ipAddress", e."initiatedBy"."user"."ipAddress")),
   'location': CASE WHEN e.location."countryOrRegion" IS NOT NULL THEN {
     'city': nullif(e.location.city, ''), 'region': nullif(e.location.state, ''),
     'country': e.location."countryOrRegion",
     'lat': e.location."geoCoordinates".latitude, 'long': e.location."geoCoordinates".longitude}
     END}                                                  AS src_endpoint,
  CASE WHEN is_sign_in THEN {'name': coalesce(e."appDisplayName", e."resourceDisplayName"),
    'uid': e."appId"} END                                  AS service,
  CASE WHEN is_sign_in AND e."isInteractive" THEN 2 END    AS logon_type_id,
  CASE WHEN is_sign_in THEN MAP {'oAuth2': 6, 'ropc': 6, 'deviceCode': 6, 'saml20': 5}[
    e."authenticationProtocol"] END                        AS auth_protocol_id,
  CASE WHEN is_sign_in THEN e."authenticationRequirement" = 'multiFactorAuthentication' END
                                                           AS is_mfa,
  CASE WHEN e."userAgent" <> '' THEN {'user_agent': e."userAgent"} END AS http_request,
  CASE WHEN nullif(e."deviceDetail"."deviceId", '') IS NOT NULL THEN {
    'uid': e."deviceDetail"."deviceId", 'hostname': nullif(e."deviceDetail"."displayName", ''),
    'is_compliant': e."deviceDetail"."isCompliant", 'is_managed': e."deviceDetail"."isManaged",
    'os': {'name': nullif(e."deviceDetail"."operatingSystem", ''), 'type_id': CASE
      WHEN e."deviceDetail"."operatingSystem" ILIKE 'windows%' THEN 100
      WHEN e."deviceDetail"."operatingSystem" ILIKE 'linux%' THEN 200
      WHEN e."deviceDetail"."operatingSystem" ILIKE 'android%' THEN 201
      WHEN e."deviceDetail"."operatingSystem" ILIKE 'mac%' THEN 300
      WHEN e."deviceDetail"."operatingSystem" ILIKE 'ios%' THEN 301 ELSE 0 END}} END AS device,
  CASE WHEN is_sign_in THEN MAP {'low': 1, 'medium': 2, 'high': 3}[
    e."riskLevelAggregated"] END                           AS risk_level_id,
  remaining(doc, '{"id": null, "correlationId": null, "activityDateTime": null,
    "activityDisplayName": null, "result": null, "resultReason": null, "initiatedBy": null,
    "loggedByService": null, "createdDateTime": null, "userDisplayName": null,
    "userPrincipalName": null, "userId": null, "appId": null, "appDisplayName": null,
    "ipAddress": null, "userAgent": null, "servicePrincipalName": null,
    "riskLevelAggregated": null, "location": null}')       AS unmapped,
  CASE
    WHEN told IS NULL THEN ''                              -- a page without objects
    WHEN e.id IS NULL OR (is_sign_in AND coalesce(e."userPrincipalName", e."servicePrincipalId",
      e."userId") IS NULL) THEN 'the document is no directory audit and no sign-in of Entra ID'
  END                                                      AS problem
FROM classed
