-- name: unleash
-- reads: json
-- class: application_lifecycle
-- product: Unleash / Unleash
-- sniff: "(featureName|preData)":
-- sniff: "createdBy":
-- https://docs.getunleash.io/concepts/events
-- Events as the Admin API lists them or a webhook of the default template sends one (Unleash 4 to
-- 7). What is done to a feature flag, a segment or a strategy is a change of kind flag, anything
-- else one of configuration.
WITH documents AS (
  SELECT position, ingested_at, unnest(CASE WHEN json_type(doc, '$.events') = 'ARRAY'
      AND json_array_length(doc, '$.events') > 0 THEN doc->'$.events[*]' ELSE [doc] END) AS doc
  FROM raw
),
events AS (
  SELECT *, from_json(doc, '{"id": "VARCHAR", "type": "VARCHAR", "createdBy": "VARCHAR",
      "createdByUserId": "VARCHAR", "createdAt": "VARCHAR", "featureName": "VARCHAR",
      "project": "VARCHAR", "environment": "VARCHAR", "label": "VARCHAR", "summary": "VARCHAR",
      "data": "JSON", "preData": "JSON", "tags": "JSON"}') AS e
  FROM documents
),
named AS (
  SELECT *, regexp_matches(e.type, '^(feature|segment|strategy)') OR e."featureName" IS NOT NULL
    AS is_flag
  FROM events
)
SELECT
  position,
  ingested_at,
  any_time(e."createdAt")                                  AS "time",
  CASE
    WHEN e.type LIKE '%-enabled' THEN 6 WHEN e.type LIKE '%-disabled' THEN 7
    WHEN e.type IN ('feature-created', 'segment-created') THEN 1
    WHEN e.type IN ('feature-deleted', 'feature-archived', 'segment-deleted') THEN 2
    ELSE 8
  END                                                      AS activity_id,
  1                                                        AS severity_id,
  1                                                        AS status_id,
  e.type                                                   AS status_code,
  coalesce(e.summary, e.label, concat_ws(' ', e.type, e."featureName")) AS message,
  {'uid': e.id, 'correlation_uid': e.id}                   AS metadata,
  {'service': e.project}                                   AS workload,
  {'name': coalesce(e.project, e."featureName", 'unleash'),
   'feature': {'name': e."featureName"}}                   AS app,
  {'user': {'name': e."createdBy", 'uid': e."createdByUserId"}} AS actor,
  {'uid': 'unleash/events/' || e.id, 'kind': CASE WHEN is_flag THEN 'flag' ELSE 'config' END,
   'state': 'success', 'environment': e.environment}       AS change,
  filled({'data': e.data, 'preData': e."preData", 'tags': e.tags}) AS unmapped,
  CASE
    WHEN json_array_length(doc, '$.events') = 0 THEN ''
    WHEN e.type IS NULL OR e.id IS NULL OR e."createdAt" IS NULL
      THEN 'the document is no event of Unleash'
  END                                                      AS problem
FROM named
