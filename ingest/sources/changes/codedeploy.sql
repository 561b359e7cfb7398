-- name: codedeploy
-- reads: json
-- class: application_lifecycle
-- product: AWS / CodeDeploy
-- sniff: aws\.codedeploy|"deployments?Info":|\\?"(eventTriggerName|deploymentGroupName)\\?":
-- sniff: deploymentId
-- https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-sns-event-notifications-json-format.html
-- https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentInfo.html
-- SNS triggers of deployments and of instances (as SNS wraps them, or bare), EventBridge's state
-- changes, and what get-deployment and batch-get-deployments print. A deployment's information
-- tells when it was created, began and ended. A rollback is a deployment of its own.
WITH bodies AS (
  SELECT position, ingested_at, doc, sns_body(doc) AS body FROM raw
),
listed AS (
  SELECT position, ingested_at, doc, body, unnest(CASE
    WHEN json_array_length(body, '$.deploymentsInfo') > 0 THEN body->'$.deploymentsInfo[*]'
    ELSE [coalesce(body->'$.deploymentInfo', body->'$.detail', body)] END) AS told
  FROM bodies
),
deployments AS (
  SELECT *,
    from_json(told, '{"deploymentId": "VARCHAR", "applicationName": "VARCHAR",
      "application": "VARCHAR", "deploymentGroupName": "VARCHAR", "deploymentGroup": "VARCHAR",
      "status": "VARCHAR", "state": "VARCHAR", "createTime": "VARCHAR", "startTime": "VARCHAR",
      "completeTime": "VARCHAR", "eventTriggerName": "VARCHAR", "instanceId": "VARCHAR",
      "instanceStatus": "VARCHAR", "lastUpdatedAt": "VARCHAR", "creator": "VARCHAR",
      "description": "VARCHAR", "region": "VARCHAR", "accountId": "VARCHAR", "revision": "JSON",
      "errorInformation": "JSON", "deploymentOverview": "JSON", "lifecycleEvents": "JSON",
      "rollbackInfo": "JSON", "rollbackInformation": "JSON", "deploymentConfigName": "VARCHAR",
      "computePlatform": "VARCHAR", "instanceGroupId": "VARCHAR", "previousRevision": "JSON"}') AS d
  FROM listed
),
named AS (
  SELECT *,
    body->>'$.time'                                        AS event_at,
    coalesce(d."applicationName", d.application)           AS application,
    coalesce(d."deploymentGroupName", d."deploymentGroup") AS deployment_group,
    coalesce(d.status, d.state, d."instanceStatus")        AS word,
    -- text that holds JSON, as SNS writes it, or JSON
    TRY(CASE json_type(d."errorInformation") WHEN 'VARCHAR' THEN (d."errorInformation"->>'$')::JSON
      ELSE d."errorInformation" END)                       AS error,
    coalesce(d.revision->>'$.gitHubLocation.commitId', d.revision->>'$.s3Location.version',
      d.revision->>'$.s3Location.eTag', d.revision->>'$.string.sha256',
      d.revision->>'$.appSpecContent.sha256')              AS revision,
    coalesce(d.region, body->>'$.region')                  AS region,
    coalesce(d."accountId", body->>'$.account')            AS account
  FROM deployments
),
moments AS (
  SELECT *, unnest(happened(CASE
    WHEN d."instanceId" IS NOT NULL THEN [{'at': d."lastUpdatedAt", 'word': word}]
    WHEN event_at IS NOT NULL THEN [{'at': event_at, 'word': word}]
    ELSE [
      {'at': d."createTime", 'word': CASE
        WHEN d."startTime" IS NULL AND d."completeTime" IS NULL THEN word ELSE 'CREATED' END},
      {'at': d."startTime", 'word': 'IN_PROGRESS'},
      {'at': d."completeTime", 'word': word}]
    END)) AS moment
  FROM named
),
stated AS (
  SELECT *,
    CASE WHEN d."instanceId" IS NULL THEN change_state(moment.word) ELSE 'in_progress' END AS state
  FROM moments
)
SELECT
  position,
  ingested_at,
  any_time(moment."at")                                    AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  CASE WHEN d."instanceId" IS NULL THEN change_status_id(state)
    ELSE change_status_id(change_state(moment.word)) END   AS status_id,
  moment.word                                              AS status_code,
  coalesce(d.description, doc->>'$.Subject')               AS message,
  nullif(concat_ws(': ', coalesce(error->>'$.code', error->>'$.ErrorCode'),
    coalesce(error->>'$.message', error->>'$.ErrorMessage')), '') AS status_detail,
  {'uid': concat_ws(':', d."deploymentId", parse_filename(d."instanceId"), moment.word),
   'original_event_uid': coalesce(body->>'$.id', doc->>'$.MessageId'),
   'correlation_uid': d."deploymentId"}                    AS metadata,
  {'service': application, 'instance': parse_filename(d."instanceId"), 'region': region,
   'account': account}                                     AS workload,
  {'provider': 'AWS', 'region': region, 'account': {'uid': account}} AS cloud,
  {'name': application, 'uid': CASE WHEN application IS NULL THEN d."deploymentId" END} AS app,
  {'app_name': coalesce(d.creator, 'CodeDeploy')}          AS actor,
  {'uid': d."deploymentId", 'kind': 'deploy', 'state': state, 'revision': revision,
   'url': coalesce(
     'https://github.com/' || (d.revision->>'$.gitHubLocation.repository')
       || '/commit/' || revision,
     'https://' || region || '.console.aws.amazon.com/codesuite/codedeploy/deployments/'
       || d."deploymentId" || '?region=' || region),
   'environment': deployment_group}                        AS change,
  filled({
    'eventTriggerName': d."eventTriggerName", 'instanceGroupId': d."instanceGroupId",
    'detail-type': body->>'$.detail-type',
    'deploymentConfigName': d."deploymentConfigName", 'computePlatform': d."computePlatform",
    'revision': d.revision, 'previousRevision': d."previousRevision",
    'deploymentOverview': d."deploymentOverview", 'lifecycleEvents': d."lifecycleEvents",
    'rollbackInfo': coalesce(d."rollbackInfo", d."rollbackInformation")}) AS unmapped,
  CASE
    WHEN json_array_length(body, '$.deploymentsInfo') = 0 THEN ''
    WHEN d."deploymentId" IS NULL OR word IS NULL
      THEN 'the document is no deployment or notification of CodeDeploy'
  END                                                      AS problem
FROM stated
