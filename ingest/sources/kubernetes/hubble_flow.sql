-- name: hubble_flow
-- reads: json
-- class: network_activity dns_activity http_activity
-- product: Cilium / Hubble
-- sniff: "verdict"\s*:\s*"(?:FORWARDED|DROPPED|ERROR|AUDIT|REDIRECTED|TRACED|TRANSLATED|VERDICT_UNKNOWN)"
-- sniff: "(?:traffic_direction|event_type|IP|Type)"\s*:
-- https://docs.cilium.io/en/stable/_api/v1/flow/README/
-- `hubble observe -o json|jsonpb` and Cilium's exporter: {"flow": ...}, or the flow alone as -o
-- json of Hubble before 0.8 has it. A flow of DNS is a dns_activity; an answer in HTTP, or a
-- request that was dropped, an http_activity (so that each request counts once); all else a
-- network_activity. Of an answer the source is who asked. The workload of HTTP is who was asked, of
-- all else the source, or who receives from outside the cluster.
WITH flows AS (
  SELECT position, ingested_at, doc, coalesce(doc->'$.flow', doc) AS flow
  FROM raw
),
parsed AS (
  SELECT *,
    from_json(flow, '{"time": "VARCHAR", "uuid": "VARCHAR", "verdict": "VARCHAR",
      "drop_reason_desc": "VARCHAR", "IP": {"source": "VARCHAR", "destination": "VARCHAR",
        "ipVersion": "VARCHAR"},
      "ethernet": {"source": "VARCHAR", "destination": "VARCHAR"},
      "l4": {"TCP": {"source_port": "INTEGER", "destination_port": "INTEGER", "flags": "JSON"},
        "UDP": {"source_port": "INTEGER", "destination_port": "INTEGER"},
        "SCTP": {"source_port": "INTEGER", "destination_port": "INTEGER"},
        "ICMPv4": "JSON", "ICMPv6": "JSON"},
      "source": {"cluster_name": "VARCHAR", "namespace": "VARCHAR", "pod_name": "VARCHAR",
        "labels": ["VARCHAR"], "workloads": [{"name": "VARCHAR", "kind": "VARCHAR"}]},
      "destination": {"cluster_name": "VARCHAR", "namespace": "VARCHAR", "pod_name": "VARCHAR",
        "labels": ["VARCHAR"], "workloads": [{"name": "VARCHAR", "kind": "VARCHAR"}]},
      "node_name": "VARCHAR", "source_names": ["VARCHAR"], "destination_names": ["VARCHAR"],
      "source_service": {"name": "VARCHAR", "namespace": "VARCHAR"},
      "destination_service": {"name": "VARCHAR", "namespace": "VARCHAR"},
      "traffic_direction": "VARCHAR", "Summary": "VARCHAR",
      "l7": {"type": "VARCHAR", "latency_ns": "BIGINT",
        "dns": {"query": "VARCHAR", "ips": ["VARCHAR"], "ttl": "BIGINT", "cnames": ["VARCHAR"],
          "rcode": "INTEGER", "qtypes": ["VARCHAR"], "rrtypes": ["VARCHAR"]},
        "http": {"code": "INTEGER", "method": "VARCHAR", "url": "VARCHAR",
          "protocol": "VARCHAR"}}}')
                                                           AS f
  FROM flows
),
sided AS (
  SELECT *,
    coalesce(f.l7.type = 'RESPONSE', false)                AS is_response,
    f.verdict IN ('DROPPED', 'ERROR')                      AS is_lost,
    CASE WHEN f.l7.dns IS NOT NULL THEN 'dns_activity'
      WHEN f.l7.http IS NOT NULL AND (is_response OR is_lost) THEN 'http_activity'
      ELSE 'network_activity' END                          AS class_name,
    [{'ip': nullif(f.IP.source, ''), 'mac': nullif(f.ethernet.source, ''),
      'port': coalesce(f.l4."TCP".source_port, f.l4."UDP".source_port, f.l4."SCTP".source_port),
      'hostname': f.source_names[1], 'svc_name': nullif(f.source_service.name, ''),
      'who': f.source, 'reports': f.traffic_direction = 'EGRESS'},
     {'ip': nullif(f.IP.destination, ''), 'mac': nullif(f.ethernet.destination, ''),
      'port': coalesce(f.l4."TCP".destination_port, f.l4."UDP".destination_port,
        f.l4."SCTP".destination_port),
      'hostname': f.destination_names[1], 'svc_name': nullif(f.destination_service.name, ''),
      'who': f.destination, 'reports': f.traffic_direction = 'INGRESS'}] AS sides,
    CASE WHEN is_response AND class_name <> 'network_activity' THEN sides[2] ELSE sides[1] END
                                                           AS asking,
    CASE WHEN is_response AND class_name <> 'network_activity' THEN sides[1] ELSE sides[2] END
                                                           AS asked,
    CASE WHEN f.l4."TCP" IS NOT NULL THEN 'tcp' WHEN f.l4."UDP" IS NOT NULL THEN 'udp'
      WHEN f.l4."SCTP" IS NOT NULL THEN 'sctp' WHEN f.l4."ICMPv4" IS NOT NULL THEN 'icmp'
      WHEN f.l4."ICMPv6" IS NOT NULL THEN 'ipv6-icmp' END  AS protocol
  FROM parsed
),
seen AS (
  SELECT *, CASE WHEN class_name = 'http_activity' OR coalesce(asking.who.pod_name, '') = ''
    THEN asked ELSE asking END                             AS speaker
  FROM sided
)
SELECT
  position,
  ingested_at,
  class_name,
  any_time(coalesce(f."time", doc->>'$.time'))             AS "time",
  CASE
    WHEN class_name = 'dns_activity' THEN CASE WHEN is_response THEN 2 ELSE 1 END
    WHEN class_name = 'http_activity' THEN http_activity_id(nullif(f.l7.http.method, ''))
    WHEN is_lost THEN 5
    WHEN f.l4."TCP".flags->>'$.RST' = 'true' THEN 3
    WHEN f.l4."TCP".flags->>'$.FIN' = 'true' THEN 2
    WHEN f.l4."TCP".flags->>'$.SYN' = 'true' THEN 1
    ELSE 6
  END                                                      AS activity_id,
  CASE WHEN is_lost THEN 3 ELSE 1 END                      AS severity_id,
  CASE
    WHEN is_lost OR f.l7.dns.rcode > 0 OR f.l7.http.code >= 400 THEN 2
    WHEN f.verdict IN ('FORWARDED', 'REDIRECTED', 'TRANSLATED') THEN 1 ELSE 0
  END                                                      AS status_id,
  nullif(f.drop_reason_desc, '')                           AS status_detail,
  CASE WHEN f.verdict IN ('FORWARDED', 'REDIRECTED', 'TRANSLATED') THEN 1
    WHEN f.verdict = 'DROPPED' THEN 2 WHEN f.verdict IN ('AUDIT', 'TRACED') THEN 3 ELSE 0 END
                                                           AS action_id,
  CASE WHEN f.verdict IN ('FORWARDED', 'REDIRECTED', 'TRANSLATED') THEN 1
    WHEN f.verdict = 'DROPPED' THEN 6 ELSE 0 END           AS disposition_id,
  concat_ws(' ', lower(f.verdict), endpoint_name(asking), 'to', endpoint_name(asked))
    || coalesce(': ' || nullif(concat_ws(', ', nullif(f.drop_reason_desc, ''),
      nullif(f.Summary, '')), ''), '')
                                                           AS message,
  {'uid': nullif(f.uuid, '')}                              AS metadata,
  {'service': speaker.who.workloads[1].name, 'pod': speaker.who.pod_name,
   'namespace': speaker.who.namespace, 'cluster': speaker.who.cluster_name,
   'node': CASE WHEN speaker.reports THEN regexp_extract(f.node_name, '[^/]*$') END} AS workload,
  f.l7.latency_ns // 1000000                               AS duration,
  {'ip': asking.ip, 'port': asking.port, 'mac': asking.mac, 'hostname': asking.hostname,
   'svc_name': asking.svc_name, 'name': nullif(asking.who.pod_name, '')} AS src_endpoint,
  {'ip': asked.ip, 'port': asked.port, 'mac': asked.mac, 'hostname': asked.hostname,
   'svc_name': asked.svc_name, 'name': nullif(asked.who.pod_name, '')} AS dst_endpoint,
  CASE WHEN class_name <> 'http_activity' THEN {
   'direction_id': CASE f.traffic_direction WHEN 'INGRESS' THEN 1 WHEN 'EGRESS' THEN 2 ELSE 0 END,
   'protocol_name': protocol,
   'protocol_num': MAP {'tcp': 6, 'udp': 17, 'sctp': 132, 'icmp': 1, 'ipv6-icmp': 58}[protocol],
   'protocol_ver_id': CASE f.IP.ipVersion WHEN 'IPv4' THEN 4 WHEN 'IPv6' THEN 6 ELSE 0 END}
  END                                                      AS connection_info,
  CASE WHEN class_name = 'dns_activity' THEN
    {'hostname': coalesce(nullif(rtrim(f.l7.dns.query, '.'), ''), '.'),
     'type': f.l7.dns.qtypes[1]} END                       AS query,
  CASE WHEN is_response AND class_name = 'dns_activity' THEN nullif(list_concat(
    list_transform(f.l7.dns.cnames, lambda c: {'rdata': c, 'type': 'CNAME', 'ttl': f.l7.dns.ttl}),
    list_transform(f.l7.dns.ips, lambda i: {'rdata': i,
      'type': CASE WHEN contains(i, ':') THEN 'AAAA' ELSE 'A' END, 'ttl': f.l7.dns.ttl})), []) END
                                                           AS answers,
  CASE WHEN is_response AND class_name = 'dns_activity'
    THEN known_rcode(coalesce(f.l7.dns.rcode, 0)) END     AS rcode_id,
  CASE WHEN class_name = 'http_activity' THEN
    {'http_method': nullif(f.l7.http.method, ''), 'version': nullif(f.l7.http.protocol, ''),
     'url': {'path': coalesce(nullif(regexp_extract(f.l7.http.url,
         '^(?:[a-z]+://[^/?]*)?([^?]*)', 1), ''), '/'),
       'query_string': nullif(regexp_extract(f.l7.http.url, '\?(.*)$', 1), '')}} END
                                                           AS http_request,
  CASE WHEN class_name = 'http_activity' AND f.l7.http.code > 0
    THEN {'code': f.l7.http.code} END                      AS http_response,
  filled({
    'node_name': coalesce(f.node_name, doc->>'$.node_name'), 'verdict': f.verdict,
    'direction': f.traffic_direction,
    'flow': json_merge_patch(flow, '{"time": null, "uuid": null, "verdict": null, "IP": null,
      "ethernet": null, "drop_reason_desc": null, "node_name": null, "source_names": null,
      "destination_names": null, "traffic_direction": null, "Summary": null}')}) AS unmapped,
  CASE
    WHEN f.verdict IS NULL THEN 'the document is no flow of Hubble'
    WHEN f.IP.source IS NULL AND f.source.pod_name IS NULL THEN 'the flow has no addresses'
  END                                                      AS problem
FROM seen
