-- name: grafana
-- reads: json
-- class: detection_finding
-- product: Grafana Labs / Grafana Alerting
-- sniff: "orgId"\s*:
-- sniff: "silenceURL"\s*:|"valueString"\s*:|"ruleUrl"\s*:|"evalMatches"\s*:
-- https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
-- Webhooks of unified alerting (Grafana 8 to 12) and of the alerting before it, which tells no
-- time: it is when the webhook arrived, and `unmapped` says so.
WITH bodies AS (
  SELECT position, ingested_at, doc,
    json_exists(doc, '$.ruleId')                           AS legacy,
    from_json(doc->'$.alerts', '[{"status": "VARCHAR", "labels": "JSON", "annotations": "JSON",
      "startsAt": "VARCHAR", "endsAt": "VARCHAR", "generatorURL": "VARCHAR",
      "fingerprint": "VARCHAR", "silenceURL": "VARCHAR", "dashboardURL": "VARCHAR",
      "panelURL": "VARCHAR", "imageURL": "VARCHAR", "values": "JSON", "valueString": "VARCHAR"}]')
                                                           AS alerts
  FROM raw
),
alerts AS (
  SELECT * EXCLUDE (alerts), unnest(CASE WHEN len(alerts) > 0 THEN alerts ELSE [NULL] END) AS alert
  FROM bodies
),
told AS (
  SELECT *,
    CASE coalesce(alert.status, doc->>'$.state')
      WHEN 'firing' THEN 1 WHEN 'alerting' THEN 1 WHEN 'no_data' THEN 1 WHEN 'pending' THEN 1
      WHEN 'resolved' THEN 4 WHEN 'ok' THEN 4 WHEN 'paused' THEN 3 END AS state_id,
    state_id = 4                                           AS resolved,
    CASE WHEN legacy THEN doc->'$.tags' ELSE alert.labels END AS labels,
    any_time(alert."startsAt")                             AS starts_at,
    any_time(alert."endsAt")                               AS ends_at
  FROM alerts
)
SELECT
  position,
  ingested_at,
  CASE WHEN legacy THEN ingested_at WHEN resolved THEN ends_at ELSE starts_at END AS "time",
  CASE WHEN resolved THEN 3 WHEN state_id = 3 THEN 2 ELSE 1 END AS activity_id,
  alert_severity_id(labels->>'$.severity')                 AS severity_id,
  state_id                                                 AS status_id,
  CASE WHEN legacy THEN coalesce(nullif(doc->>'$.message', ''), doc->>'$.title')
    ELSE coalesce(alert.annotations->>'$.summary', labels->>'$.alertname') END AS message,
  label_workload(labels)                                   AS workload,
  {'uid': CASE WHEN legacy THEN concat_ws('/', doc->>'$.orgId', doc->>'$.ruleId')
     ELSE alert.fingerprint END,
   'title': coalesce(labels->>'$.alertname', doc->>'$.ruleName'),
   'desc': CASE WHEN legacy THEN nullif(doc->>'$.message', '')
     ELSE coalesce(alert.annotations->>'$.description', alert.annotations->>'$.summary') END,
   'first_seen_time': starts_at, 'last_seen_time': CASE WHEN resolved THEN ends_at END,
   'src_url': coalesce(nullif(alert."generatorURL", ''), doc->>'$.ruleUrl'),
   'analytic': rule(coalesce(labels->>'$.__alert_rule_uid__', doc->>'$.ruleId'),
     coalesce(labels->>'$.alertname', doc->>'$.ruleName'))} AS finding_info,
  filled({'labels': labels, 'annotations': alert.annotations}) AS attributes,
  CASE WHEN legacy THEN remaining(doc, '{"ruleId": null, "ruleName": null, "ruleUrl": null,
      "message": null, "tags": null, "time_from": "arrival"}') ELSE filled({
    'receiver': doc->>'$.receiver', 'orgId': doc->'$.orgId', 'groupKey': doc->>'$.groupKey',
    'groupLabels': doc->'$.groupLabels', 'externalURL': doc->>'$.externalURL',
    'truncatedAlerts': nullif(doc->>'$.truncatedAlerts', '0'), 'title': doc->>'$.title',
    'state': doc->>'$.state', 'silenceURL': nullif(alert."silenceURL", ''),
    'dashboardURL': nullif(alert."dashboardURL", ''), 'panelURL': nullif(alert."panelURL", ''),
    'imageURL': nullif(alert."imageURL", ''), 'values': alert."values",
    'valueString': nullif(alert."valueString", '')}) END   AS unmapped,
  CASE
    WHEN alert IS NULL AND NOT legacy THEN 'the document is no webhook of Grafana with alerts in it'
    WHEN state_id IS NULL THEN 'the alert is neither firing nor resolved'
    WHEN NOT legacy AND alert.fingerprint IS NULL THEN 'the alert has no fingerprint'
  END                                                      AS problem
FROM told
