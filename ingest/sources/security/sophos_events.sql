-- name: sophos_events
-- reads: json
-- class: detection_finding file_remediation_activity base_event
-- product: Sophos / Sophos Endpoint
-- sniff: "type"\s*:\s*"Event::
-- sniff: "endpoint_id"\s*:
-- https://developer.sophos.com/docs/siem-v1/1/routes/events/get
-- SIEM integration API version 1: events alone, or in the items of a page. What was cleaned is a
-- remediation of each file, what was found or blocked a finding; the rest tells of the agent.
WITH documents AS (
  SELECT position, ingested_at,
    unnest(coalesce(nullif(json_extract(doc, '$.items[*]'), []), [doc])) AS doc
  FROM raw
),
parsed AS (
  SELECT *, from_json(doc, '{
    "id": "VARCHAR", "type": "VARCHAR", "name": "VARCHAR", "severity": "VARCHAR",
    "when": "VARCHAR", "created_at": "VARCHAR", "location": "VARCHAR", "source": "VARCHAR",
    "group": "VARCHAR", "threat": "VARCHAR", "endpoint_id": "VARCHAR", "endpoint_type": "VARCHAR",
    "user_id": "VARCHAR", "customer_id": "VARCHAR", "appSha256": "VARCHAR", "origin": "VARCHAR",
    "source_info": {"ip": "VARCHAR"},
    "core_remedy_items": {"items": [{"type": "VARCHAR", "descriptor": "VARCHAR",
      "result": "VARCHAR"}]}}') AS e,
    list_filter(from_json(doc->'$.core_remedy_items.items', '[{"type": "VARCHAR",
      "descriptor": "VARCHAR", "result": "VARCHAR"}]'), lambda i: i.descriptor <> '') AS items
  FROM documents
),
told AS (
  SELECT * EXCLUDE (items), unnest(CASE WHEN len(items) > 0 THEN items ELSE [NULL] END) AS item
  FROM parsed
),
classed AS (
  SELECT *,
    CASE
      WHEN item IS NOT NULL THEN 'file_remediation_activity'
      WHEN e.threat IS NOT NULL OR upper(e."group") IN ('MALWARE', 'PUA', 'RUNTIME_DETECTIONS',
          'MALICIOUS_TRAFFIC', 'IPS', 'WEB', 'APPLICATION_CONTROL', 'DATA_LOSS_PREVENTION',
          'PERIPHERALS', 'ISOLATION', 'BLOCKED', 'LATERAL_MOVEMENT')
        THEN 'detection_finding'
      ELSE 'base_event'
    END                                                    AS class_name,
    regexp_matches(lower(e.type || ' ' || e.name), 'block|prevent|violation|denied') AS is_blocked,
    sophos_user(e.user_id, e.source)                       AS who
  FROM told
)
SELECT
  position,
  ingested_at,
  any_time(coalesce(e."when", e.created_at))               AS "time",
  class_name,
  CASE class_name
    WHEN 'file_remediation_activity' THEN CASE upper(item.result)
      WHEN 'QUARANTINED' THEN 1 WHEN 'RESTORED' THEN 3 ELSE 2 END
    WHEN 'detection_finding' THEN 1 ELSE 99
  END                                                      AS activity_id,
  CASE e.severity WHEN 'none' THEN 1 ELSE alert_severity_id(e.severity) END AS severity_id,
  CASE class_name
    WHEN 'detection_finding' THEN 1
    WHEN 'file_remediation_activity' THEN CASE WHEN item.result ILIKE '%fail%' THEN 2 END
  END                                                      AS status_id,
  item.result                                              AS status_detail,
  CASE WHEN class_name <> 'file_remediation_activity' THEN e.name END AS message,
  CASE WHEN class_name = 'detection_finding' AND is_blocked THEN 2 END AS action_id,
  CASE WHEN class_name = 'detection_finding' THEN CASE WHEN is_blocked THEN 2 ELSE 15 END END
                                                           AS disposition_id,
  {'log_name': 'siem/events', 'original_event_uid': e.id, 'tenant_uid': e.customer_id,
   'event_code': CASE WHEN class_name <> 'file_remediation_activity' THEN e.type END,
   'product': {'feature': {'name': 'Sophos Central'}}}     AS metadata,
  {'node': e."location"}                                   AS workload,
  CASE WHEN who IS NOT NULL THEN {'user': who} END         AS actor,
  CASE WHEN coalesce(e.endpoint_id, e."location", e.source_info.ip) IS NOT NULL THEN
    {'uid': e.endpoint_id, 'hostname': e."location", 'name': e."location", 'ip': e.source_info.ip,
     'type_id': sophos_device_type_id(e.endpoint_type)} END AS device,
  CASE WHEN class_name = 'file_remediation_activity' THEN e.id END AS command_uid,
  CASE WHEN class_name = 'file_remediation_activity' THEN {
    'path': item.descriptor, 'name': regexp_extract(item.descriptor, '[^/\\]*$'),
    'is_deleted': upper(item.result) = 'DELETED', 'type_id': CASE item.type
      WHEN 'file' THEN 1 ELSE 99 END, 'type': CASE WHEN item.type <> 'file' THEN item.type END} END
                                                           AS file,
  CASE WHEN class_name = 'detection_finding' THEN {
    'uid': e.id, 'title': e.name, 'types': [e."group"],
    'created_time': epoch_ms(any_time(e.created_at)),
    'analytic': CASE WHEN e.origin IS NOT NULL THEN {'name': e.origin, 'type_id': 0} END} END
                                                           AS finding_info,
  CASE WHEN class_name = 'detection_finding' AND e.threat IS NOT NULL THEN
    [{'name': e.threat, 'classification_ids': [0]}] END    AS malware,
  remaining(doc, '{"id": null, "customer_id": null, "user_id": null, "source": null,
    "when": null}')                                        AS unmapped,
  CASE
    WHEN json_array_length(doc, '$.items') = 0 THEN ''
    WHEN e.id IS NULL OR e.type NOT LIKE 'Event::%' OR e.type IS NULL
      THEN 'the document is no event of Sophos Central'
  END                                                      AS problem
FROM classed
