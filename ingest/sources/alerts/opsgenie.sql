-- name: opsgenie
-- reads: json
-- class: detection_finding
-- product: Atlassian / Opsgenie
-- sniff: "tinyId"\s*:
-- sniff: "integrationName"\s*:|"lastOccurredAt"\s*:|"alertId"\s*:
-- https://support.atlassian.com/opsgenie/docs/opsgenie-edge-connector-alert-action-data/
-- https://docs.opsgenie.com/docs/alert-api#list-alerts
-- Webhooks, an action on an alert each, and alerts of the REST API v2 (Jira Service Management's
-- too), alone or in a list, of which one tells when it was created, acknowledged and closed.
WITH documents AS (
  SELECT position, ingested_at, doc, doc->>'$.action' AS action, unnest(CASE
    WHEN json_type(doc, '$.alert') = 'OBJECT' THEN [doc->'$.alert']
    WHEN json_array_length(doc, '$.data') > 0 THEN doc->'$.data[*]'
    WHEN json_type(doc, '$.data') = 'OBJECT' THEN [doc->'$.data']
    ELSE [doc]
  END) AS data
  FROM raw
),
alerts AS (
  SELECT *,
    from_json(data, '{"id": "VARCHAR", "alertId": "VARCHAR", "message": "VARCHAR",
      "description": "VARCHAR", "tags": ["VARCHAR"], "details": "JSON", "entity": "VARCHAR",
      "status": "VARCHAR", "acknowledged": "BOOLEAN", "createdAt": "VARCHAR",
      "updatedAt": "VARCHAR", "username": "VARCHAR", "owner": "VARCHAR", "priority": "VARCHAR",
      "note": "VARCHAR", "snoozed": "BOOLEAN",
      "report": {"ackTime": "BIGINT", "closeTime": "BIGINT", "acknowledgedBy": "VARCHAR",
        "closedBy": "VARCHAR"}}')                          AS a
  FROM documents
),
timed AS (
  SELECT *, any_time(a."createdAt") AS created_at, any_time(a."updatedAt") AS updated_at FROM alerts
),
moments AS (
  SELECT *, unnest(CASE
    WHEN action IS NOT NULL THEN [{
      'at': CASE WHEN action = 'Create' THEN created_at ELSE updated_at END,
      'state': action, 'who': a.username}]
    ELSE list_filter([
      {'at': created_at, 'state': 'Create', 'who': NULL},
      {'at': created_at + to_milliseconds(coalesce(a.report."ackTime", CASE WHEN a.acknowledged
        AND a.status = 'open' THEN epoch_ms(updated_at) - epoch_ms(created_at) END)),
       'state': 'Acknowledge', 'who': a.report."acknowledgedBy"},
      {'at': CASE WHEN a.status = 'closed' THEN coalesce(
        created_at + to_milliseconds(a.report."closeTime"), updated_at) END,
       'state': 'Close', 'who': a.report."closedBy"}],
      lambda m: m.state = 'Create' OR m."at" IS NOT NULL)
  END) AS m
  FROM timed
)
SELECT
  position,
  ingested_at,
  m."at"                                                   AS "time",
  CASE m.state WHEN 'Create' THEN 1 WHEN 'Close' THEN 3 WHEN 'Delete' THEN 3 ELSE 2
  END                                                      AS activity_id,
  priority_severity_id(a.priority)                         AS severity_id,
  CASE m.state WHEN 'Create' THEN 1 WHEN 'UnAcknowledge' THEN 1 WHEN 'SnoozeEnded' THEN 1
    WHEN 'Acknowledge' THEN 2 WHEN 'Snooze' THEN 3 WHEN 'Close' THEN 4 WHEN 'Delete' THEN 6 ELSE 0
  END                                                      AS status_id,
  a.message                                                AS message,
  struct_update(label_workload(a.details), service := coalesce(a.details->>'$.service',
    a.details->>'$.Service', tag(a.tags, 'service')))      AS workload,
  {'event_code': action}                                   AS metadata,
  CASE WHEN m.who IS NOT NULL THEN {'user': person(NULL, m.who)} END AS actor,
  person(NULL, nullif(a.owner, ''))                 AS assignee,
  nullif(a.note, '')                                       AS comment,
  CASE WHEN a.entity <> '' THEN [{'name': a.entity}] END   AS resources,
  {'uid': coalesce(a."alertId", a.id), 'title': a.message, 'desc': nullif(a.description, ''),
   'first_seen_time': created_at,
   'last_seen_time': CASE WHEN m.state = 'Close' THEN m."at" END} AS finding_info,
  filled({'tags': a.tags, 'details': a.details})           AS attributes,
  CASE WHEN action IS NOT NULL THEN remaining(doc, '{"action": null, "alert": {"alertId": null,
      "message": null, "description": null, "tags": null, "details": null, "entity": null,
      "createdAt": null, "username": null, "owner": null, "note": null}}')
    ELSE remaining(data, '{"id": null, "message": null, "description": null, "tags": null,
      "details": null, "entity": null, "createdAt": null, "owner": null}') END AS unmapped,
  CASE
    WHEN json_type(doc, '$.data') = 'ARRAY' AND json_array_length(doc, '$.data') = 0 THEN ''
    WHEN coalesce(a."alertId", a.id) IS NULL OR a.message IS NULL
      THEN 'the document is no webhook and no alert of Opsgenie'
  END                                                      AS problem
FROM moments
