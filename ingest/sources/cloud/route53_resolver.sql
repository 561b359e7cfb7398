-- name: route53_resolver
-- reads: json
-- class: dns_activity
-- product: AWS / Route 53
-- sniff: "query_timestamp"\s*:
-- sniff: "vpc_id"\s*:
-- https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html
-- Resolver query logs of version 1, with DNS Firewall and DNS64; alone, one a line, or as a
-- subscription to CloudWatch Logs delivers them.
WITH documents AS (
  SELECT position, ingested_at, unnest(coalesce(
    nullif(json_extract_string(doc, '$.logEvents[*].message')::JSON[], []), [doc])) AS doc
  FROM raw
),
queries AS (
  SELECT *, from_json(doc, '{
    "version": "VARCHAR", "account_id": "VARCHAR", "region": "VARCHAR", "vpc_id": "VARCHAR",
    "query_timestamp": "VARCHAR", "query_name": "VARCHAR", "query_type": "VARCHAR",
    "query_class": "VARCHAR", "rcode": "VARCHAR", "srcaddr": "VARCHAR", "srcport": "VARCHAR",
    "transport": "VARCHAR", "firewall_rule_action": "VARCHAR", "firewall_rule_group_id": "VARCHAR",
    "answers": [{"Rdata": "VARCHAR", "Type": "VARCHAR", "Class": "VARCHAR"}],
    "srcids": {"instance": "VARCHAR", "resolver_endpoint": "VARCHAR",
      "resolver_network_interface": "VARCHAR"}}') AS q
  FROM documents
)
SELECT
  position,
  ingested_at,
  any_time(q.query_timestamp)                              AS "time",
  q.query_timestamp                                        AS time_dt,
  6                                                        AS activity_id,
  1                                                        AS severity_id,
  CASE q.firewall_rule_action WHEN 'BLOCK' THEN 2 WHEN 'ALLOW' THEN 1 WHEN 'ALERT' THEN 1 END
                                                           AS action_id,
  CASE q.firewall_rule_action WHEN 'BLOCK' THEN 2 WHEN 'ALLOW' THEN 1 WHEN 'ALERT' THEN 19 END
                                                           AS disposition_id,
  {'product': {'version': q."version", 'feature': {'name': 'Resolver Query Logs'}}} AS metadata,
  {'provider': 'AWS', 'region': q.region, 'account': {'uid': q.account_id}} AS cloud,
  {'instance': q.srcids.instance, 'region': q.region, 'account': q.account_id} AS workload,
  {'ip': q.srcaddr, 'port': try_cast(q.srcport AS INT), 'vpc_uid': q.vpc_id,
   'instance_uid': q.srcids.instance}                      AS src_endpoint,
  {'instance_uid': q.srcids.resolver_endpoint,
   'interface_uid': q.srcids.resolver_network_interface}   AS dst_endpoint,
  {'protocol_name': q.transport, 'direction_id': 0}        AS connection_info,
  {'hostname': q.query_name, 'type': q.query_type, 'class': q.query_class} AS query,
  nullif(list_transform(list_filter(q.answers, lambda a: a."Rdata" IS NOT NULL), lambda a:
    {'rdata': a."Rdata", 'type': a."Type", 'class': a."Class"}), []) AS answers,
  dns_rcode_id(q.rcode)                                    AS rcode_id,
  CASE WHEN dns_rcode_id(q.rcode) = 99 THEN q.rcode END    AS rcode,
  {'uid': q.firewall_rule_group_id}                        AS firewall_rule,
  remaining(doc, '{"version": null, "account_id": null, "region": null, "vpc_id": null,
    "query_timestamp": null, "query_name": null, "query_type": null, "query_class": null,
    "rcode": null, "srcaddr": null, "srcport": null, "transport": null, "answers": null,
    "firewall_rule_group_id": null, "srcids": {"instance": null, "resolver_endpoint": null,
      "resolver_network_interface": null}}')               AS unmapped,
  CASE WHEN q.query_name IS NULL OR q.srcaddr IS NULL
    THEN 'the document is no query that Route 53 Resolver logs' END AS problem
FROM queries
