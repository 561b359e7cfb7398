-- name: alertmanager
-- reads: json
-- class: detection_finding
-- product: Prometheus / Alertmanager
-- sniff: "groupKey"\s*:|"inhibitedBy"\s*:
-- sniff: "version"\s*:\s*"4"|"silencedBy"\s*:
-- https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
-- https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
-- Bodies of webhooks of version 4, and what GET /api/v2/alerts answers: alerts that fire, of which
-- endsAt is only when they would end if nobody told of them again.
WITH bodies AS (
  SELECT position, ingested_at, doc,
    from_json(coalesce(doc->'$.alerts', CASE WHEN json_exists(doc, '$.fingerprint')
      THEN '[' || doc || ']' END), '[{"status": "JSON", "labels": "JSON", "annotations": "JSON",
      "startsAt": "VARCHAR", "endsAt": "VARCHAR", "updatedAt": "VARCHAR",
      "generatorURL": "VARCHAR", "fingerprint": "VARCHAR"}]') AS alerts
  FROM raw
),
alerts AS (
  SELECT * EXCLUDE (alerts), unnest(CASE WHEN len(alerts) > 0 THEN alerts ELSE [NULL] END) AS alert
  FROM bodies
),
timed AS (
  SELECT *,
    CASE coalesce(alert.status->>'$.state', alert.status->>'$')
      WHEN 'firing' THEN 1 WHEN 'active' THEN 1 WHEN 'unprocessed' THEN 1
      WHEN 'suppressed' THEN 3 WHEN 'resolved' THEN 4 END  AS state_id,
    state_id = 4                                           AS resolved,
    try_cast(alert."startsAt" AS TIMESTAMPTZ)              AS starts_at,
    try_cast(alert."endsAt" AS TIMESTAMPTZ)                AS ends_at
  FROM alerts
)
SELECT
  position,
  ingested_at,
  CASE WHEN resolved THEN ends_at ELSE starts_at END       AS "time",
  CASE WHEN resolved THEN 3 ELSE 1 END                     AS activity_id,
  alert_severity_id(alert.labels->>'$.severity')           AS severity_id,
  state_id                                                 AS status_id,
  coalesce(alert.annotations->>'$.summary', alert.labels->>'$.alertname') AS message,
  label_workload(alert.labels)                             AS workload,
  {'uid': alert.fingerprint, 'title': alert.labels->>'$.alertname',
   'desc': coalesce(alert.annotations->>'$.description', alert.annotations->>'$.summary'),
   'first_seen_time': starts_at, 'last_seen_time': CASE WHEN resolved THEN ends_at END,
   'src_url': nullif(alert."generatorURL", '')}            AS finding_info,
  to_json({'labels': alert.labels, 'annotations': alert.annotations})::VARCHAR AS attributes,
  filled({
    'receiver': doc->>'$.receiver', 'receivers': nullif(doc->'$.receivers[*].name', []),
    'groupKey': doc->>'$.groupKey', 'groupLabels': doc->'$.groupLabels',
    'externalURL': doc->>'$.externalURL', 'truncatedAlerts': nullif(doc->>'$.truncatedAlerts', '0'),
    'updatedAt': alert."updatedAt",
    'silencedBy': nullif(alert.status->'$.silencedBy', '[]'),
    'inhibitedBy': nullif(alert.status->'$.inhibitedBy', '[]'),
    'mutedBy': nullif(alert.status->'$.mutedBy', '[]')})   AS unmapped,
  CASE
    WHEN alert IS NULL THEN 'the document is no webhook body of Alertmanager with alerts in it'
    WHEN state_id IS NULL THEN 'the alert is neither firing nor resolved'
    WHEN alert.fingerprint IS NULL THEN 'the alert has no fingerprint'
  END                                                      AS problem
FROM timed
