-- name: rds_events
-- reads: json
-- class: log_record application_lifecycle
-- product: AWS / RDS
-- sniff: (?i)(source_?identifier|source id)\\?"\s*:
-- sniff: (?i)(source_?type|event source)\\?"\s*:
-- sniff: (?i)(event_?categories|event message)\\?"\s*:
-- https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
-- Events as DescribeEvents answers, alone or in Events, also with names in snake case, in
-- EventBridge's detail, and as SNS delivers them. What changes a database (its configuration,
-- version, existence) is a change of the service that has its name; what happens to it is a log
-- record.
WITH documents AS (
  SELECT position, ingested_at, doc AS envelope, unnest(coalesce(
    nullif(json_extract(doc, '$.Events[*]'), []), nullif(json_extract(doc, '$.events[*]'), []),
    [coalesce(doc->'$.detail', TRY_CAST(doc->>'$.Message' AS JSON), doc)])) AS doc
  FROM raw
),
parsed AS (
  SELECT *,
    coalesce(doc->>'$.SourceIdentifier', doc->>'$.source_identifier', doc->>'$."Source ID"')
                                                           AS source_id,
    coalesce(doc->>'$.SourceArn', doc->>'$.source_arn', doc->>'$."Source ARN"') AS arn,
    lower(replace(coalesce(doc->>'$.SourceType', doc->>'$.source_type', doc->>'$."Event Source"'),
      '_', '-'))                                           AS kind,
    coalesce(doc->>'$.Message', doc->>'$.message', doc->>'$."Event Message"') AS text,
    coalesce(doc->>'$.Date', doc->>'$.date', doc->>'$."Event Time"') AS written,
    coalesce(doc->>'$.EventID',
      nullif(regexp_extract(doc->>'$."Event ID"', 'RDS-EVENT-\d+'), '')) AS event_id,
    list_transform(list_concat(json_extract_string(doc, '$.EventCategories[*]'),
      json_extract_string(doc, '$.event_categories[*]')), lambda c: lower(c)) AS categories
  FROM documents
),
told AS (
  SELECT *,
    any_time(written)                                      AS at,
    CASE
      WHEN list_has_any(categories, ['configuration change']) THEN 'config'
      WHEN list_has_any(categories, ['creation', 'deletion', 'restoration', 'maintenance',
        'security patching']) THEN 'infrastructure'
      WHEN event_id IN ('RDS-EVENT-0009', 'RDS-EVENT-0012', 'RDS-EVENT-0014', 'RDS-EVENT-0017',
        'RDS-EVENT-0024', 'RDS-EVENT-0025', 'RDS-EVENT-0092') THEN 'config'
      WHEN event_id IN ('RDS-EVENT-0003', 'RDS-EVENT-0005', 'RDS-EVENT-0026', 'RDS-EVENT-0027',
        'RDS-EVENT-0047') THEN 'infrastructure'
    END                                                    AS change_kind,
    arn_parts(arn)                                         AS parts
  FROM parsed
),
classed AS (
  SELECT *,
    CASE WHEN change_kind IS NOT NULL THEN 'application_lifecycle' ELSE 'log_record' END
                                                           AS class_name,
    coalesce(nullif(parts.region, ''), envelope->>'$.region') AS region,
    coalesce(nullif(parts.account, ''), envelope->>'$.account') AS account,
    CASE
      WHEN regexp_matches(text, '(?i)\b(fail(ed|ure)?|error|unable|out of|exhausted)\b')
        THEN 'failure'
      WHEN regexp_matches(text, '(?i)^(applying|.*\b(started|in progress|will be|pending)\b)')
        THEN 'in_progress'
      ELSE 'success'
    END                                                    AS state
  FROM told
)
SELECT
  position,
  ingested_at,
  "at"                                                     AS "time",
  class_name,
  CASE
    WHEN class_name = 'log_record' THEN 1
    WHEN list_contains(categories, 'creation') OR event_id = 'RDS-EVENT-0005' THEN 1
    WHEN list_contains(categories, 'deletion') OR event_id = 'RDS-EVENT-0003' THEN 2 ELSE 8
  END                                                      AS activity_id,
  CASE
    WHEN list_has_any(categories, ['failure', 'low storage', 'read replica failure'])
      OR state = 'failure' THEN 4
    WHEN list_has_any(categories, ['availability', 'failover', 'recovery']) THEN 3 ELSE 1
  END                                                      AS severity_id,
  CASE WHEN class_name = 'application_lifecycle' THEN
    CASE state WHEN 'success' THEN 1 WHEN 'failure' THEN 2 ELSE 0 END END AS status_id,
  text                                                     AS message,
  {'event_code': event_id, 'product': {'feature': {'name': kind}}} AS metadata,
  {'service': source_id, 'instance': CASE WHEN kind = 'db-instance' THEN source_id END,
   'region': region, 'account': account}                   AS workload,
  CASE WHEN class_name = 'application_lifecycle' THEN {'name': source_id, 'uid': arn} END AS app,
  CASE WHEN class_name = 'application_lifecycle' THEN {
    'uid': concat_ws('@', coalesce(arn, source_id), strftime("at", '%Y-%m-%d'),
      regexp_replace(lower(text), '^(finished|starting) |\.$', '', 'g')),
    'kind': change_kind, 'state': state} END               AS change,
  CASE WHEN class_name = 'application_lifecycle' THEN
    {'provider': 'AWS', 'region': region, 'account': {'uid': account}} END AS cloud,
  CASE WHEN class_name = 'log_record' THEN filled({'aws.rds.source_arn': arn,
    'aws.rds.source_type': kind, 'aws.rds.event_id': event_id,
    'aws.rds.event_categories': categories}) END           AS attributes,
  remaining(doc, '{"Date": null, "Message": null, "SourceIdentifier": null, "Event Message": null,
    "Event Time": null, "Source ID": null, "date": null, "message": null,
    "source_identifier": null}')                           AS unmapped,
  CASE
    WHEN json_array_length(envelope, '$.Events') = 0
      OR json_array_length(envelope, '$.events') = 0 THEN ''
    WHEN source_id IS NULL OR text IS NULL OR kind IS NULL THEN 'the document is no event of RDS'
  END                                                      AS problem
FROM classed
