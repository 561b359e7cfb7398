-- name: cloudtrail
-- reads: json
-- class: api_activity authentication account_change detection_finding
-- product: AWS / CloudTrail
-- sniff: eventVersion\\?"\s*:
-- sniff: (eventSource|insightDetails)\\?"\s*:
-- sniff: awsRegion\\?"\s*:
-- https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
-- Versions 1.0 to 1.11: management, data, network activity and Insights events. A file with
-- Records, an event alone, in EventBridge's `detail`, as text from LookupEvents, from CloudTrail
-- Lake (eventJson) or from a CloudWatch Logs subscription. Classes are those of Security Lake; an
-- Insight is a finding. A call's parameters and response stay the JSON text that they are.
WITH wrapped AS (   -- all that may wrap events, found in one reading of the text
  SELECT position, ingested_at, doc, json_extract(doc,
    ['/Records', '/Events', '/logEvents', '/detail', '/eventJson']) AS inside
  FROM raw
),
documents AS (
  SELECT position, ingested_at, unnest(CASE
    WHEN json_array_length(inside[1]) > 0 THEN json_extract(inside[1], '$[*]')
    WHEN json_array_length(inside[2]) > 0
      THEN json_extract_string(inside[2], '$[*].CloudTrailEvent')::JSON[]
    WHEN json_array_length(inside[3]) > 0
      THEN json_extract_string(inside[3], '$[*].message')::JSON[]
    ELSE [coalesce(inside[4], TRY_CAST(inside[5]->>'$' AS JSON), doc)]
  END) AS doc
  FROM wrapped
),
events AS (
  SELECT *, from_json(doc, '{
    "eventVersion": "VARCHAR", "eventTime": "VARCHAR", "eventSource": "VARCHAR",
    "eventName": "VARCHAR", "awsRegion": "VARCHAR", "sourceIPAddress": "VARCHAR",
    "userAgent": "VARCHAR", "errorCode": "VARCHAR", "errorMessage": "VARCHAR",
    "requestParameters": "JSON", "responseElements": "JSON", "additionalEventData": "JSON",
    "requestID": "VARCHAR", "eventID": "VARCHAR", "readOnly": "VARCHAR", "eventType": "VARCHAR",
    "apiVersion": "VARCHAR", "recipientAccountId": "VARCHAR", "eventCategory": "VARCHAR",
    "sharedEventID": "VARCHAR", "vpcEndpointId": "VARCHAR", "insightDetails": "JSON",
    "resources": [{"ARN": "VARCHAR", "accountId": "VARCHAR", "type": "VARCHAR"}],
    "userIdentity": {
      "type": "VARCHAR", "principalId": "VARCHAR", "arn": "VARCHAR", "accountId": "VARCHAR",
      "accessKeyId": "VARCHAR", "userName": "VARCHAR", "invokedBy": "VARCHAR",
      "identityProvider": "VARCHAR", "sessionContext": {
        "sessionIssuer": {"arn": "VARCHAR"},
        "webIdFederationData": {"federatedProvider": "VARCHAR"},
        "attributes": {"creationDate": "VARCHAR", "mfaAuthenticated": "VARCHAR"}}}}') AS e
  FROM documents
),
classed AS (
  SELECT *,
    e."userIdentity"                                       AS who,
    e."userIdentity"."sessionContext"                      AS session,
    coalesce(e."insightDetails"->>'$.eventName', nullif(e."eventName", '')) AS operation,
    coalesce(e."insightDetails"->>'$.eventSource', nullif(e."eventSource", '')) AS service_name,
    aws_account_activity_id(service_name, operation)       AS account_activity,
    CASE
      WHEN e."insightDetails" IS NOT NULL THEN 'detection_finding'
      WHEN e."eventType" = 'AwsConsoleSignIn' OR operation LIKE 'AssumeRole%' OR operation IN (
        'GetFederationToken', 'GetSessionToken', 'UserAuthentication', 'Federate', 'Authenticate',
        'Logout') THEN 'authentication'
      WHEN account_activity IS NOT NULL THEN 'account_change'
      ELSE 'api_activity'
    END                                                    AS class_name,
    e."errorCode" IS NOT NULL OR coalesce(
      json_extract_string(e."responseElements", '$."' || operation || '"') = 'Failure', false)
                                                           AS failed,
    nullif(e."sourceIPAddress", '')                        AS source,
    any_time(e."userIdentity"."sessionContext".attributes."creationDate") AS session_time,
    coalesce(nullif(e."recipientAccountId", ''), e."userIdentity"."accountId") AS account
  FROM events
),
told AS (
  SELECT *,
    CASE WHEN class_name <> 'detection_finding' THEN
      {'name': coalesce(who."userName", CASE WHEN who."accountId" IS NULL AND who.arn IS NULL
         THEN coalesce(who."invokedBy", who.type) END),
       'uid': who.arn, 'uid_alt': who."principalId", 'type': who.type,
       'account': {'uid': who."accountId"}, 'credential_uid': nullif(who."accessKeyId", ''),
       'programmatic_credentials': CASE WHEN who."accessKeyId" <> '' THEN
         [{'uid': who."accessKeyId"}] END}
    END                                                    AS caller,
    coalesce(e."responseElements"->'$.user', e."requestParameters") AS subject
  FROM classed
)
SELECT
  position,
  ingested_at,
  any_time(e."eventTime")                                  AS "time",
  e."eventTime"                                            AS time_dt,
  class_name,
  CASE class_name
    WHEN 'authentication' THEN aws_session_activity_id(operation)
    WHEN 'account_change' THEN account_activity
    WHEN 'detection_finding' THEN CASE e."insightDetails"->>'$.state' WHEN 'End' THEN 3 ELSE 1 END
    ELSE CASE e."readOnly" WHEN 'true' THEN 2 ELSE aws_activity_id(operation) END
  END                                                      AS activity_id,
  1                                                        AS severity_id,
  CASE
    WHEN class_name = 'detection_finding'
      THEN CASE e."insightDetails"->>'$.state' WHEN 'End' THEN 4 ELSE 1 END
    WHEN failed THEN 2 ELSE 1
  END                                                      AS status_id,
  e."errorCode"                                            AS status_code,
  e."errorMessage"                                         AS status_detail,
  {'uid': e."eventID", 'event_code': e."eventType",
   'correlation_uid': nullif(e."sharedEventID", ''),
   'product': {'version': e."eventVersion", 'feature': {'name': e."eventCategory"}}} AS metadata,
  {'provider': 'AWS', 'region': e."awsRegion", 'account': {'uid': account}} AS cloud,
  {'account': account, 'region': e."awsRegion"}            AS workload,
  {'operation': operation, 'version': e."apiVersion", 'service': {'name': service_name},
   'request': CASE WHEN coalesce(e."requestID", json_text(e."requestParameters")) IS NOT NULL THEN
     {'uid': coalesce(e."requestID", e."eventID"), 'data': json_text(e."requestParameters")} END,
   'response': {'error': e."errorCode", 'message': e."errorMessage",
     'data': json_text(e."responseElements")}}             AS api,
  {'user': caller,
   'invoked_by': coalesce(who."invokedBy",
     CASE WHEN who IS NULL AND class_name <> 'detection_finding' THEN service_name END),
   'idp': {'name': coalesce(who."identityProvider",
     session."webIdFederationData"."federatedProvider")},
   'session': {'created_time': epoch_ms(session_time),
     'created_time_dt': session.attributes."creationDate", 'issuer': session."sessionIssuer".arn,
     'is_mfa': TRY_CAST(session.attributes."mfaAuthenticated" AS BOOLEAN)}} AS actor,
  CASE class_name
    WHEN 'authentication' THEN caller
    WHEN 'account_change' THEN {
      'name': coalesce(subject->>'$.userName', subject->>'$.UserName',
        e."requestParameters"->>'$.userName'),
      'uid': coalesce(subject->>'$.userId', e."responseElements"->>'$.userId'),
      'uid_alt': subject->>'$.arn', 'type': NULL,
      'account': {'uid': CASE WHEN subject->>'$.userName' IS NULL THEN account END},
      'credential_uid': NULL, 'programmatic_credentials': NULL}
  END                                                      AS "user",
  CASE WHEN class_name = 'authentication' THEN {'name': service_name} END AS service,
  CASE WHEN class_name = 'authentication' THEN {
    'svc_name': e."additionalEventData"->>'$.LoginTo'} END AS dst_endpoint,
  CASE WHEN class_name = 'authentication' THEN
    CASE e."additionalEventData"->>'$.MFAUsed' WHEN 'Yes' THEN true WHEN 'No' THEN false
      ELSE TRY_CAST(session.attributes."mfaAuthenticated" AS BOOLEAN) END
  END                                                      AS is_mfa,
  CASE WHEN class_name = 'authentication' THEN
    CASE operation WHEN 'AssumeRoleWithSAML' THEN 5 WHEN 'AssumeRoleWithWebIdentity' THEN 4 END
  END                                                      AS auth_protocol_id,
  CASE WHEN class_name <> 'detection_finding' THEN {
    'ip': CASE WHEN is_ip(source) THEN source END,
    'domain': CASE WHEN NOT is_ip(source) THEN source END,
    'uid': nullif(e."vpcEndpointId", ''),
    'svc_name': CASE WHEN source IS NULL THEN service_name END}
  END                                                      AS src_endpoint,
  {'user_agent': e."userAgent"}                            AS http_request,
  CASE WHEN class_name = 'api_activity' THEN
    nullif(list_transform(list_filter(e.resources, lambda r: r."ARN" IS NOT NULL), lambda r:
      {'uid': r."ARN", 'type': r.type, 'owner': {'account': {'uid': r."accountId"}}}), [])
  END                                                      AS resources,
  CASE WHEN class_name = 'detection_finding' THEN {
    'uid': coalesce(e."sharedEventID", e."eventID"),
    'title': concat_ws(' ', e."insightDetails"->>'$.insightType', service_name, operation),
    'types': [e."insightDetails"->>'$.insightType']}
  END                                                      AS finding_info,
  remaining(doc, '{"eventVersion": null, "eventTime": null, "eventSource": null,
    "eventName": null, "awsRegion": null, "sourceIPAddress": null, "userAgent": null,
    "errorCode": null, "errorMessage": null, "requestParameters": null, "responseElements": null,
    "requestID": null, "eventID": null, "eventType": null, "apiVersion": null,
    "eventCategory": null, "sharedEventID": null, "vpcEndpointId": null,
    "userIdentity": {"type": null, "principalId": null, "arn": null, "accountId": null,
      "accessKeyId": null, "userName": null, "invokedBy": null, "identityProvider": null,
      "sessionContext": {"attributes": null, "sessionIssuer": {"arn": null}}}}') AS unmapped,
  CASE
    WHEN json_array_length(doc, '$.Records') = 0 OR json_array_length(doc, '$.Events') = 0 THEN ''
    WHEN operation IS NULL OR service_name IS NULL
      THEN 'the document is no event of CloudTrail: it has no eventName and eventSource'
  END                                                      AS problem
FROM told
