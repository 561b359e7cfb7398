-- name: histories_commits
-- reads: json
-- class: application_lifecycle
-- files: commits.json
-- A list of commits of a repository: what was written, and in which files. A commit alone changes
-- nothing that runs.
SELECT
  position,
  ingested_at,
  any_time(commit->>'$.timestamp')                      AS "time",
  8                                                     AS activity_id,
  1                                                     AS severity_id,
  0                                                     AS status_id,
  commit->>'$.message'                                  AS message,
  {'uid': commit->>'$.sha', 'correlation_uid': commit->>'$.sha'} AS metadata,
  {'name': 'repository'}                                AS app,
  {'user': {'name': commit->>'$.author'}}               AS actor,
  {'uid': 'commit ' || (commit->>'$.sha'), 'kind': 'deploy', 'state': 'planned',
   'revision': commit->>'$.sha'}                        AS change,
  filled({'files': commit->'$.files_changed', 'diff': commit->>'$.diff'}) AS unmapped,
  CASE WHEN commit->>'$.sha' IS NULL THEN 'the commit has no hash' END AS problem
FROM (SELECT position, ingested_at, unnest(
  CASE WHEN json_type(doc) = 'ARRAY' THEN doc->'$[*]' ELSE [doc] END) AS commit FROM raw)
