-- name: pagerduty
-- reads: json
-- class: detection_finding
-- product: PagerDuty / PagerDuty
-- sniff: "event_type"\s*:\s*"(incident|service|pagey)\.[a-z_.]+"|"incident_key"\s*:
-- sniff: "occurred_at"\s*:|"incident_number"\s*:
-- https://developer.pagerduty.com/docs/webhooks-overview (v3: an event of an incident each)
-- https://developer.pagerduty.com/api-reference (REST v2: incidents, alone or in a list, of which
-- one tells when it was triggered and when its status last changed)
WITH documents AS (
  SELECT position, ingested_at, doc, nullif(doc->'$.event', 'null') AS event, unnest(CASE
    WHEN json_type(doc, '$.event.data') = 'OBJECT' THEN [doc->'$.event.data']
    WHEN json_array_length(doc, '$.incidents') > 0 THEN doc->'$.incidents[*]'
    WHEN json_type(doc, '$.incident') = 'OBJECT' THEN [doc->'$.incident']
    ELSE [doc]
  END) AS data
  FROM raw
),
incidents AS (   -- a note and the like name their incident
  SELECT *,
    data->>'$.type' AS type,
    CASE WHEN type = 'incident' THEN data ELSE data->'$.incident' END AS incident,
    event->>'$.event_type' AS event_type,
    from_json(incident, '{"id": "VARCHAR", "title": "VARCHAR", "summary": "VARCHAR",
      "html_url": "VARCHAR", "status": "VARCHAR", "urgency": "VARCHAR", "created_at": "VARCHAR",
      "resolved_at": "VARCHAR", "last_status_change_at": "VARCHAR",
      "service": {"summary": "VARCHAR"}, "priority": {"summary": "VARCHAR"},
      "assignees": [{"id": "VARCHAR", "summary": "VARCHAR"}],
      "assignments": [{"assignee": {"id": "VARCHAR", "summary": "VARCHAR"}}],
      "last_status_change_by": {"id": "VARCHAR", "type": "VARCHAR", "summary": "VARCHAR"}}') AS i
  FROM documents
),
moments AS (
  SELECT *, unnest(CASE
    WHEN event IS NOT NULL
      THEN [{'at': event->>'$.occurred_at', 'status': coalesce(i.status, ''),
        'who': event->'$.agent'}]
    WHEN i.status = 'triggered' OR i.status IS NULL
      THEN [{'at': i.created_at, 'status': 'triggered', 'who': NULL}]
    ELSE [{'at': i.created_at, 'status': 'triggered', 'who': NULL},
      {'at': coalesce(i.resolved_at, i.last_status_change_at), 'status': i.status,
       'who': to_json(i.last_status_change_by)}]
  END) AS m
  FROM incidents
)
SELECT
  position,
  ingested_at,
  any_time(m."at")                                         AS "time",
  CASE
    WHEN event_type = 'incident.triggered' OR event IS NULL AND m.status = 'triggered' THEN 1
    WHEN event_type = 'incident.resolved' OR event IS NULL AND m.status = 'resolved' THEN 3
    ELSE 2
  END                                                      AS activity_id,
  coalesce(nullif(priority_severity_id(i.priority.summary), 0),
    CASE i.urgency WHEN 'high' THEN 4 WHEN 'low' THEN 2 ELSE 0 END) AS severity_id,
  CASE m.status WHEN 'triggered' THEN 1 WHEN 'acknowledged' THEN 2 WHEN 'resolved' THEN 4 ELSE 0
  END                                                      AS status_id,
  coalesce(data->>'$.content', data->>'$.message', i.title, i.summary) AS message,
  {'service': i.service.summary}                           AS workload,
  {'uid': event->>'$.id', 'event_code': event_type}        AS metadata,
  CASE WHEN m.who->>'$.type' = 'user_reference'
    THEN {'user': person(m.who->>'$.id', m.who->>'$.summary')} END AS actor,
  person(coalesce(i.assignees[1].id, i.assignments[1].assignee.id),
    coalesce(i.assignees[1].summary, i.assignments[1].assignee.summary)) AS assignee,
  {'uid': i.id, 'title': coalesce(i.title, i.summary), 'first_seen_time': any_time(i.created_at),
   'last_seen_time': CASE WHEN m.status = 'resolved' THEN any_time(m."at") END,
   'src_url': i.html_url}                                  AS finding_info,
  CASE WHEN event IS NOT NULL THEN remaining(event, '{"id": null, "event_type": null,
    "occurred_at": null, "data": {"id": null, "title": null, "html_url": null, "status": null,
      "created_at": null, "content": null, "message": null}}')
    ELSE remaining(data, '{"id": null, "title": null, "html_url": null, "created_at": null,
      "resolved_at": null}') END                           AS unmapped,
  CASE
    WHEN event_type = 'pagey.ping' OR json_array_length(doc, '$.incidents') = 0 THEN ''
    WHEN event_type LIKE 'service.%' THEN 'the event is of a service and not of an incident'
    WHEN i.id IS NULL OR m.status NOT IN ('', 'triggered', 'acknowledged', 'resolved')
      THEN 'the document is no webhook of PagerDuty''s version 3 and no incident'
  END                                                      AS problem
FROM moments
