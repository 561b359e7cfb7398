-- name: github_release
-- reads: json
-- class: application_lifecycle
-- product: GitHub / GitHub
-- sniff: "(tag_name|tagName)":
-- sniff: "(target_commitish|tarball_url|isPrerelease|isDraft)":
-- https://docs.github.com/en/webhooks/webhook-events-and-payloads#release
-- https://docs.github.com/en/rest/releases/releases
-- Bodies of the webhook release, what the REST API lists (API version 2022-11-28), and
-- `gh release list --json`. A release's version is planned to be deployed; it deploys nothing by
-- itself.
WITH told AS (
  SELECT position, ingested_at, doc,
    CASE WHEN json_type(doc, '$.release') = 'OBJECT' THEN doc->'$.release' ELSE doc END AS release,
    doc->>'$.action'                                       AS action
  FROM raw
),
named AS (
  SELECT *,
    coalesce(release->>'$.tag_name', release->>'$.tagName') AS tag,
    coalesce(release->>'$.html_url', release->>'$.url')    AS url,
    coalesce(doc->>'$.repository.full_name', nullif(
      regexp_extract(url, '^https://[^/]+/(.+)/releases/', 1), '')) AS repository,
    coalesce(parse_filename(repository),
      nullif(regexp_extract(tag, '^(.+?)[@/-]v?\d', 1), '')) AS service,
    coalesce(release->>'$.id', repository || '@' || tag, tag) AS uid,
    regexp_extract(tag, '^(?:[A-Za-z].*?[@/-])?v?(\d[^/@]*)$', 1) AS number,
    coalesce(nullif(number, ''), tag)                      AS version,
    coalesce(release->>'$.draft', release->>'$.isDraft', 'false') = 'true' AS is_draft,
    coalesce(release->'$.author', doc->'$.sender')         AS person
  FROM told
)
SELECT
  position,
  ingested_at,
  CASE WHEN action IN ('edited', 'deleted', 'unpublished')
    THEN coalesce(release->>'$.updated_at', release->>'$.published_at')
    ELSE coalesce(release->>'$.published_at', release->>'$.publishedAt', release->>'$.created_at',
      release->>'$.createdAt') END                         AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  0                                                        AS status_id,
  action                                                   AS status_code,
  coalesce(nullif(release->>'$.name', ''), tag)            AS message,
  {'uid': uid || coalesce(':' || action, ''), 'correlation_uid': uid} AS metadata,
  {'service': service, 'version': version}                 AS workload,
  {'name': coalesce(service, tag), 'version': version}     AS app,
  {'user': change_user(person->>'$.login', NULL, person->>'$.type')} AS actor,
  {'uid': uid, 'kind': 'deploy',
   'state': CASE WHEN action IN ('deleted', 'unpublished') THEN 'inactive' ELSE 'planned' END,
   'revision': tag, 'url': url}                            AS change,
  filled({
    'repository': repository, 'target_commitish': release->>'$.target_commitish',
    'prerelease': coalesce(release->>'$.prerelease', release->>'$.isPrerelease'),
    'draft': is_draft, 'created_at': release->>'$.created_at', 'body': release->>'$.body',
    'assets': nullif(release->'$.assets[*].name', '[]')})   AS unmapped,
  CASE
    WHEN tag IS NULL THEN 'the document is no release of GitHub'
    WHEN is_draft THEN ''                                  -- it was not released yet
  END                                                      AS problem
FROM named
