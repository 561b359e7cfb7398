-- name: cloudformation
-- reads: json
-- class: application_lifecycle
-- product: AWS / CloudFormation
-- sniff: "StackEvents":|"CloudFormation (Stack|Resource) Status Change"|StackId='arn:
-- context: file
-- https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html
-- https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/eventbridge-events.html
-- What describe-stack-events prints, EventBridge's status changes, and SNS notifications with their
-- lines of Key='value'. An operation on a stack is a change: its token is its id, or else when the
-- stack's own event began it. Events of single resources are steps of it, which neither end nor
-- fail it. A stack that was rolled back failed.
WITH bodies AS (
  SELECT position, ingested_at, doc, sns_body(doc) AS body FROM raw
),
listed AS (
  SELECT position, ingested_at, doc, body, unnest(CASE
    WHEN json_array_length(body, '$.StackEvents') > 0 THEN body->'$.StackEvents[*]'
    WHEN json_exists(body, '$.detail.stack-id') THEN [json_object(
      'StackId', body->'$.detail.stack-id', 'EventId', body->'$.id', 'Timestamp', body->'$.time',
      'LogicalResourceId', body->'$.detail.logical-resource-id',
      'PhysicalResourceId', body->'$.detail.physical-resource-id',
      'ResourceType', coalesce(body->>'$.detail.resource-type', 'AWS::CloudFormation::Stack'),
      'ResourceStatus', body->'$.detail.status-details.status',
      'ResourceStatusReason', body->'$.detail.status-details.status-reason',
      'ClientRequestToken', body->'$.detail.client-request-token')]
    WHEN json_type(body) = 'VARCHAR' THEN [TRY(to_json(map(
      regexp_extract_all(body->>'$', '(?s)(\w+)=''(.*?)''(?:\n|$)', 1),
      regexp_extract_all(body->>'$', '(?s)(\w+)=''(.*?)''(?:\n|$)', 2))))]
    ELSE [body] END) AS told
  FROM bodies
),
events AS (
  SELECT position, ingested_at, doc, body, from_json(told, '{"StackId": "VARCHAR",
      "EventId": "VARCHAR", "StackName": "VARCHAR", "LogicalResourceId": "VARCHAR",
      "PhysicalResourceId": "VARCHAR", "ResourceType": "VARCHAR", "Timestamp": "VARCHAR",
      "ResourceStatus": "VARCHAR", "ResourceStatusReason": "VARCHAR",
      "ResourceProperties": "VARCHAR", "ClientRequestToken": "VARCHAR", "PrincipalId": "VARCHAR",
      "DetailedStatus": "VARCHAR", "HookType": "VARCHAR", "HookStatus": "VARCHAR"}') AS e
  FROM listed
),
named AS (
  SELECT *,
    string_split(e."StackId", ':')                         AS arn,
    split_part(arn[6], '/', 2)                             AS stack,
    any_time(e."Timestamp")                                AS happened_at,
    e."ResourceType" = 'AWS::CloudFormation::Stack' AND coalesce(
      e."PhysicalResourceId" = e."StackId", e."LogicalResourceId" = stack,
      e."LogicalResourceId" IS NULL)                       AS is_whole,
    CASE WHEN is_whole AND regexp_full_match(e."ResourceStatus",
      '(CREATE|UPDATE|DELETE|IMPORT|REVIEW)_IN_PROGRESS') THEN e."Timestamp" END AS begun
  FROM events
),
stated AS (
  SELECT *,
    nullif(nullif(e."ClientRequestToken", 'null'), '')     AS token,
    stack || '@' || coalesce(token,
      last_value(begun IGNORE NULLS) OVER (PARTITION BY e."StackId" ORDER BY happened_at),
      e."Timestamp")                                       AS uid,
    CASE
      WHEN NOT is_whole OR e."ResourceStatus" LIKE '%_IN_PROGRESS' THEN 'in_progress'
      WHEN e."ResourceStatus" LIKE '%ROLLBACK%' OR e."ResourceStatus" LIKE '%_FAILED'
        THEN 'failure'
      WHEN e."ResourceStatus" LIKE '%_COMPLETE' THEN 'success'
    END                                                    AS state
  FROM named
)
SELECT
  position,
  ingested_at,
  happened_at                                              AS "time",
  CASE split_part(e."ResourceStatus", '_', 1)
    WHEN 'CREATE' THEN 1 WHEN 'IMPORT' THEN 1 WHEN 'DELETE' THEN 2 ELSE 8 END AS activity_id,
  1                                                        AS severity_id,
  CASE
    WHEN regexp_full_match(e."ResourceStatus", '.*_FAILED|.*ROLLBACK_COMPLETE') THEN 2
    WHEN e."ResourceStatus" LIKE '%_COMPLETE' THEN 1
    ELSE 0
  END                                                      AS status_id,
  e."ResourceStatus"                                       AS status_code,
  concat_ws(' ', e."ResourceStatus", e."ResourceType", e."LogicalResourceId") AS message,
  nullif(e."ResourceStatusReason", '')                     AS status_detail,
  {'uid': e."EventId", 'correlation_uid': uid}             AS metadata,
  {'service': stack, 'region': arn[4], 'account': arn[5]}  AS workload,
  {'provider': 'AWS', 'region': arn[4], 'account': {'uid': arn[5]}} AS cloud,
  {'name': stack, 'uid': e."StackId"}                      AS app,
  {'user': {'uid': e."PrincipalId"}, 'app_name': 'CloudFormation'} AS actor,
  {'uid': uid, 'kind': 'infrastructure', 'state': state,
   'url': 'https://' || arn[4] || '.console.aws.amazon.com/cloudformation/home?region=' || arn[4]
     || '#/stacks/events?stackId=' || url_encode(e."StackId")} AS change,
  filled({
    'LogicalResourceId': e."LogicalResourceId", 'PhysicalResourceId': e."PhysicalResourceId",
    'ResourceType': e."ResourceType", 'ClientRequestToken': token,
    'ResourceProperties': nullif(e."ResourceProperties", 'null'),
    'DetailedStatus': e."DetailedStatus", 'HookType': e."HookType", 'HookStatus': e."HookStatus",
    'Subject': doc->>'$.Subject'})                         AS unmapped,
  CASE
    WHEN json_array_length(body, '$.StackEvents') = 0 THEN ''
    WHEN stack IS NULL OR stack = '' OR e."ResourceStatus" IS NULL
      THEN 'the document is no stack event of CloudFormation'
  END                                                      AS problem
FROM stated
