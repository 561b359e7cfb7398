-- who is called, likewise, and by Linkerd's, whose caller is who speaks
    list_filter(json_extract_string(labels, ['$.destination_workload',
      '$.destination_canonical_service', '$.destination_app', '$.dst_workload', '$.dst_deployment',
      '$.dst_service', '$.destination_service_name', '$.destination_service', '$.server',
      '$.callee']), lambda name: name NOT IN ('', 'unknown', '-'))[1]
