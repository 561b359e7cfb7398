-- name: github_workflow_run
-- reads: json
-- class: application_lifecycle
-- product: GitHub / GitHub Actions
-- sniff: "workflow_runs":\s*\[|"workflowName":|"action":\s*"(requested|in_progress|completed)"
-- sniff: "(workflow_runs?|workflow_id|databaseId)":
-- https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run
-- https://docs.github.com/en/rest/actions/workflow-runs
-- Bodies of the webhook workflow_run, what the REST API lists (API version 2022-11-28), and `gh run
-- list --json`. A run is a change if its workflow says that it deploys, by its name or file; of the
-- others (tests, lint, runs for pull requests) there is nothing to map. A listed run tells when it
-- began and ended; each attempt of a run is a change of its own.
WITH bodies AS (
  SELECT position, ingested_at, doc, unnest(CASE
    WHEN json_array_length(doc, '$.workflow_runs') > 0 THEN doc->'$.workflow_runs[*]'
    WHEN json_type(doc, '$.workflow_run') = 'OBJECT' THEN [doc->'$.workflow_run']
    ELSE [doc] END) AS run
  FROM raw
),
runs AS (
  SELECT * EXCLUDE (run), run AS told,
    json_exists(doc, '$.workflow_run')                     AS is_webhook,
    from_json(run, '{"id": "VARCHAR", "databaseId": "VARCHAR", "name": "VARCHAR",
      "workflowName": "VARCHAR", "path": "VARCHAR", "display_title": "VARCHAR",
      "displayTitle": "VARCHAR", "head_sha": "VARCHAR", "headSha": "VARCHAR",
      "head_branch": "VARCHAR", "headBranch": "VARCHAR", "event": "VARCHAR", "status": "VARCHAR",
      "conclusion": "VARCHAR", "run_number": "VARCHAR", "number": "VARCHAR",
      "run_attempt": "VARCHAR", "attempt": "VARCHAR", "html_url": "VARCHAR", "url": "VARCHAR",
      "created_at": "VARCHAR", "createdAt": "VARCHAR", "run_started_at": "VARCHAR",
      "startedAt": "VARCHAR", "updated_at": "VARCHAR", "updatedAt": "VARCHAR",
      "actor": "JSON", "triggering_actor": "JSON", "repository": "JSON"}') AS run
  FROM bodies
),
named AS (
  SELECT *,
    coalesce(run."databaseId", run.id)                     AS run_id,
    nullif(coalesce(run.run_attempt, run.attempt), '1')    AS attempt,
    coalesce(run."workflowName", run.name)                 AS workflow,
    coalesce(run.head_sha, run."headSha")                  AS sha,
    coalesce(run.head_branch, run."headBranch")            AS branch,
    coalesce(run.html_url, run.url)                        AS url,
    regexp_extract(url, '^https://[^/]+/([^/]+/[^/]+)/actions/', 1) AS repository,
    concat_ws('/', nullif(repository, ''), 'runs', run_id, attempt) AS uid,
    coalesce(run.triggering_actor, run.actor, doc->'$.sender') AS person,
    coalesce(run.run_started_at, run."startedAt", run.created_at, run."createdAt") AS started_at,
    coalesce(run.updated_at, run."updatedAt")              AS updated_at,
    coalesce(nullif(run.conclusion, ''), run.status)       AS word,
    run.status = 'completed'                               AS is_over,
    -- the words that name a delivery, in the workflow's name or in its file's
    delivers(concat_ws(' ', workflow, run.path))
      AND coalesce(run.event NOT LIKE 'pull_request%', true) AS is_change
  FROM runs
),
moments AS (
  SELECT *, unnest(CASE
    WHEN run_id IS NULL OR NOT is_change THEN [NULL]
    WHEN is_webhook THEN [{'at': CASE run.status
      WHEN 'completed' THEN updated_at WHEN 'in_progress' THEN started_at
      ELSE run.created_at END, 'word': word}]
    ELSE list_concat(
      [{'at': started_at, 'word': CASE WHEN is_over THEN 'in_progress' ELSE word END}],
      CASE WHEN is_over THEN [{'at': updated_at, 'word': word}] END) END) AS moment
  FROM named
)
SELECT
  position,
  ingested_at,
  moment."at"                                              AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  change_status_id(change_state(moment.word))              AS status_id,
  moment.word                                              AS status_code,
  coalesce(run.display_title, run."displayTitle")          AS message,
  {'uid': uid || ':' || moment.word, 'correlation_uid': uid} AS metadata,
  {'service': parse_filename(repository), 'version': ref_version(branch)} AS workload,
  {'name': coalesce(nullif(parse_filename(repository), ''), workflow),
   'version': ref_version(branch)}                         AS app,
  {'user': change_user(person->>'$.login', NULL, person->>'$.type'), 'app_name': workflow} AS actor,
  {'uid': uid,
   'kind': CASE WHEN regexp_matches(concat_ws(' ', workflow, run.path), '(?i)terraform|infra')
     THEN 'infrastructure' ELSE 'deploy' END,
   'state': change_state(moment.word), 'revision': sha,
   'url': coalesce('https://' || split_part(url, '/', 3) || '/' || nullif(repository, '')
     || '/commit/' || sha, url)}                           AS change,
  filled({
    'action': doc->>'$.action', 'event': run.event, 'status': run.status,
    'workflow': workflow, 'path': run.path, 'branch': branch, 'repository': nullif(repository, ''),
    'run_number': coalesce(run.run_number, run.number), 'html_url': url,
    'pull_requests': nullif(told->'$.pull_requests', '[]')}) AS unmapped,
  CASE
    WHEN json_array_length(doc, '$.workflow_runs') = 0 THEN ''
    WHEN run_id IS NULL OR workflow IS NULL OR word IS NULL
      THEN 'the document is no workflow run of GitHub'
    WHEN NOT is_change THEN ''
  END                                                      AS problem
FROM moments
