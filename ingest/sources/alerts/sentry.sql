-- name: sentry
-- reads: json
-- class: detection_finding log_record
-- product: Sentry / Sentry
-- sniff: "(triggered_rule|triggering_rules|metric_alert|issue_category|shortId|culprit)"\s*:
-- sniff: "(description_title|issue_url|web_url|permalink|event_id|project_slug|project_name)"\s*:
-- https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
-- Webhooks of the integration platform (issue alerts, metric alerts, issues, errors) and of the
-- older plugin WebHooks. An event that comes along is a log record with its exception beside the
-- finding; of chained exceptions it is the last, which was raised last. An issue tells no time of
-- what was done with it: it is when it was last seen.
WITH parsed AS (
  SELECT position, ingested_at, doc, doc->>'$.action' AS action,
    coalesce(doc->'$.data.event', doc->'$.data.error', doc->'$.event') AS event,
    coalesce(doc->'$.data.issue', doc->'$.issue')          AS issue,
    doc->'$.data.metric_alert'                             AS metric,
    coalesce(doc->>'$.data.triggered_rule', doc->>'$.triggering_rules[0]') AS rule_name
  FROM raw
),
told AS (
  SELECT *,
    from_json(event, '{"event_id": "VARCHAR", "issue_id": "VARCHAR", "title": "VARCHAR",
      "message": "VARCHAR", "logentry": {"formatted": "VARCHAR"}, "level": "VARCHAR",
      "logger": "VARCHAR", "culprit": "VARCHAR", "datetime": "VARCHAR", "timestamp": "VARCHAR",
      "release": "VARCHAR", "environment": "VARCHAR", "server_name": "VARCHAR", "url": "VARCHAR",
      "web_url": "VARCHAR", "tags": [["VARCHAR"]],
      "contexts": {"trace": {"trace_id": "VARCHAR", "span_id": "VARCHAR"}},
      "exception": {"values": [{"type": "VARCHAR", "value": "VARCHAR", "stacktrace": {"frames": [{
        "filename": "VARCHAR", "abs_path": "VARCHAR", "module": "VARCHAR", "function": "VARCHAR",
        "lineno": "VARCHAR"}]}}]}}')                       AS e,
    from_json(issue, '{"id": "VARCHAR", "title": "VARCHAR", "culprit": "VARCHAR",
      "level": "VARCHAR", "status": "VARCHAR", "firstSeen": "VARCHAR", "lastSeen": "VARCHAR",
      "web_url": "VARCHAR", "permalink": "VARCHAR", "project": {"slug": "VARCHAR"},
      "assignedTo": {"id": "VARCHAR", "name": "VARCHAR"}}') AS i,
    from_json(metric, '{"id": "VARCHAR", "title": "VARCHAR", "date_started": "VARCHAR",
      "date_detected": "VARCHAR", "date_closed": "VARCHAR", "projects": ["VARCHAR"],
      "alert_rule": {"id": "VARCHAR", "name": "VARCHAR"}}') AS m
  FROM parsed
),
named AS (
  SELECT *,
    e.tags.list_transform(lambda t: t[1] || ':' || t[2])   AS tags,
    coalesce(tag(tags, 'service'), i.project.slug, doc->>'$.project',
      nullif(regexp_extract(e.url, '/projects/[^/]+/([^/]+)/', 1), ''),
      CASE WHEN len(m.projects) = 1 THEN m.projects[1] END) AS service,
    coalesce(e.release, tag(tags, 'release'))              AS release,
    e.exception."values"[-1]                               AS raised,
    array_to_string(list_transform(e.exception."values"[-1].stacktrace.frames, lambda f:
      concat('  File "', coalesce(f.filename, f.abs_path, f.module), '"', ', line ' || f.lineno,
        ', in ' || f."function")), chr(10))                AS stacktrace,
    any_time(coalesce(e.datetime, e."timestamp"))          AS event_at,
    CASE
      WHEN m.id IS NOT NULL THEN CASE action WHEN 'resolved' THEN 4 ELSE 1 END
      WHEN i.id IS NOT NULL THEN CASE action WHEN 'resolved' THEN 4 WHEN 'assigned' THEN 2
        WHEN 'archived' THEN 3 WHEN 'ignored' THEN 3 ELSE 1 END
      ELSE 1
    END                                                    AS state_id,
    CASE
      WHEN m.id IS NOT NULL THEN any_time(CASE action
        WHEN 'resolved' THEN m.date_closed ELSE coalesce(m.date_detected, m.date_started) END)
      WHEN i.id IS NOT NULL AND action = 'created' THEN any_time(i."firstSeen")
      WHEN i.id IS NOT NULL THEN any_time(i."lastSeen")
      ELSE event_at
    END                                                    AS alert_at
  FROM told
),
kinds AS (   -- an error alone is no alert
  SELECT *, unnest(CASE WHEN json_exists(doc, '$.data.error') THEN ['log_record']
    WHEN event IS NOT NULL THEN ['detection_finding', 'log_record']
    ELSE ['detection_finding'] END)                        AS class_name
  FROM named
)
SELECT
  position,
  ingested_at,
  class_name,
  CASE WHEN class_name = 'log_record' THEN event_at ELSE alert_at END AS "time",
  CASE
    WHEN class_name = 'log_record' THEN 1 WHEN state_id = 4 THEN 3
    WHEN i.id IS NOT NULL AND action <> 'created' THEN 2 ELSE 1
  END                                                      AS activity_id,
  CASE WHEN m.id IS NOT NULL
      THEN CASE action WHEN 'critical' THEN 5 WHEN 'warning' THEN 3 ELSE 1 END
    ELSE level_severity_id(coalesce(e.level, i.level, doc->>'$.level'))
  END                                                      AS severity_id,
  CASE WHEN class_name = 'log_record' THEN 0 ELSE state_id END AS status_id,
  CASE WHEN class_name = 'log_record' THEN coalesce(e.logentry.formatted, nullif(e.message, ''),
      e.title, raised.type || ': ' || raised."value")
    ELSE coalesce(doc->>'$.data.description_text', e.title, i.title, nullif(doc->>'$.message', ''))
  END                                                      AS message,
  {'service': service, 'version': nullif(regexp_extract(release, '([^@]*)$', 1), ''),
   'instance': coalesce(e.server_name, tag(tags, 'server_name'))} AS workload,
  {'uid': e.event_id}                                      AS metadata,
  CASE WHEN class_name = 'detection_finding' THEN person(i."assignedTo".id, i."assignedTo".name)
  END                                                      AS assignee,
  CASE WHEN class_name = 'detection_finding' THEN {
    'uid': coalesce(m.id, i.id, e.issue_id, doc->>'$.id'),
    'title': coalesce(m.alert_rule.name, i.title, e.title, raised.type),
    'desc': coalesce(doc->>'$.data.description_text', i.culprit, e.culprit, doc->>'$.culprit'),
    'first_seen_time': any_time(coalesce(m.date_started, i."firstSeen")),
    'last_seen_time': CASE WHEN state_id = 4 THEN alert_at ELSE any_time(i."lastSeen") END,
    'src_url': coalesce(doc->>'$.data.web_url', i.web_url, i.permalink, e.web_url, doc->>'$.url'),
    'analytic': rule(m.alert_rule.id, coalesce(m.alert_rule.name, rule_name))} END AS finding_info,
  CASE WHEN class_name = 'log_record' THEN e.level END     AS severity,
  CASE WHEN class_name = 'log_record' THEN nullif(e.logger, '') END AS scope,
  CASE WHEN class_name = 'log_record' THEN e.contexts.trace.trace_id END AS trace_uid,
  CASE WHEN class_name = 'log_record' THEN e.contexts.trace.span_id END AS span_uid,
  CASE WHEN class_name = 'log_record' THEN {'type': raised.type, 'message': raised."value",
    'stacktrace': stacktrace} END                          AS exception,
  filled({'tags': nullif(tags, []), 'environment': e.environment,
    'sentry.issue_id': CASE WHEN class_name = 'log_record' THEN e.issue_id END}) AS attributes,
  CASE WHEN class_name = 'log_record' THEN remaining(event, '{"event_id": null, "issue_id": null,
      "level": null, "logger": null, "environment": null, "server_name": null, "tags": null,
      "datetime": null, "message": null}')
    ELSE remaining(doc, CASE
      WHEN issue IS NOT NULL THEN '{"data": {"issue": {"id": null, "title": null,
        "firstSeen": null, "web_url": null}}}'
      WHEN json_exists(doc, '$.data') THEN '{"data": {"event": null, "description_text": null,
        "web_url": null}}'
      ELSE '{"event": null}' END) END                      AS unmapped,
  CASE
    WHEN class_name = 'log_record' AND event_at IS NULL THEN 'the event tells no time'
    WHEN coalesce(m.id, i.id, e.issue_id, e.event_id, CASE WHEN json_exists(doc, '$.culprit')
      THEN doc->>'$.id' END) IS NULL THEN 'the document is no webhook of Sentry about an alert'
    WHEN class_name = 'detection_finding' AND coalesce(m.id, i.id, e.issue_id, doc->>'$.id') IS NULL
      THEN 'the alert names no issue'
  END                                                      AS problem
FROM kinds
