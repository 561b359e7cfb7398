-- name: newrelic
-- reads: json
-- class: detection_finding
-- product: New Relic / New Relic Alerts
-- sniff: "(alertConditionNames|condition_name)"\s*:
-- sniff: "(impactedEntities|alertPolicyNames|policy_name|incident_url)"\s*:
-- https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/#webhook (a
-- workflow's default payload, of an issue) and
-- https://docs.newrelic.com/docs/alerts/new-relic-alerts/notifications/customize-your-webhook-payload
-- (the notification channels before it, of an incident). The service concerned is the entity, if it
-- is the only one.
WITH parsed AS (
  SELECT position, ingested_at, doc,
    from_json(doc, '{"id": "VARCHAR", "issueUrl": "VARCHAR", "title": "VARCHAR",
      "priority": "VARCHAR", "impactedEntities": ["VARCHAR"], "state": "VARCHAR",
      "trigger": "VARCHAR", "createdAt": "VARCHAR", "updatedAt": "VARCHAR",
      "alertConditionNames": ["VARCHAR"], "incident_id": "VARCHAR", "condition_id": "VARCHAR",
      "condition_name": "JSON", "current_state": "VARCHAR", "details": "VARCHAR",
      "incident_url": "VARCHAR", "owner": "VARCHAR", "severity": "VARCHAR",
      "timestamp": "VARCHAR", "duration": "BIGINT", "targets": [{"name": "VARCHAR"}]}') AS i
  FROM raw
),
told AS (
  SELECT *,
    CASE WHEN upper(i."trigger") = 'ACKNOWLEDGED' THEN 'ACKNOWLEDGED'
      ELSE upper(coalesce(i.state, i.current_state)) END   AS state,
    any_time(coalesce(i."updatedAt", i."createdAt", i."timestamp")) AS "at",
    coalesce(i."impactedEntities", i.targets.list_transform(lambda t: t.name)) AS entities,
    coalesce(i."alertConditionNames"[1], i.condition_name->>'$[0]', i.condition_name->>'$')
                                                           AS condition
  FROM parsed
)
SELECT
  position,
  ingested_at,
  CASE WHEN upper(i."trigger") IN ('ACTIVATED', 'CREATED') THEN any_time(i."createdAt") ELSE "at"
  END                                                      AS "time",
  CASE
    WHEN state IN ('CLOSED', 'RESOLVED', 'DEACTIVATED') THEN 3
    WHEN upper(coalesce(i."trigger", i.current_state)) IN ('ACTIVATED', 'CREATED', 'OPEN') THEN 1
    ELSE 2
  END                                                      AS activity_id,
  alert_severity_id(coalesce(i.priority, i.severity))      AS severity_id,
  CASE
    WHEN state IN ('CLOSED', 'RESOLVED', 'DEACTIVATED') THEN 4 WHEN state = 'ACKNOWLEDGED' THEN 2
    ELSE 1
  END                                                      AS status_id,
  coalesce(i.title, i.details, condition)                  AS message,
  {'service': CASE WHEN len(entities) = 1 THEN entities[1] END} AS workload,
  person(NULL, nullif(i.owner, ''))                 AS assignee,
  list_transform(entities, lambda e: {'name': e})          AS resources,
  {'uid': coalesce(i.id, i.incident_id), 'title': coalesce(condition, i.title),
   'desc': coalesce(i.title, i.details),
   'first_seen_time': coalesce(any_time(i."createdAt"),
     "at" - to_milliseconds(coalesce(i.duration, 0))),
   'last_seen_time': CASE WHEN activity_id = 3 THEN "at" END,
   'src_url': coalesce(i."issueUrl", i.incident_url),
   'analytic': rule(i.condition_id, condition)}            AS finding_info,
  remaining(doc, '{"id": null, "issueUrl": null, "title": null, "impactedEntities": null,
    "createdAt": null, "incident_url": null, "details": null, "timestamp": null, "owner": null,
    "condition_id": null}')                                AS unmapped,
  CASE
    WHEN coalesce(i.id, i.incident_id) IS NULL OR coalesce(i.title, condition) IS NULL
      OR state NOT IN ('CREATED', 'ACTIVATED', 'OPEN', 'ACKNOWLEDGED', 'CLOSED', 'RESOLVED',
        'DEACTIVATED') OR state IS NULL
      THEN 'the document is no issue and no incident of New Relic'
  END                                                      AS problem
FROM told
