-- name: launchdarkly
-- reads: json
-- class: application_lifecycle entity_management
-- product: LaunchDarkly / LaunchDarkly
-- sniff: "titleVerb":|"accesses":
-- sniff: "(_accountId|/api/v2/auditlog|member)"
-- https://launchdarkly.com/docs/api/audit-log/get-audit-log-entries
-- https://launchdarkly.com/docs/api/webhooks
-- Entries of the audit log, as the REST API (v2) lists them or a webhook sends one. What is done to
-- a flag or a segment is a change of kind flag, to an environment or project one of configuration;
-- what is done to members, roles, tokens and the like manages entities.
WITH documents AS (
  SELECT position, ingested_at, unnest(CASE WHEN json_type(doc, '$.items') = 'ARRAY'
      AND json_array_length(doc, '$.items') > 0 THEN doc->'$.items[*]' ELSE [doc] END) AS doc
  FROM raw
),
entries AS (
  SELECT *, from_json(doc, '{"_id": "VARCHAR", "_accountId": "VARCHAR",
      "date": "VARCHAR", "kind": "VARCHAR", "name": "VARCHAR", "description": "VARCHAR", "shortDescription": "VARCHAR",
      "comment": "VARCHAR", "title": "VARCHAR", "titleVerb": "VARCHAR",
      "accesses": [{"action": "VARCHAR", "resource": "VARCHAR"}],
      "member": {"_id": "VARCHAR", "email": "VARCHAR", "firstName": "VARCHAR",
        "lastName": "VARCHAR"},
      "token": "JSON", "app": "JSON", "subject": "JSON", "parent": "JSON", "delta": "JSON",
      "triggerBody": "JSON", "target": {"name": "VARCHAR", "resources": ["VARCHAR"]},
      "previousVersion": {"_version": "VARCHAR", "version": "VARCHAR"},
      "currentVersion": {"_version": "VARCHAR", "version": "VARCHAR"}}') AS e,
    coalesce(doc->>'$._links.site.href', doc->>'$._links.canonical.href',
      doc->>'$.target._links.canonical.href')              AS url
  FROM documents
),
named AS (
  SELECT *,
    coalesce(e.target.resources[1], e.accesses[1].resource) AS resource,
    nullif(regexp_extract(resource, 'proj/([^:;]+)', 1), '') AS project,
    nullif(regexp_extract(resource, 'env/([^:;*]+)', 1), '') AS environment,
    nullif(regexp_extract(resource, '.*/([^/;]+)', 1), '') AS item,
    list_transform(e.accesses, lambda a: a.action)         AS actions,
    concat_ws(' ', e."titleVerb", actions[1])              AS deed,
    coalesce(e."currentVersion"._version, e."currentVersion".version) AS revision,
    e.kind IN ('flag', 'segment', 'environment', 'project') AS is_change,
    nullif(concat_ws(' ', e.member."firstName", e.member."lastName"), '') AS full_name
  FROM entries
)
SELECT
  position,
  ingested_at,
  any_time(e."date")                                       AS "time",
  CASE WHEN is_change THEN 'application_lifecycle' ELSE 'entity_management' END AS class_name,
  CASE
    WHEN regexp_matches(deed, '^created|\bcreate') THEN 1
    WHEN regexp_matches(deed, '^(deleted|archived)|\bdelete')
      THEN CASE WHEN is_change THEN 2 ELSE 4 END
    WHEN NOT is_change THEN 3
    WHEN deed LIKE 'turned on%' THEN 6
    WHEN deed LIKE 'turned off%' THEN 7
    ELSE 8
  END                                                      AS activity_id,
  1                                                        AS severity_id,
  1                                                        AS status_id,
  array_to_string(actions, ', ')                           AS status_code,
  coalesce(nullif(e.title, ''), concat_ws(' ', full_name, e."titleVerb", e.name)) AS message,
  {'uid': e._id, 'correlation_uid': e._id}                 AS metadata,
  {'service': project}                                     AS workload,
  CASE WHEN is_change THEN {'name': coalesce(project, e.name),
    'feature': CASE WHEN e.kind = 'flag' AND item <> ''
      THEN {'name': item, 'version': revision} END}
  END                                                      AS app,
  CASE WHEN NOT is_change THEN {'name': e.name, 'type': e.kind, 'uid': resource} END AS entity,
  {'user': CASE WHEN coalesce(e.member.email, e.member._id) IS NOT NULL
     THEN {'name': e.member.email, 'uid': e.member._id, 'full_name': full_name, 'type_id': 1} END,
   'app_name': coalesce(e.token->>'$.name', e.app->>'$.name', e.subject->>'$.name')} AS actor,
  CASE WHEN is_change THEN {'uid': e._id,
    'kind': CASE WHEN e.kind IN ('flag', 'segment') THEN 'flag' ELSE 'config' END,
    'state': 'success',
    'revision': revision,
    'url': CASE WHEN url LIKE '/%' THEN 'https://app.launchdarkly.com' || url ELSE url END,
    'environment': environment} END                        AS change,
  filled({
    '_accountId': e."_accountId", 'name': e.name, 'kind': e.kind, 'titleVerb': e."titleVerb",
    'comment': nullif(e.comment, ''),
    'description': nullif(e.description, ''), 'shortDescription': nullif(e."shortDescription", ''),
    'accesses': e.accesses, 'resources': e.target.resources, 'token': e.token->>'$._id',
    'delta': e.delta, 'triggerBody': e."triggerBody",
    'previousVersion': coalesce(e."previousVersion"._version, e."previousVersion".version),
    'parent': e.parent->>'$.name'})                        AS unmapped,
  CASE
    WHEN json_array_length(doc, '$.items') = 0 THEN ''
    WHEN e._id IS NULL OR e.kind IS NULL OR e.name IS NULL OR e."date" IS NULL
      THEN 'the document is no entry of the audit log of LaunchDarkly'
  END                                                      AS problem
FROM named
