-- question: Which alerts fired and resolved?
-- A notification that is delivered again, as Alertmanager does, is the same firing; one that was
-- acknowledged, or noted upon, fires no more than before. What a security product, an audit trail
-- or a provider found is no alarm about a service: such a finding says that it is no alert, or its
-- source is one of those below, which are all of ours that find anything else.
WITH observed AS (
  SELECT workload.service AS service FROM trace_span
  UNION
  SELECT workload.service FROM http_activity
  UNION
  SELECT workload.service FROM log_record
  UNION
  SELECT workload.service FROM metric_point
)
SELECT
  time,
  finding_info.title     AS title,
  workload.service       AS service,
  finding_info.uid       AS uid,
  status_id = 4          AS resolved,
  observed.service IS NOT NULL AS is_observed,  -- there is telemetry of the service it names
  max(severity_id)       AS severity_id,
  max(finding_info.desc) AS description
FROM detection_finding
LEFT JOIN observed ON observed.service = workload.service
WHERE activity_id IS DISTINCT FROM 2
  AND coalesce(json_extract_string(ocsf_rest, '$.is_alert'), 'true') <> 'false'
  AND coalesce(source, '') NOT IN ('aws_health', 'checkpoint', 'cloudtrail', 'crowdstrike',
    'defender', 'falco', 'fortigate', 'guardduty', 'm365_audit', 'security_hub',
    'security_hub_ocsf', 'sentinelone', 'sophos_events', 'suricata', 'suricata_fast',
    'windows_event_xml', 'zeek')
GROUP BY ALL
ORDER BY time, title, service, uid, resolved
