-- name: suricata_fast
-- reads: lines
-- class: detection_finding
-- product: Open Information Security Foundation / Suricata
-- sniff: ^\d\d/\d\d/\d{4}-[\d:.]+ +(?:\[w?Drop\] )?\[\*\*\] \[\d+:\d+:\d+\] .*
-- https://docs.suricata.io/en/latest/configuration/suricata-yaml.html#line-based-alerts-log-fast-log
-- The lines of fast.log, an alert each; their time tells no zone and is taken for UTC.
WITH told AS (
  SELECT position, ingested_at, regexp_extract(line,
    '^(\d\d/\d\d/\d{4}-\d\d:\d\d:\d\d(?:\.\d+)?) +(?:\[(w?Drop)\] )?\[\*\*\] \[(\d+):(\d+):(\d+)\] (.*?) '
    || '\[\*\*\] (?:\[Classification: (.*?)\] )?(?:\[Priority: (\d+)\] )?\{([^}]*)\} '
    || '(\S+?)(?::(\d+))? -> (\S+?)(?::(\d+))?\s*$',
    ['at', 'drop', 'gid', 'sid', 'rev', 'signature', 'category', 'priority', 'proto', 'src',
      'src_port', 'dst', 'dst_port']) AS a
  FROM raw
)
SELECT
  position,
  ingested_at,
  try_strptime(a."at", ['%m/%d/%Y-%H:%M:%S.%f', '%m/%d/%Y-%H:%M:%S'])::TIMESTAMPTZ AS "time",
  1 AS activity_id,
  coalesce(MAP {'1': 4, '2': 3, '3': 2, '4': 1}[a.priority], 0) AS severity_id,
  1 AS status_id,
  CASE a."drop" WHEN 'Drop' THEN 2 WHEN 'wDrop' THEN 3 END AS action_id,
  CASE a."drop" WHEN 'Drop' THEN 6 WHEN 'wDrop' THEN 19 END AS disposition_id,
  true AS is_alert,
  a.signature AS message,
  {'log_name': 'fast', 'product': {'cpe_name': 'cpe:2.3:a:oisf:suricata'}} AS metadata,
  {'uid': a.sid, 'title': a.signature,
   'types': CASE WHEN a.category <> '' THEN [a.category] END,
   'analytic': {'uid': a.sid, 'name': a.signature, 'type_id': 1, 'version': a.rev,
     'category': nullif(a.category, '')}} AS finding_info,
  CASE WHEN ip_only(a.src) IS NOT NULL AND ip_only(a.dst) IS NOT NULL THEN [{
    'src_endpoint': {'ip': a.src, 'port': try_cast(a.src_port AS INTEGER)},
    'dst_endpoint': {'ip': a.dst, 'port': try_cast(a.dst_port AS INTEGER)},
    'connection_info': {'protocol_name': lower(a.proto), 'protocol_num': protocol_number(a.proto),
      'protocol_ver_id': ip_version(a.src), 'direction_id': 0}}] END AS evidences,
  filled({'gid': a.gid, 'zone_assumed': 'UTC'}) AS unmapped,
  CASE WHEN a.sid IS NULL OR a.sid = '' THEN 'the line is no alert of fast.log' END AS problem
FROM told
