-- who calls, by the labels of Istio, Cilium's Hubble, OpenTelemetry's service graph, Consul and others
    list_filter(json_extract_string(labels, ['$.source_workload', '$.source_canonical_service',
      '$.source_app', '$.src_workload', '$.src_service', '$.source_service', '$.client',
      '$.caller']), lambda name: name NOT IN ('', 'unknown', '-'))[1]
