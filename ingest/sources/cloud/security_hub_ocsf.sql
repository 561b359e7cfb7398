-- name: security_hub_ocsf
-- reads: json
-- class: compliance_finding vulnerability_finding detection_finding data_security_finding
-- product: AWS / Security Hub
-- sniff: "class_uid"\s*:\s*200[2346]\b
-- sniff: "finding_info"\s*:
-- sniff: securityhub
-- https://docs.aws.amazon.com/securityhub/latest/userguide/security-hub-adv-findings.html
-- The findings of Security Hub since 2025, which are OCSF 1.x already: alone, in Findings as
-- GetFindingsV2 answers, or in EventBridge's detail. What is read here keeps its place; a member that
-- is not read, or has another form in OCSF 1.8.0, is kept unmapped.
WITH findings AS (
  SELECT position, ingested_at, unnest(coalesce(
    nullif(json_extract(doc, '$.Findings[*]'), []),
    nullif(json_extract(doc, '$.detail.findings[*]'), []), [doc])) AS doc
  FROM raw
),
parsed AS (
  SELECT *, from_json(doc, '{
    "class_uid": "INTEGER", "activity_id": "INTEGER", "severity_id": "INTEGER",
    "status_id": "INTEGER", "time": "BIGINT", "message": "VARCHAR", "comment": "VARCHAR",
    "confidence_score": "INTEGER", "confidence_id": "INTEGER",
    "metadata": {"uid": "VARCHAR", "event_code": "VARCHAR", "labels": ["VARCHAR"],
      "product": {"uid": "VARCHAR", "name": "VARCHAR", "vendor_name": "VARCHAR",
        "version": "VARCHAR", "feature": {"uid": "VARCHAR", "name": "VARCHAR"}}},
    "cloud": {"provider": "VARCHAR", "region": "VARCHAR", "cloud_partition": "VARCHAR",
      "account": {"uid": "VARCHAR", "name": "VARCHAR"}},
    "finding_info": {"uid": "VARCHAR", "title": "VARCHAR", "desc": "VARCHAR", "types": ["VARCHAR"],
      "created_time": "BIGINT", "modified_time": "BIGINT", "first_seen_time": "BIGINT",
      "last_seen_time": "BIGINT", "src_url": "VARCHAR",
      "analytic": {"uid": "VARCHAR", "name": "VARCHAR", "type_id": "INTEGER"}},
    "compliance": {"control": "VARCHAR", "standards": ["VARCHAR"], "requirements": ["VARCHAR"],
      "status_id": "INTEGER", "status_code": "VARCHAR", "status_details": ["VARCHAR"]},
    "remediation": {"desc": "VARCHAR", "references": ["VARCHAR"]},
    "resources": [{"uid": "VARCHAR", "uid_alt": "VARCHAR", "name": "VARCHAR", "type": "VARCHAR",
      "region": "VARCHAR", "cloud_partition": "VARCHAR",
      "owner": {"account": {"uid": "VARCHAR", "name": "VARCHAR"}},
      "tags": [{"name": "VARCHAR", "value": "VARCHAR"}]}],
    "vulnerabilities": [{"title": "VARCHAR", "desc": "VARCHAR", "severity": "VARCHAR",
      "vendor_name": "VARCHAR", "is_fix_available": "BOOLEAN", "is_exploit_available": "BOOLEAN",
      "references": ["VARCHAR"], "related_vulnerabilities": ["VARCHAR"],
      "cve": {"uid": "VARCHAR", "created_time": "BIGINT", "modified_time": "BIGINT",
        "epss": {"score": "VARCHAR"},
        "cvss": [{"base_score": "DOUBLE", "version": "VARCHAR", "vector_string": "VARCHAR"}]},
      "affected_packages": [{"name": "VARCHAR", "version": "VARCHAR", "architecture": "VARCHAR",
        "release": "VARCHAR", "fixed_in_version": "VARCHAR", "package_manager": "VARCHAR",
        "path": "VARCHAR"}]}]}') AS f
  FROM findings
),
classed AS (
  SELECT *, MAP {2002: 'vulnerability_finding', 2003: 'compliance_finding',
    2004: 'detection_finding', 2006: 'data_security_finding'}[f.class_uid] AS class_name
  FROM parsed
)
SELECT
  position,
  ingested_at,
  any_time(f."time")                                       AS "time",
  coalesce(class_name, 'detection_finding')                AS class_name,
  coalesce(f.activity_id, 0)                               AS activity_id,
  coalesce(f.severity_id, 0)                               AS severity_id,
  f.status_id                                              AS status_id,
  coalesce(f.message, f.finding_info.title)                AS message,
  f.comment                                                AS comment,
  f.confidence_id                                          AS confidence_id,
  f.confidence_score                                       AS confidence_score,
  f.metadata                                               AS metadata,
  {'provider': coalesce(f.cloud.provider, 'AWS'), 'region': f.cloud.region,
   'cloud_partition': f.cloud.cloud_partition,
   'account': CASE WHEN f.cloud.account.uid IS NOT NULL THEN f.cloud.account END} AS cloud,
  {'region': f.cloud.region, 'account': f.cloud.account.uid} AS workload,
  {'uid': f.finding_info.uid, 'title': f.finding_info.title, 'desc': f.finding_info."desc",
   'types': f.finding_info.types, 'created_time': f.finding_info.created_time,
   'modified_time': f.finding_info.modified_time,
   'first_seen_time': f.finding_info.first_seen_time,
   'last_seen_time': f.finding_info.last_seen_time, 'src_url': f.finding_info.src_url,
   'analytic': CASE WHEN f.finding_info.analytic.type_id IS NOT NULL
     THEN f.finding_info.analytic END}                     AS finding_info,
  CASE WHEN class_name = 'compliance_finding' THEN f.compliance END AS compliance,
  CASE WHEN class_name IN ('compliance_finding', 'detection_finding')
    AND f.remediation."desc" IS NOT NULL THEN f.remediation END AS remediation,
  nullif(list_filter(f.resources, lambda r: coalesce(r.uid, r.name) IS NOT NULL), []) AS resources,
  CASE WHEN class_name IN ('vulnerability_finding', 'detection_finding') THEN
    nullif(list_transform(list_filter(f.vulnerabilities, lambda v: v.cve.uid IS NOT NULL),
      lambda v: {'title': v.title, 'desc': v."desc", 'severity': v.severity,
        'vendor_name': v.vendor_name, 'is_fix_available': v.is_fix_available,
        'is_exploit_available': v.is_exploit_available, 'references': v."references",
        'related_vulnerabilities': v.related_vulnerabilities,
        'cve': {'uid': v.cve.uid, 'created_time': v.cve.created_time,
          'modified_time': v.cve.modified_time,
          'epss': CASE WHEN v.cve.epss.score IS NOT NULL THEN v.cve.epss END,
          'cvss': list_filter(v.cve.cvss,
            lambda c: c.base_score IS NOT NULL AND c."version" IS NOT NULL)},
        'affected_packages': list_filter(v.affected_packages,
          lambda p: p.name IS NOT NULL AND p."version" IS NOT NULL)}), []) END AS vulnerabilities,
  remaining(doc, '{"class_uid": null, "class_name": null, "category_uid": null,
    "category_name": null, "type_uid": null, "type_name": null, "activity_id": null,
    "activity_name": null, "severity_id": null, "severity": null, "status_id": null,
    "time": null, "message": null, "comment": null, "confidence_score": null,
    "confidence_id": null, "metadata": {"uid": null, "event_code": null, "labels": null,
      "product": {"uid": null, "name": null, "vendor_name": null, "version": null,
        "feature": {"uid": null, "name": null}}},
    "cloud": {"provider": null, "region": null, "cloud_partition": null, "account": {"uid": null,
      "name": null}},
    "finding_info": {"uid": null, "title": null, "desc": null, "types": null,
      "created_time": null, "modified_time": null, "first_seen_time": null,
      "last_seen_time": null, "src_url": null}}')          AS unmapped,
  CASE
    WHEN json_array_length(doc, '$.Findings') = 0 THEN ''
    WHEN class_name IS NULL OR f.finding_info.uid IS NULL
      THEN 'the document is no finding in OCSF of a class that Security Hub has'
    WHEN class_name = 'compliance_finding'
      AND json_type(doc, '$.compliance') IS DISTINCT FROM 'OBJECT'
      THEN 'the finding of compliance states none'
    WHEN class_name = 'vulnerability_finding'
      AND coalesce(len(list_filter(f.vulnerabilities, lambda v: v.cve.uid IS NOT NULL)), 0) = 0
      THEN 'the vulnerability finding names no CVE'
  END                                                      AS problem
FROM classed
