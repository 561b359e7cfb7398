-- name: aws_waf
-- reads: json
-- class: http_activity
-- product: AWS / AWS WAF
-- sniff: "webaclId"\s*:
-- sniff: "terminatingRuleId"\s*:
-- https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html
-- Format version 1 of AWS WAF and WAF Classic. As in Security Lake, the source endpoint names the
-- resource that the request came by. TLS's version is the one that the JA4 fingerprint tells.
WITH requests AS (
  SELECT position, ingested_at, doc, from_json(doc, '{
    "timestamp": "VARCHAR", "formatVersion": "VARCHAR", "webaclId": "VARCHAR",
    "terminatingRuleId": "VARCHAR", "terminatingRuleType": "VARCHAR", "action": "VARCHAR",
    "httpSourceName": "VARCHAR", "httpSourceId": "VARCHAR", "responseCodeSent": "VARCHAR",
    "ja3Fingerprint": "VARCHAR", "ja4Fingerprint": "VARCHAR", "clientAsn": "VARCHAR",
    "labels": [{"name": "VARCHAR"}],
    "terminatingRuleMatchDetails": [{"conditionType": "VARCHAR", "sensitivityLevel": "VARCHAR",
      "location": "VARCHAR", "matchedData": ["VARCHAR"]}],
    "rateBasedRuleList": [{"rateBasedRuleName": "VARCHAR", "maxRateAllowed": "VARCHAR"}],
    "httpRequest": {"clientIp": "VARCHAR", "country": "VARCHAR", "uri": "VARCHAR",
      "args": "VARCHAR", "httpVersion": "VARCHAR", "httpMethod": "VARCHAR", "requestId": "VARCHAR",
      "scheme": "VARCHAR", "host": "VARCHAR", "headers": [{"name": "VARCHAR", "value": "VARCHAR"}]}
    }') AS r
  FROM raw
),
told AS (
  SELECT *,
    arn_parts(r."webaclId")                                AS acl,
    r."terminatingRuleMatchDetails"[1]                     AS found,
    r."rateBasedRuleList"[1]                               AS rate,
    regexp_extract(r."ja4Fingerprint", '^[tqd](\d\d)', 1)  AS tls_version
  FROM requests
)
SELECT
  position,
  ingested_at,
  any_time(r."timestamp")                                  AS "time",
  iso_time(any_time(r."timestamp"))                        AS time_dt,
  http_activity_id(r."httpRequest"."httpMethod")           AS activity_id,
  1                                                        AS severity_id,
  CASE r.action WHEN 'ALLOW' THEN 1 WHEN 'COUNT' THEN 3 ELSE 2 END AS action_id,
  CASE r.action WHEN 'ALLOW' THEN 1 WHEN 'BLOCK' THEN 2 WHEN 'COUNT' THEN 20
    WHEN 'CAPTCHA' THEN 22 WHEN 'CHALLENGE' THEN 23 ELSE 0 END AS disposition_id,
  {'labels': nullif(list_transform(r.labels, lambda l: l.name), []),
   'product': {'version': r."formatVersion", 'feature': {'uid': r."webaclId"}}} AS metadata,
  {'provider': 'AWS', 'region': nullif(acl.region, ''),
   'account': {'uid': nullif(acl.account, '')}}            AS cloud,
  {'region': nullif(acl.region, ''), 'account': nullif(acl.account, '')} AS workload,
  {'ip': r."httpRequest"."clientIp", 'svc_name': given(r."httpSourceName"),
   'uid': given(r."httpSourceId"),
   'location': {'country': given(r."httpRequest".country)},
   'autonomous_system': {'number': try_cast(r."clientAsn" AS INT)}} AS src_endpoint,
  {'uid': r."httpRequest"."requestId",
   'http_method': CASE WHEN http_activity_id(r."httpRequest"."httpMethod") <> 99
     THEN r."httpRequest"."httpMethod" END,
   'version': r."httpRequest"."httpVersion", 'args': nullif(r."httpRequest".args, ''),
   'user_agent': header_value(r."httpRequest".headers, 'user-agent'),
   'referrer': header_value(r."httpRequest".headers, 'referer'),
   'x_forwarded_for': nullif(list_filter(string_split_regex(
     header_value(r."httpRequest".headers, 'x-forwarded-for'), ',\s*'), lambda a: is_ip(a)), []),
   'http_headers': nullif(list_filter(r."httpRequest".headers,
     lambda h: h.name IS NOT NULL AND h."value" IS NOT NULL), []),
   'url': {'hostname': coalesce(header_value(r."httpRequest".headers, 'host'),
       nullif(r."httpRequest".host, '')),
     'path': r."httpRequest".uri, 'query_string': nullif(r."httpRequest".args, ''),
     'scheme': nullif(r."httpRequest".scheme, '')}}        AS http_request,
  {'code': try_cast(r."responseCodeSent" AS INT)}          AS http_response,
  {'uid': r."terminatingRuleId", 'type': r."terminatingRuleType",
   'name': rate."rateBasedRuleName", 'rate_limit': try_cast(rate."maxRateAllowed" AS INT),
   'condition': nullif(found."conditionType", ''),
   'sensitivity': nullif(found."sensitivityLevel", ''),
   'match_location': nullif(found."location", ''), 'match_details': found."matchedData"}
                                                           AS firewall_rule,
  CASE WHEN r."ja4Fingerprint" <> '' THEN [{'type_id': 1, 'value': r."ja4Fingerprint"}] END
                                                           AS ja4_fingerprint_list,
  CASE WHEN tls_version <> '' THEN {
    'version': tls_version[1] || '.' || tls_version[2],
    'ja3_hash': CASE WHEN r."ja3Fingerprint" <> '' THEN
      {'algorithm_id': 1, 'value': r."ja3Fingerprint"} END} END AS tls,
  remaining(CASE WHEN http_activity_id(r."httpRequest"."httpMethod") <> 99
    THEN json_merge_patch(doc, '{"httpRequest": {"httpMethod": null}}') ELSE doc END, '{
    "timestamp": null, "formatVersion": null, "webaclId": null,
    "terminatingRuleId": null, "terminatingRuleType": null, "httpSourceName": null,
    "httpSourceId": null, "responseCodeSent": null, "ja4Fingerprint": null, "clientAsn": null,
    "labels": null, "httpRequest": {"clientIp": null, "country": null, "uri": null, "args": null,
      "httpVersion": null, "requestId": null, "scheme": null,
      "headers": null}}')                                  AS unmapped,
  CASE WHEN r."httpRequest"."clientIp" IS NULL OR r.action IS NULL
    THEN 'the document is no request that AWS WAF logs' END AS problem
FROM told
