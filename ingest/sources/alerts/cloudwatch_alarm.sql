-- name: cloudwatch_alarm
-- reads: json
-- class: detection_finding
-- product: AWS / CloudWatch
-- sniff: \\?"(NewStateValue|detail-type)\\?"\s*:\s*\\?"(ALARM|OK|INSUFFICIENT_DATA|CloudWatch Alarm State Change)\\?"
-- https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
-- https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
-- https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
-- Metric and composite alarms: what SNS delivers (also to Lambda, in Records), the alarm alone as
-- SNS does raw, and EventBridge's "CloudWatch Alarm State Change". What EventBridge has spelled
-- otherwise is read as SNS has it.
WITH delivered AS (
  SELECT position, ingested_at,
    unnest(CASE WHEN json_array_length(doc, '$.Records') > 0 THEN doc->'$.Records[*].Sns'
      ELSE [doc] END)                                      AS doc
  FROM raw
),
opened AS (
  SELECT *,
    CASE
      WHEN json_type(doc, '$.Message') = 'VARCHAR' THEN TRY((doc->>'$.Message')::JSON)
      WHEN doc->>'$.detail-type' = 'CloudWatch Alarm State Change' THEN doc->'$.detail'
      ELSE doc
    END                                                    AS alarm
  FROM delivered
),
told AS (
  SELECT *,
    coalesce(alarm->>'$.AlarmArn', doc->>'$.resources[0]') AS arn,
    coalesce(alarm->>'$.AlarmName', alarm->>'$.alarmName') AS name,
    coalesce(alarm->>'$.NewStateValue', alarm->>'$.state.value') AS state,
    any_time(coalesce(alarm->>'$.StateChangeTime', alarm->>'$.state.timestamp')) AS "at",
    any_time(alarm->>'$.previousState.timestamp')          AS before,
    coalesce(from_json(coalesce(alarm->'$.Trigger.Dimensions',
        (alarm->'$.Trigger.Metrics[*].MetricStat.Metric.Dimensions')[1]),
        '[{"name": "VARCHAR", "value": "VARCHAR"}]')
      .list_transform(lambda d: d.name || ':' || d."value"),
      map_entries(from_json((alarm->'$.configuration.metrics[*].metricStat.metric.dimensions')[1],
        '"MAP(VARCHAR, VARCHAR)"'))
      .list_transform(lambda d: d.key || ':' || d."value")) AS dimensions,
    nullif(split_part(arn, ':', 4), '')                    AS region,
    coalesce(alarm->>'$.AWSAccountId', doc->>'$.account')  AS account,
    remaining(alarm, CASE WHEN json_exists(alarm, '$.state') THEN '{"alarmName": null,
        "state": {"value": null, "reason": null, "timestamp": null}}'
      ELSE '{"AlarmName": null, "AlarmDescription": null, "AlarmArn": null, "AWSAccountId": null,
        "NewStateValue": null, "NewStateReason": null, "StateChangeTime": null}' END) AS rest
  FROM opened
)
SELECT
  position,
  ingested_at,
  "at"                                                     AS "time",
  CASE state WHEN 'ALARM' THEN 1 WHEN 'OK' THEN 3 ELSE 2 END AS activity_id,
  0                                                        AS severity_id,   -- it has none
  CASE state WHEN 'ALARM' THEN 1 WHEN 'OK' THEN 4 ELSE 0 END AS status_id,
  state                                                    AS status_code,
  coalesce(alarm->>'$.NewStateReason', alarm->>'$.state.reason') AS message,
  {'service': coalesce(tag(dimensions, 'Service'), tag(dimensions, 'ServiceName'),
     tag(dimensions, 'FunctionName'), tag(dimensions, 'DBInstanceIdentifier'),
     tag(dimensions, 'DBClusterIdentifier'), tag(dimensions, 'CacheClusterId'),
     tag(dimensions, 'QueueName'), tag(dimensions, 'TableName'), tag(dimensions, 'ApiName')),
   'instance': tag(dimensions, 'InstanceId'), 'pod': tag(dimensions, 'PodName'),
   'node': tag(dimensions, 'NodeName'), 'namespace': tag(dimensions, 'Namespace'),
   'cluster': tag(dimensions, 'ClusterName'), 'zone': tag(dimensions, 'AvailabilityZone'),
   'region': region, 'account': account}                   AS workload,
  {'provider': 'AWS', 'region': region, 'account': {'uid': account}} AS cloud,
  {'uid': coalesce(doc->>'$.MessageId', doc->>'$.id')}     AS metadata,
  {'uid': arn, 'title': name,
   'desc': nullif(coalesce(alarm->>'$.AlarmDescription',
     alarm->>'$.configuration.description'), ''),
   'first_seen_time': CASE
     WHEN state = 'ALARM' THEN "at"
     WHEN state = 'OK' AND alarm->>'$.previousState.value' = 'ALARM' THEN before
   END,
   'last_seen_time': CASE WHEN state = 'OK' THEN "at" END,
   'analytic': rule(arn, name)}                            AS finding_info,
  filled({'dimensions': nullif(dimensions, [])})           AS attributes,
  CASE WHEN alarm = doc THEN rest ELSE filled({'alarm': rest::JSON,
    'envelope': json_merge_patch(doc, '{"Message": null, "detail": null, "MessageId": null,
      "id": null, "account": null, "resources": null}')}) END AS unmapped,
  CASE
    WHEN doc->>'$.Type' IN ('SubscriptionConfirmation', 'UnsubscribeConfirmation') THEN ''
    WHEN arn IS NULL OR name IS NULL OR state IS NULL
      OR state NOT IN ('ALARM', 'OK', 'INSUFFICIENT_DATA')
      THEN 'the document tells no change of state of an alarm'
  END                                                      AS problem
FROM told
