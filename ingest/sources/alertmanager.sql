-- name: alertmanager
-- reads: json
-- class: detection_finding
-- https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
WITH bodies AS (
  SELECT position, ingested_at, doc,
    from_json(doc->'$.alerts', '[{"status": "VARCHAR", "labels": "JSON", "annotations": "JSON",
      "startsAt": "VARCHAR", "endsAt": "VARCHAR", "generatorURL": "VARCHAR",
      "fingerprint": "VARCHAR"}]') AS alerts
  FROM raw
),
alerts AS (
  SELECT * EXCLUDE (alerts), unnest(CASE WHEN len(alerts) > 0 THEN alerts ELSE [NULL] END) AS alert
  FROM bodies
),
timed AS (
  SELECT *,
    alert.status = 'resolved'                              AS resolved,
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
  CASE WHEN resolved THEN 4 ELSE 1 END                     AS status_id,
  coalesce(alert.annotations->>'$.summary', alert.labels->>'$.alertname') AS message,
  label_workload(alert.labels)                             AS workload,
  {'uid': alert.fingerprint, 'title': alert.labels->>'$.alertname',
   'desc': coalesce(alert.annotations->>'$.description', alert.annotations->>'$.summary'),
   'first_seen_time': starts_at, 'last_seen_time': CASE WHEN resolved THEN ends_at END
  }                                                        AS finding_info,
  to_json({'labels': alert.labels, 'annotations': alert.annotations})::VARCHAR AS attributes,
  filled({
    'receiver': doc->>'$.receiver', 'group_key': doc->>'$.groupKey',
    'external_url': doc->>'$.externalURL', 'generator_url': alert."generatorURL"}) AS unmapped,
  CASE
    WHEN alert IS NULL THEN 'the document is no webhook body of Alertmanager with alerts in it'
    WHEN alert.status NOT IN ('firing', 'resolved') OR alert.status IS NULL
      THEN 'the alert is neither firing nor resolved'
  END                                                      AS problem
FROM timed
