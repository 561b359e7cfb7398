-- name: security_hub
-- reads: json
-- class: compliance_finding vulnerability_finding detection_finding
-- product: AWS / Security Hub
-- sniff: "SchemaVersion"\s*:
-- sniff: "ProductArn"\s*:
-- sniff: "GeneratorId"\s*:
-- https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html
-- The AWS Security Finding Format 2018-10-08: findings alone, in Findings as GetFindings answers,
-- or in EventBridge's detail. What states compliance is a compliance finding, what lists
-- vulnerabilities one of those, everything else a detection.
WITH findings AS (
  SELECT position, ingested_at, unnest(coalesce(
    nullif(json_extract(doc, '$.Findings[*]'), []),
    nullif(json_extract(doc, '$.detail.findings[*]'), []), [doc])) AS doc
  FROM raw
),
parsed AS (
  SELECT *, from_json(doc, '{
    "SchemaVersion": "VARCHAR", "Id": "VARCHAR", "ProductArn": "VARCHAR", "ProductName": "VARCHAR",
    "Region": "VARCHAR", "GeneratorId": "VARCHAR", "AwsAccountId": "VARCHAR",
    "AwsAccountName": "VARCHAR", "Types": ["VARCHAR"], "FirstObservedAt": "VARCHAR",
    "LastObservedAt": "VARCHAR", "CreatedAt": "VARCHAR", "UpdatedAt": "VARCHAR",
    "Severity": {"Label": "VARCHAR", "Normalized": "DOUBLE"}, "Confidence": "INTEGER",
    "Title": "VARCHAR", "Description": "VARCHAR", "SourceUrl": "VARCHAR", "RecordState": "VARCHAR",
    "Remediation": {"Recommendation": {"Text": "VARCHAR", "Url": "VARCHAR"}},
    "Note": {"Text": "VARCHAR"},
    "RelatedFindings": [{"ProductArn": "VARCHAR", "Id": "VARCHAR"}],
    "Workflow": {"Status": "VARCHAR"},
    "Compliance": {"Status": "VARCHAR", "RelatedRequirements": ["VARCHAR"],
      "SecurityControlId": "VARCHAR", "AssociatedStandards": [{"StandardsId": "VARCHAR"}],
      "StatusReasons": [{"ReasonCode": "VARCHAR", "Description": "VARCHAR"}]},
    "Malware": [{"Name": "VARCHAR", "Type": "VARCHAR", "Path": "VARCHAR"}],
    "Process": {"Name": "VARCHAR", "Path": "VARCHAR", "Pid": "INTEGER", "ParentPid": "INTEGER",
      "LaunchedAt": "VARCHAR", "TerminatedAt": "VARCHAR"},
    "Network": {"Direction": "VARCHAR", "Protocol": "VARCHAR", "SourceIpV4": "VARCHAR",
      "SourceIpV6": "VARCHAR", "SourcePort": "INTEGER", "SourceDomain": "VARCHAR",
      "SourceMac": "VARCHAR", "DestinationIpV4": "VARCHAR", "DestinationIpV6": "VARCHAR",
      "DestinationPort": "INTEGER", "DestinationDomain": "VARCHAR"},
    "Resources": [{"Type": "VARCHAR", "Id": "VARCHAR", "Partition": "VARCHAR", "Region": "VARCHAR",
      "ResourceRole": "VARCHAR", "Tags": "MAP(VARCHAR, VARCHAR)", "Details": "JSON"}],
    "Vulnerabilities": [{"Id": "VARCHAR", "EpssScore": "VARCHAR", "FixAvailable": "VARCHAR",
      "ExploitAvailable": "VARCHAR", "ReferenceUrls": ["VARCHAR"],
      "RelatedVulnerabilities": ["VARCHAR"],
      "Cvss": [{"BaseScore": "DOUBLE", "BaseVector": "VARCHAR", "Version": "VARCHAR",
        "Source": "VARCHAR"}],
      "Vendor": {"Name": "VARCHAR", "Url": "VARCHAR", "VendorCreatedAt": "VARCHAR",
        "VendorUpdatedAt": "VARCHAR"},
      "VulnerablePackages": [{"Name": "VARCHAR", "Version": "VARCHAR", "Epoch": "VARCHAR",
        "Release": "VARCHAR", "Architecture": "VARCHAR", "PackageManager": "VARCHAR",
        "FilePath": "VARCHAR", "FixedInVersion": "VARCHAR"}]}]}') AS f
  FROM findings
),
classed AS (
  SELECT *,
    CASE WHEN f."Compliance"."Status" IS NOT NULL THEN 'compliance_finding'
      WHEN f."Vulnerabilities"[1]."Id" IS NOT NULL THEN 'vulnerability_finding'
      ELSE 'detection_finding' END                         AS class_name,
    list_transform(list_filter(f."Vulnerabilities", lambda v: v."Id" IS NOT NULL), lambda v: {
      'cve': {'uid': v."Id", 'created_time': time_ms(v."Vendor"."VendorCreatedAt"),
        'modified_time': time_ms(v."Vendor"."VendorUpdatedAt"),
        'epss': CASE WHEN v."EpssScore" IS NOT NULL THEN {'score': v."EpssScore"} END,
        'cvss': list_transform(list_filter(v."Cvss",
          lambda c: c."BaseScore" IS NOT NULL AND c."Version" IS NOT NULL), lambda c:
          {'base_score': c."BaseScore", 'vector_string': c."BaseVector", 'version': c."Version",
           'vendor_name': c."Source"})},
      'references': v."ReferenceUrls", 'related_vulnerabilities': v."RelatedVulnerabilities",
      'vendor_name': v."Vendor"."Name",
      'kb_article_list': CASE WHEN v."Vendor"."Url" IS NOT NULL
        THEN [{'src_url': v."Vendor"."Url"}] END,
      'is_fix_available': v."FixAvailable" IN ('YES', 'PARTIAL'),
      'is_exploit_available': v."ExploitAvailable" = 'YES',
      'affected_packages': list_transform(list_filter(v."VulnerablePackages",
        lambda p: p."Name" IS NOT NULL), lambda p: {'name': p."Name",
          'version': coalesce(p."Version", ''), 'architecture': p."Architecture",
          'epoch': try_cast(p."Epoch" AS INT), 'release': p."Release", 'path': p."FilePath",
          'package_manager': p."PackageManager", 'fixed_in_version': p."FixedInVersion"})})
                                                           AS vulnerabilities
  FROM parsed
)
SELECT
  position,
  ingested_at,
  any_time(coalesce(f."UpdatedAt", f."LastObservedAt", f."CreatedAt")) AS "time",
  coalesce(f."UpdatedAt", f."LastObservedAt", f."CreatedAt") AS time_dt,
  class_name,
  CASE WHEN f."RecordState" = 'ARCHIVED' THEN 3
    WHEN f."CreatedAt" = f."UpdatedAt" THEN 1 ELSE 2 END   AS activity_id,
  CASE
    WHEN f."Severity"."Label" IS NOT NULL THEN alert_severity_id(
      CASE f."Severity"."Label" WHEN 'INFORMATIONAL' THEN 'info' ELSE f."Severity"."Label" END)
    WHEN f."Severity"."Normalized" >= 90 THEN 5 WHEN f."Severity"."Normalized" >= 70 THEN 4
    WHEN f."Severity"."Normalized" >= 40 THEN 3 WHEN f."Severity"."Normalized" >= 1 THEN 2
    WHEN f."Severity"."Normalized" = 0 THEN 1 ELSE 0
  END                                                      AS severity_id,
  CASE WHEN f."RecordState" = 'ARCHIVED' AND f."Workflow"."Status" <> 'RESOLVED' THEN 5
    ELSE CASE f."Workflow"."Status" WHEN 'NEW' THEN 1 WHEN 'NOTIFIED' THEN 2
      WHEN 'SUPPRESSED' THEN 3 WHEN 'RESOLVED' THEN 4 ELSE 0 END
  END                                                      AS status_id,
  f."Title"                                                AS message,
  f."Note"."Text"                                          AS comment,
  f."Confidence"                                           AS confidence_score,
  {'product': {'uid': f."ProductArn", 'version': f."SchemaVersion",
    'feature': {'name': f."ProductName", 'uid': f."GeneratorId"}}} AS metadata,
  {'provider': 'AWS', 'region': f."Region",
   'account': {'uid': f."AwsAccountId", 'name': f."AwsAccountName"}} AS cloud,
  {'region': f."Region", 'account': f."AwsAccountId",
   'instance': regexp_extract(CASE WHEN f."Resources"[1]."Type" = 'AwsEc2Instance'
     THEN f."Resources"[1]."Id" END, '[^/]*$')}            AS workload,
  {'uid': f."Id", 'title': f."Title", 'desc': f."Description", 'types': f."Types",
   'created_time': time_ms(f."CreatedAt"), 'modified_time': time_ms(f."UpdatedAt"),
   'first_seen_time': time_ms(f."FirstObservedAt"), 'last_seen_time': time_ms(f."LastObservedAt"),
   'src_url': f."SourceUrl",
   'related_events': nullif(list_transform(list_filter(f."RelatedFindings",
     lambda r: r."Id" IS NOT NULL), lambda r: {'uid': r."Id", 'product_uid': r."ProductArn",
       'product': CASE WHEN r."ProductArn" IS NOT NULL THEN {'uid': r."ProductArn"} END}), [])}
                                                           AS finding_info,
  CASE WHEN class_name = 'compliance_finding' THEN {
    'status_id': CASE f."Compliance"."Status"
      WHEN 'PASSED' THEN 1 WHEN 'WARNING' THEN 2 WHEN 'FAILED' THEN 3 ELSE 99 END,
    'status': CASE WHEN f."Compliance"."Status" NOT IN ('PASSED', 'WARNING', 'FAILED')
      THEN f."Compliance"."Status" END,
    'status_code': f."Compliance"."StatusReasons"[1]."ReasonCode",
    'status_detail': f."Compliance"."StatusReasons"[1]."Description",
    'status_details': nullif(list_filter(list_transform(f."Compliance"."StatusReasons",
      lambda r: r."Description"), lambda d: d IS NOT NULL), []),
    'requirements': f."Compliance"."RelatedRequirements",
    'control': f."Compliance"."SecurityControlId",
    'standards': nullif(list_filter(list_transform(f."Compliance"."AssociatedStandards",
      lambda s: s."StandardsId"), lambda s: s IS NOT NULL), [])}
  END                                                      AS compliance,
  CASE WHEN class_name <> 'vulnerability_finding' AND f."Remediation"."Recommendation" IS NOT NULL
    THEN {'desc': coalesce(f."Remediation"."Recommendation"."Text", ''),
      'references': CASE WHEN f."Remediation"."Recommendation"."Url" IS NOT NULL
        THEN [f."Remediation"."Recommendation"."Url"] END,
      'kb_articles': CASE WHEN f."Remediation"."Recommendation"."Url" IS NOT NULL
        THEN [f."Remediation"."Recommendation"."Url"] END}
  END                                                      AS remediation,
  CASE WHEN class_name <> 'compliance_finding' THEN nullif(vulnerabilities, []) END
                                                           AS vulnerabilities,
  nullif(list_transform(list_filter(f."Malware", lambda m: m."Name" IS NOT NULL), lambda m: {
    'name': m."Name", 'classification_ids': [security_hub_malware_id(m."Type")], 'path': m."Path"}), [])
                                                           AS malware,
  nullif(list_transform(list_filter(f."Resources", lambda r: r."Id" IS NOT NULL), lambda r: {
    'uid': r."Id", 'type': r."Type", 'region': r."Region", 'cloud_partition': r."Partition",
    'role_id': CASE r."ResourceRole" WHEN 'Target' THEN 1 WHEN 'Actor' THEN 2 END,
    'labels': list_transform(map_entries(r."Tags"), lambda t: t.key || '=' || t."value"),
    'tags': list_transform(map_entries(r."Tags"), lambda t: {'name': t.key, 'value': t."value"}),
    'data': r."Details"::VARCHAR}), [])                    AS resources,
  CASE WHEN class_name <> 'vulnerability_finding' THEN nullif(list_concat(
    CASE WHEN coalesce(f."Process"."Name", f."Process"."Path", f."Process"."Pid"::VARCHAR)
      IS NOT NULL THEN [{
      'process': {'name': f."Process"."Name", 'pid': f."Process"."Pid",
        'created_time': time_ms(f."Process"."LaunchedAt"),
        'terminated_time': time_ms(f."Process"."TerminatedAt"),
        'file': CASE WHEN f."Process"."Path" <> '' THEN {'path': f."Process"."Path", 'type_id': 1,
          'name': regexp_extract(f."Process"."Path", '[^/\\]*$')} END,
        'parent_process': CASE WHEN f."Process"."ParentPid" IS NOT NULL
          THEN {'pid': f."Process"."ParentPid"} END},
      'src_endpoint': NULL, 'dst_endpoint': NULL, 'connection_info': NULL}] END,
    CASE WHEN f."Network"."Direction" IS NOT NULL THEN [{
      'process': NULL,
      'src_endpoint': {'ip': coalesce(f."Network"."SourceIpV4", f."Network"."SourceIpV6"),
        'port': f."Network"."SourcePort", 'domain': f."Network"."SourceDomain"},
      'dst_endpoint': {'ip': coalesce(f."Network"."DestinationIpV4", f."Network"."DestinationIpV6"),
        'port': f."Network"."DestinationPort", 'domain': f."Network"."DestinationDomain"},
      'connection_info': {'protocol_name': f."Network"."Protocol",
        'direction_id': CASE f."Network"."Direction" WHEN 'IN' THEN 1 WHEN 'OUT' THEN 2 ELSE 0
        END}}] END), [])
  END                                                      AS evidences,
  remaining(doc, '{"SchemaVersion": null, "Id": null, "ProductArn": null, "ProductName": null,
    "Region": null, "GeneratorId": null, "AwsAccountId": null, "AwsAccountName": null,
    "Types": null, "FirstObservedAt": null, "LastObservedAt": null, "CreatedAt": null,
    "UpdatedAt": null, "Title": null, "Description": null, "SourceUrl": null, "Confidence": null,
    "RelatedFindings": null, "Resources": null, "Note": {"Text": null}}') AS unmapped,
  CASE
    WHEN json_array_length(doc, '$.Findings') = 0 THEN ''
    WHEN f."Id" IS NULL OR f."ProductArn" IS NULL
      THEN 'the document is no finding in the AWS Security Finding Format'
  END                                                      AS problem
FROM classed
