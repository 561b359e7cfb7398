-- name: eks_inventory
-- reads: yaml
-- class: entity_management
-- product: AWS / EKS
-- sniff: "(?:addons?|insights?|cluster|serverVersion|server_version)"\s*:\s*[\[{]
-- sniff: "(?:addonVersion|addonName|platformVersion|kubernetesVersion|insightStatus|gitVersion|addons)"\s*:
-- https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html and its neighbours
-- What there is and in what version, as `aws eks describe-cluster`, `describe-addon`, `list-addons`,
-- `list-insights` and `describe-insight` answer and `kubectl version -o json` prints: an entity each,
-- of type cluster, addon or insight, with what is told of it in `data`. An insight that does not pass
-- is of severity 3 or 4. Without a time of its own it is as of the file's capture (`undated`).
WITH found AS (
  SELECT position, captured_at, ingested_at, 'cluster' AS type, doc->'$.cluster' AS one, doc
  FROM raw
  WHERE json_type(doc, '$.cluster') = 'OBJECT'
  UNION ALL
  SELECT position, captured_at, ingested_at, 'cluster', json_object('version',
    doc->>'$.serverVersion.gitVersion', 'client', doc->>'$.clientVersion.gitVersion', 'platform',
    doc->>'$.serverVersion.platform'), doc
  FROM raw
  WHERE json_type(doc, '$.serverVersion') = 'OBJECT'
  UNION ALL
  SELECT position, captured_at, ingested_at, 'addon', unnest(list_concat(CASE json_type(doc, '$.addon')
    WHEN 'OBJECT' THEN [doc->'$.addon'] END, doc->'$.addons[*]')), doc
  FROM raw
  UNION ALL
  SELECT position, captured_at, ingested_at, 'insight', unnest(list_concat(
    CASE json_type(doc, '$.insight') WHEN 'OBJECT' THEN [doc->'$.insight'] END,
    doc->'$.insights[*]')), doc
  FROM raw
),
named AS (
  SELECT *,
    coalesce(one->>'$.addonName', one->>'$.name', one->>'$.Name',
      CASE json_type(one) WHEN 'VARCHAR' THEN one->>'$' END, type) AS name,
    coalesce(one->>'$.addonVersion', one->>'$.version', one->>'$.Version',
      one->>'$.kubernetesVersion')                         AS version,
    coalesce(one->>'$.insightStatus.status', one->>'$.status', one->>'$.Status') AS state,
    CASE type WHEN 'cluster' THEN one->>'$.name'
      ELSE coalesce(one->>'$.clusterName', doc->>'$.clusterName') END AS cluster,
    coalesce(one->>'$.arn', one->>'$.addonArn')            AS arn,
    any_time(coalesce(one->>'$.lastRefreshTime', one->>'$.modifiedAt')) AS told_at
  FROM found
)
SELECT
  position,
  ingested_at,
  coalesce(told_at, captured_at)                           AS "time",
  2                                                        AS activity_id,
  CASE WHEN state IN ('ERROR', 'CREATE_FAILED', 'UPDATE_FAILED', 'DEGRADED', 'FAILED') THEN 4
    WHEN state = 'WARNING' THEN 3 ELSE 1 END               AS severity_id,
  concat_ws(' ', type, name, version) || coalesce(': ' || nullif(concat_ws(', ', state,
    coalesce(one->>'$.insightStatus.reason', one->>'$.health.issues[0].message')), ''), '') AS message,
  {'log_name': 'inventory'}                                AS metadata,
  {'cluster': cluster, 'region': nullif(split_part(arn, ':', 4), ''),
   'account': nullif(split_part(arn, ':', 5), '')}         AS workload,
  {'name': name, 'uid': coalesce(arn, one->>'$.id'), 'type_id': 99, 'type': type,
   'version': version,
   'data': json_merge_patch(CASE json_type(one) WHEN 'OBJECT' THEN one ELSE '{}' END,
     '{"certificateAuthority": null, "tags": null}')}      AS entity,
  CASE WHEN told_at IS NULL THEN '{"undated":true}' END    AS unmapped,
  NULL::VARCHAR                                            AS problem
FROM named
UNION ALL BY NAME
SELECT position, ingested_at, NULL::TIMESTAMPTZ AS "time",
  CASE WHEN json_array_length(doc, '$.addons') = 0 OR json_array_length(doc, '$.insights') = 0 THEN ''
    ELSE 'the document lists no cluster, add-on or insight' END AS problem
FROM raw
WHERE position NOT IN (SELECT position FROM found)
