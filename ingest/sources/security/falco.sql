-- name: falco
-- reads: json
-- class: detection_finding
-- product: Falcosecurity / Falco
-- sniff: "output_fields"\s*:
-- sniff: "rule"\s*:
-- sniff: "priority"\s*:
-- https://falco.org/docs/reference/alerts/formatting/
-- Alerts as Falco 0.30 and later write them with json_output, and as falcosidekick forwards them.
WITH parsed AS (
  SELECT position, ingested_at, doc, from_json(doc, '{
    "uuid": "VARCHAR", "output": "VARCHAR", "priority": "VARCHAR", "rule": "VARCHAR",
    "time": "VARCHAR", "source": "VARCHAR", "tags": ["VARCHAR"], "hostname": "VARCHAR",
    "output_fields": "JSON"}') AS e,
    json_extract_string(doc, [
      '/output_fields/proc.pid', '/output_fields/proc.name', '/output_fields/proc.cmdline',
      '/output_fields/proc.exepath', '/output_fields/proc.ppid', '/output_fields/proc.pname',
      '/output_fields/user.name', '/output_fields/user.uid', '/output_fields/container.id',
      '/output_fields/container.name', '/output_fields/container.image.repository',
      '/output_fields/container.image.tag', '/output_fields/k8s.pod.name',
      '/output_fields/k8s.ns.name', '/output_fields/fd.name', '/output_fields/fd.type',
      '/output_fields/fd.cip', '/output_fields/fd.cport', '/output_fields/fd.sip',
      '/output_fields/fd.sport', '/output_fields/fd.l4proto', '/output_fields/proc.cwd',
      '/output_fields/evt.type']) AS v
  FROM raw
),
told AS (
  SELECT *, any_time(e."time") AS at
  FROM parsed
)
SELECT
  position,
  ingested_at,
  "at"                                                     AS "time",
  1                                                        AS activity_id,
  CASE lower(e.priority)
    WHEN 'emergency' THEN 6 WHEN 'alert' THEN 5 WHEN 'critical' THEN 5 WHEN 'error' THEN 4
    WHEN 'warning' THEN 3 WHEN 'notice' THEN 2 WHEN 'informational' THEN 1 WHEN 'info' THEN 1
    WHEN 'debug' THEN 1 ELSE 0
  END                                                      AS severity_id,
  1                                                        AS status_id,
  true                                                     AS is_alert,
  e.rule                                                   AS message,
  {'uid': e.uuid, 'labels': e.tags, 'log_level': e.priority} AS metadata,
  {'pod': v[13], 'namespace': v[14], 'node': e.hostname, 'version': v[12]} AS workload,
  {'uid': coalesce(e.uuid, md5(doc)), 'title': e.rule, 'desc': e.output, 'types':
    CASE WHEN e.source IS NOT NULL THEN [e.source] END, 'created_time': epoch_ms("at"),
   'analytic': {'name': e.rule, 'type_id': 1},
   'attacks': nullif(list_transform(
     list_filter(e.tags, lambda t: regexp_full_match(t, 'T\d{4}(\.\d{3})?')),
     lambda t: {'technique': {'uid': t}}), [])}            AS finding_info,
  CASE WHEN e.hostname <> '' THEN {'hostname': e.hostname, 'type_id': 0} END AS device,
  nullif(list_filter([{
    'process': CASE WHEN try_cast(v[1] AS INT) IS NOT NULL THEN {
      'pid': try_cast(v[1] AS INT), 'name': v[2], 'cmd_line': v[3], 'working_directory': v[22],
      'file': CASE WHEN v[4] <> '' THEN {'path': v[4], 'name': regexp_extract(v[4], '[^/]*$'),
        'type_id': 1} END,
      'parent_process': CASE WHEN try_cast(v[5] AS INT) IS NOT NULL
        THEN {'pid': try_cast(v[5] AS INT), 'name': v[6]} END} END,
    'user': CASE WHEN coalesce(v[7], v[8]) IS NOT NULL THEN {'name': v[7], 'uid': v[8]} END,
    'container': CASE WHEN v[9] <> 'host' THEN {'uid': v[9], 'name': v[10],
      'image': CASE WHEN v[11] <> '' THEN {'name': v[11],
        'uid': concat_ws(':', v[11], nullif(v[12], ''))} END} END,
    'file': CASE WHEN v[16] = 'file' AND v[15] <> '' THEN {'path': v[15],
      'name': regexp_extract(v[15], '[^/]*$'), 'type_id': 1} END,
    'src_endpoint': CASE WHEN v[17] <> '' THEN {'ip': v[17], 'port': try_cast(v[18] AS INT)} END,
    'dst_endpoint': CASE WHEN v[19] <> '' THEN {'ip': v[19], 'port': try_cast(v[20] AS INT)} END,
    'connection_info': CASE WHEN v[21] <> '' THEN {'protocol_name': v[21], 'direction_id': 0} END}],
    lambda s: coalesce(s.process::VARCHAR, s."user"::VARCHAR, s."file"::VARCHAR,
      s.src_endpoint::VARCHAR, s.dst_endpoint::VARCHAR) IS NOT NULL), []) AS evidences,
  remaining(doc, '{"uuid": null, "rule": null, "output": null, "time": null, "source": null,
    "tags": null, "hostname": null, "priority": null}')    AS unmapped,
  CASE WHEN e.rule IS NULL OR e.priority IS NULL
    THEN 'the document is no alert of Falco: it has no rule and priority' END AS problem
FROM told
