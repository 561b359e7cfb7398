-- name: m365_audit
-- reads: json
-- class: api_activity authentication account_change group_management file_hosting detection_finding
-- product: Microsoft / Microsoft 365
-- sniff: RecordType\\?"\s*:
-- sniff: Workload\\?"\s*:
-- sniff: CreationTime\\?"\s*:
-- https://learn.microsoft.com/en-us/office/office-365-management-api/office-365-management-activity-api-schema
-- Records of the Management Activity API and of Search-UnifiedAuditLog (`AuditData`), of every
-- workload: Exchange, SharePoint, OneDrive, Teams, Azure AD, Security & Compliance and the others.
-- Their times are UTC. What no other class takes is API activity.
WITH documents AS (
  SELECT position, ingested_at,
    coalesce(try_cast(doc->>'$.AuditData' AS JSON), doc)   AS doc
  FROM raw
),
parsed AS (
  SELECT *, from_json(doc, '{
    "Id": "VARCHAR", "RecordType": "VARCHAR", "CreationTime": "VARCHAR", "Operation": "VARCHAR",
    "OrganizationId": "VARCHAR", "UserType": "VARCHAR", "UserKey": "VARCHAR",
    "Workload": "VARCHAR", "ResultStatus": "VARCHAR", "ObjectId": "VARCHAR", "UserId": "VARCHAR",
    "ClientIP": "VARCHAR", "ClientIPAddress": "VARCHAR", "ActorIpAddress": "VARCHAR",
    "UserAgent": "VARCHAR", "ClientInfoString": "VARCHAR", "CorrelationId": "VARCHAR",
    "InterSystemsId": "VARCHAR", "ErrorNumber": "VARCHAR", "LogonError": "VARCHAR",
    "ApplicationId": "VARCHAR", "AppId": "VARCHAR", "SessionId": "VARCHAR",
    "ExtendedProperties": [{"Name": "VARCHAR", "Value": "VARCHAR"}],
    "Target": [{"ID": "VARCHAR", "Type": "VARCHAR"}],
    "ModifiedProperties": [{"Name": "VARCHAR", "NewValue": "VARCHAR", "OldValue": "VARCHAR"}],
    "SiteUrl": "VARCHAR", "SourceFileName": "VARCHAR", "SourceRelativeUrl": "VARCHAR",
    "DestinationFileName": "VARCHAR", "DestinationRelativeUrl": "VARCHAR", "ItemType": "VARCHAR",
    "FileSizeBytes": "BIGINT", "TargetUserOrGroupName": "VARCHAR",
    "TargetUserOrGroupType": "VARCHAR", "TeamName": "VARCHAR", "TeamGuid": "VARCHAR",
    "Members": [{"UPN": "VARCHAR", "DisplayName": "VARCHAR"}],
    "AlertId": "VARCHAR", "AlertEntityId": "VARCHAR", "Name": "VARCHAR", "Severity": "VARCHAR",
    "Category": "VARCHAR", "Comments": "VARCHAR", "Status": "VARCHAR", "Source": "VARCHAR",
    "EntityType": "VARCHAR"}') AS e
  FROM documents
),
classed AS (
  SELECT *,
    trim(e.Operation, '. ')                                AS operation,
    list_filter(e."ExtendedProperties", lambda p: p.Name = 'UserAgent')[1].Value AS agent,
    list_filter(e.Target, lambda t: contains(t.ID, '@'))[1].ID AS target_user,
    list_transform(['Group.DisplayName', 'Group.ObjectID'], lambda n: list_filter(
      list_transform(e."ModifiedProperties", lambda p: CASE WHEN p.Name = n
        THEN coalesce(nullif(p."NewValue", ''), nullif(p."OldValue", '')) END),
      lambda v: v IS NOT NULL)[1])                         AS changed_group,
    CASE
      WHEN e.Operation IN ('UserLoggedIn', 'UserLoginFailed', 'TeamsSessionStarted', 'MailboxLogin')
        THEN 'authentication'
      WHEN e.AlertId IS NOT NULL AND e.Operation LIKE 'Alert%' THEN 'detection_finding'
      WHEN e.Operation IN ('MemberAdded', 'MemberRemoved', 'TeamCreated', 'TeamDeleted',
        'AddedToGroup', 'RemovedFromGroup', 'GroupAdded', 'GroupRemoved')
        OR (e.Workload = 'AzureActiveDirectory'
          AND regexp_matches(e.Operation, '(?i)^(add|remove|update|delete).* group\.?$'))
        THEN 'group_management'
      WHEN e.Workload = 'AzureActiveDirectory'
        AND regexp_matches(e.Operation, '(?i) (user|account|password|user password)\.?$')
        THEN 'account_change'
      WHEN e.SourceFileName IS NOT NULL AND e.Workload IN ('SharePoint', 'OneDrive')
        THEN 'file_hosting'
      ELSE 'api_activity'
    END                                                    AS class_name
  FROM parsed
),
judged AS (
  SELECT *,
    CASE
      WHEN e.Operation = 'UserLoginFailed'
        OR lower(e.ResultStatus) IN ('failed', 'failure', 'false') THEN 2
      WHEN e.Operation = 'UserLoggedIn'
        OR lower(e.ResultStatus) IN ('succeeded', 'success', 'true') THEN 1
      WHEN e.ResultStatus IS NOT NULL AND e.ResultStatus <> '' THEN 99 ELSE 0
    END                                                    AS status_id,
    coalesce(m365_endpoint(e."ClientIP"), m365_endpoint(e."ClientIPAddress"),
      m365_endpoint(e."ActorIpAddress"))                   AS client,
    graph_user(nullif(e."UserId", 'Not Available'), NULL, coalesce(
      nullif(nullif(e."UserKey", 'Not Available'), ''), e."UserId"),
      coalesce(m365_user_type_id(e."UserType"), 0))        AS acting
  FROM classed
)
SELECT
  position,
  ingested_at,
  class_name,
  any_time(e."CreationTime")                               AS "time",
  CASE class_name
    WHEN 'authentication' THEN 1
    WHEN 'detection_finding' THEN CASE operation WHEN 'AlertTriggered' THEN 1 ELSE 2 END
    WHEN 'account_change' THEN entra_account_activity_id(operation, NULL)
    WHEN 'group_management' THEN CASE
      WHEN operation IN ('MemberAdded', 'AddedToGroup') THEN 3
      WHEN operation IN ('MemberRemoved', 'RemovedFromGroup') THEN 4
      WHEN operation IN ('TeamDeleted', 'GroupRemoved') THEN 5
      WHEN operation IN ('TeamCreated', 'GroupAdded') THEN 6
      ELSE entra_group_activity_id(operation) END
    WHEN 'file_hosting' THEN m365_file_activity_id(operation)
    ELSE m365_activity_id(operation)
  END                                                      AS activity_id,
  CASE WHEN class_name = 'detection_finding' THEN coalesce(graph_severity_id(e.Severity), 0)
    WHEN status_id = 2 THEN 2 ELSE 1 END                   AS severity_id,
  CASE
    WHEN class_name <> 'detection_finding' THEN status_id
    WHEN e.Status = 'Resolved' THEN 4 WHEN e.Status = 'Dismissed' THEN 3
    WHEN e.Status = 'Investigating' THEN 2 WHEN e.Status = 'Active' THEN 1 ELSE 0
  END                                                      AS status_id,
  CASE WHEN status_id = 99 AND class_name <> 'detection_finding' THEN e."ResultStatus" END
                                                           AS status,
  nullif(e."ErrorNumber", '0')                             AS status_code,
  nullif(e."LogonError", '')                               AS status_detail,
  e.Operation                                              AS message,
  {'uid': e.Id, 'event_code': e."RecordType", 'log_name': e.Workload,
   'tenant_uid': e."OrganizationId", 'correlation_uid': coalesce(e."CorrelationId",
     nullif(e."InterSystemsId", '')),
   'product': {'feature': {'name': e.Workload}}}           AS metadata,
  {'provider': 'Azure'}                                    AS cloud,
  {'service': e.Workload, 'account': e."OrganizationId"}   AS workload,
  {'user': acting, 'session': {'uid': e."SessionId"},
   'app_uid': coalesce(nullif(e."ApplicationId", ''), nullif(e."AppId", '')),
   'app_name': CASE WHEN acting IS NULL THEN e.Workload END} AS actor,
  CASE class_name
    WHEN 'authentication' THEN acting
    WHEN 'account_change' THEN coalesce(graph_user(target_user, NULL, target_user, 1),
      graph_user(e."ObjectId", NULL, e."ObjectId", 1))
    WHEN 'group_management' THEN coalesce(
      CASE WHEN len(e.Members) > 0
        THEN graph_user(e.Members[1]."UPN", e.Members[1]."DisplayName", e.Members[1]."UPN", 1) END,
      CASE WHEN e."TargetUserOrGroupType" = 'Member' OR contains(e."TargetUserOrGroupName", '@')
        THEN graph_user(e."TargetUserOrGroupName", NULL, e."TargetUserOrGroupName", 1) END,
      CASE WHEN contains(e."ObjectId", '@')
        THEN graph_user(e."ObjectId", NULL, e."ObjectId", 1) END)
  END                                                      AS "user",
  CASE WHEN class_name = 'group_management' THEN {
    'name': coalesce(e."TeamName", changed_group[1], e."TargetUserOrGroupName", e."ObjectId"),
    'uid': coalesce(e."TeamGuid", changed_group[2])} END   AS "group",
  CASE WHEN class_name <> 'detection_finding' THEN {
    'ip': client.ip, 'port': client.port,
    'svc_name': CASE WHEN client IS NULL THEN e.Workload END} END AS src_endpoint,
  CASE WHEN coalesce(e."UserAgent", agent, e."ClientInfoString") <> ''
    AND class_name <> 'detection_finding'
    THEN {'user_agent': coalesce(e."UserAgent", agent, e."ClientInfoString")} END AS http_request,
  CASE WHEN class_name = 'authentication' THEN {'name': e.Workload} END AS service,
  CASE WHEN class_name = 'api_activity' THEN {
    'operation': e.Operation, 'service': {'name': e.Workload}} END AS api,
  CASE WHEN class_name = 'api_activity' AND e."ObjectId" <> ''
    THEN [{'name': e."ObjectId"}] END                      AS resources,
  CASE WHEN class_name = 'file_hosting' THEN {
    'name': e."SourceFileName", 'type_id': CASE e."ItemType" WHEN 'Folder' THEN 2 ELSE 1 END,
    'path': coalesce(e."ObjectId", e."SourceRelativeUrl"), 'size': e."FileSizeBytes"} END AS file,
  CASE WHEN class_name = 'file_hosting' AND e."DestinationFileName" <> '' THEN {
    'name': e."DestinationFileName", 'type_id': 1, 'path': e."DestinationRelativeUrl"} END
                                                           AS file_result,
  CASE WHEN class_name = 'detection_finding' THEN {
    'uid': e."AlertId", 'title': e.Name, 'desc': nullif(e.Comments, ''),
    'types': CASE WHEN e.Category IS NOT NULL THEN [e.Category] END} END AS finding_info,
  CASE WHEN class_name = 'detection_finding' THEN true END AS is_alert,
  remaining(doc, '{"Id": null, "RecordType": null, "CreationTime": null, "Operation": null,
    "OrganizationId": null, "UserKey": null, "Workload": null, "UserId": null, "ClientIP": null,
    "ClientIPAddress": null, "UserAgent": null, "SessionId": null, "SourceFileName": null,
    "DestinationFileName": null, "AlertId": null, "Name": null, "Severity": null,
    "Category": null}')                                    AS unmapped,
  CASE
    WHEN e."CreationTime" IS NULL OR e.Operation IS NULL OR e.Workload IS NULL
      THEN 'the document is no record of Microsoft 365''s audit log'
    WHEN class_name = 'group_management' AND coalesce(e."TeamName", e."ObjectId") IS NULL
      THEN 'the record names no group'
  END                                                      AS problem
FROM judged
