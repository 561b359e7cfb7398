-- name: sophos_endpoints
-- reads: json
-- class: inventory_info
-- product: Sophos / Sophos Endpoint
-- sniff: "tamperProtection(Enabled|Supported)"\s*:
-- sniff: "(assignedProducts|lastSeenAt)"\s*:
-- https://developer.sophos.com/docs/endpoint-v1/1/routes/endpoints/get
-- Endpoint API version 1: endpoints alone, or in the items of a page.
WITH documents AS (
  SELECT position, ingested_at,
    unnest(coalesce(nullif(json_extract(doc, '$.items[*]'), []), [doc])) AS doc
  FROM raw
),
parsed AS (
  SELECT *, from_json(doc, '{
    "id": "VARCHAR", "type": "VARCHAR", "hostname": "VARCHAR", "tenant": {"id": "VARCHAR"},
    "health": {"overall": "VARCHAR"}, "serialNumber": "VARCHAR",
    "os": {"isServer": "BOOLEAN", "platform": "VARCHAR", "name": "VARCHAR", "build": "VARCHAR"},
    "ipv4Addresses": ["VARCHAR"], "ipv6Addresses": ["VARCHAR"], "macAddresses": ["VARCHAR"],
    "group": {"id": "VARCHAR", "name": "VARCHAR"},
    "associatedPerson": {"id": "VARCHAR", "name": "VARCHAR", "viaLogin": "VARCHAR"},
    "tamperProtectionEnabled": "BOOLEAN", "lastSeenAt": "VARCHAR", "registeredAt": "VARCHAR",
    "cloud": {"provider": "VARCHAR", "instanceId": "VARCHAR"}}') AS e
  FROM documents
)
SELECT
  position,
  ingested_at,
  any_time(e."lastSeenAt")                                 AS "time",
  2                                                        AS activity_id,
  1                                                        AS severity_id,
  e.health.overall                                         AS status_detail,
  {'log_name': 'endpoints', 'original_event_uid': e.id, 'tenant_uid': e.tenant.id,
   'product': {'feature': {'name': 'Sophos Central'}}}     AS metadata,
  {'node': e.hostname, 'instance': e.cloud."instanceId"}   AS workload,
  {'uid': e.id, 'hostname': e.hostname, 'name': e.hostname,
   'ip': coalesce(e."ipv4Addresses"[1], e."ipv6Addresses"[1]), 'mac': e."macAddresses"[1],
   'instance_uid': e.cloud."instanceId",
   'is_managed': true, 'is_trusted': e."tamperProtectionEnabled",
   'first_seen_time': epoch_ms(any_time(e."registeredAt")),
   'last_seen_time': epoch_ms(any_time(e."lastSeenAt")),
   'groups': CASE WHEN coalesce(e."group".id, e."group".name) IS NOT NULL
     THEN [{'uid': e."group".id, 'name': e."group".name}] END,
   'hw_info': {'serial_number': e."serialNumber"},
   'os': CASE WHEN e.os.platform IS NOT NULL THEN {
     'name': coalesce(e.os.name, e.os.platform), 'build': e.os.build,
     'type_id': CASE lower(e.os.platform) WHEN 'windows' THEN 100 WHEN 'linux' THEN 200
       WHEN 'macos' THEN 300 WHEN 'ios' THEN 301 WHEN 'android' THEN 201 ELSE 0 END} END,
   'owner': sophos_user(e."associatedPerson".id,
     coalesce(e."associatedPerson".name, e."associatedPerson"."viaLogin")),
   'type_id': sophos_device_type_id(e.type)}               AS device,
  remaining(doc, '{"id": null, "tenant": {"id": null}, "health": {"overall": null},
    "os": {"name": null, "build": null}, "group": {"name": null, "id": null},
    "associatedPerson": {"name": null, "id": null}, "tamperProtectionEnabled": null,
    "lastSeenAt": null, "serialNumber": null, "registeredAt": null}') AS unmapped,
  CASE
    WHEN json_array_length(doc, '$.items') = 0 THEN ''
    WHEN e.id IS NULL OR coalesce(e.hostname, e."lastSeenAt") IS NULL
      THEN 'the document is no endpoint of Sophos Central'
  END                                                      AS problem
FROM parsed
