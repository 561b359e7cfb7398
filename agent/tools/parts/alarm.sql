-- a finding that is an alarm about a service: what a security product, an audit trail or a provider
-- found says that it is no alert, or its source is one of those below, which are all of ours that
-- find anything else
    (coalesce(json_extract_string(ocsf_rest, '$.is_alert'), 'true') <> 'false'
    AND coalesce(source, '') NOT IN ('aws_health', 'checkpoint', 'cloudtrail', 'crowdstrike',
      'defender', 'falco', 'fortigate', 'guardduty', 'm365_audit', 'security_hub',
      'security_hub_ocsf', 'sentinelone', 'sophos_events', 'suricata', 'suricata_fast',
      'windows_event_xml', 'zeek'))
