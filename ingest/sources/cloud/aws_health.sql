-- name: aws_health
-- reads: json
-- class: detection_finding
-- product: AWS / Health
-- sniff: "eventTypeCategory"\s*:
-- sniff: "eventTypeCode"\s*:
-- https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html
-- Events as EventBridge's detail has them and as DescribeEvents answers, alone or in events. Only
-- an issue is an alert; what is scheduled or told is informational.
WITH documents AS (
  SELECT position, ingested_at, doc AS envelope, unnest(coalesce(
    nullif(json_extract(doc, '$.events[*]'), []), [coalesce(doc->'$.detail', doc)])) AS doc
  FROM raw
),
parsed AS (
  SELECT *, envelope->>'$.account' AS sender, envelope->>'$.region' AS sent_from, from_json(doc, '{
    "eventArn": "VARCHAR", "arn": "VARCHAR", "service": "VARCHAR", "eventTypeCode": "VARCHAR",
    "eventTypeCategory": "VARCHAR", "communicationId": "VARCHAR", "region": "VARCHAR",
    "eventRegion": "VARCHAR", "availabilityZone": "VARCHAR", "startTime": "VARCHAR",
    "endTime": "VARCHAR", "lastUpdatedTime": "VARCHAR", "statusCode": "VARCHAR",
    "affectedAccount": "VARCHAR",
    "eventDescription": [{"latestDescription": "VARCHAR"}],
    "affectedEntities": [{"entityValue": "VARCHAR", "status": "VARCHAR"}]}') AS e
  FROM documents
),
told AS (
  SELECT *, coalesce(e."eventArn", e.arn) AS uid,
    coalesce(e."eventRegion", e.region, sent_from) AS region,
    coalesce(e."affectedAccount", sender) AS account
  FROM parsed
)
SELECT
  position,
  ingested_at,
  any_time(coalesce(e."lastUpdatedTime", envelope->>'$.time', e."startTime")) AS "time",
  CASE e."statusCode" WHEN 'closed' THEN 3
    ELSE CASE WHEN any_time(e."lastUpdatedTime") > any_time(e."startTime") THEN 2 ELSE 1 END
  END                                                      AS activity_id,
  CASE e."eventTypeCategory" WHEN 'issue' THEN 4 WHEN 'investigation' THEN 3
    WHEN 'scheduledChange' THEN 2 ELSE 1 END               AS severity_id,
  CASE e."statusCode" WHEN 'closed' THEN 4 WHEN 'open' THEN 2 WHEN 'upcoming' THEN 1 ELSE 0 END
                                                           AS status_id,
  e."eventTypeCategory" = 'issue'                          AS is_alert,
  any_time(e."startTime")                                  AS start_time,
  any_time(e."endTime")                                    AS end_time,
  coalesce(e."eventDescription"[1]."latestDescription", e."eventTypeCode") AS message,
  {'uid': e."communicationId", 'event_code': e."eventTypeCode",
   'product': {'feature': {'name': e.service}}}            AS metadata,
  {'provider': 'AWS', 'region': region, 'zone': e."availabilityZone", 'account': {'uid': account}}
                                                           AS cloud,
  {'region': region, 'account': account, 'zone': e."availabilityZone"} AS workload,
  {'uid': uid, 'title': e."eventTypeCode", 'types': [e."eventTypeCategory"],
   'desc': e."eventDescription"[1]."latestDescription",
   'first_seen_time': time_ms(e."startTime"), 'last_seen_time': time_ms(e."endTime"),
   'modified_time': time_ms(e."lastUpdatedTime")}          AS finding_info,
  nullif(list_transform(list_filter(e."affectedEntities", lambda r: r."entityValue" <> ''),
    lambda r: {'uid': r."entityValue", 'type': e.service, 'region': region}), []) AS resources,
  remaining(doc, '{"eventArn": null, "arn": null, "eventTypeCode": null, "startTime": null,
    "endTime": null, "lastUpdatedTime": null, "communicationId": null, "region": null,
    "eventRegion": null, "availabilityZone": null, "affectedAccount": null}') AS unmapped,
  CASE
    WHEN json_array_length(envelope, '$.events') = 0 THEN ''
    WHEN uid IS NULL OR e."eventTypeCode" IS NULL THEN 'the document is no event of AWS Health'
  END                                                      AS problem
FROM told
