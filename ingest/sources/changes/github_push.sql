-- name: github_push
-- reads: json
-- class: application_lifecycle
-- product: GitHub / GitHub
-- sniff: "pusher":\s*\{
-- sniff: "head_commit":
-- https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
-- Bodies of the webhook push. A push to the default branch, or of a tag, is planned to be deployed,
-- and deploys nothing by itself; of a push to another branch there is nothing to map. GitHub does not say when it was pushed: the
-- repository's `pushed_at` does, and else the head commit's time.
WITH pushes AS (
  SELECT position, ingested_at, doc,
    from_json(doc, '{"ref": "VARCHAR", "before": "VARCHAR", "after": "VARCHAR",
      "compare": "VARCHAR", "created": "BOOLEAN", "deleted": "BOOLEAN", "forced": "BOOLEAN",
      "repository": {"full_name": "VARCHAR", "default_branch": "VARCHAR",
        "master_branch": "VARCHAR", "pushed_at": "VARCHAR"},
      "pusher": {"name": "VARCHAR"}, "sender": {"login": "VARCHAR", "type": "VARCHAR"},
      "head_commit": {"id": "VARCHAR", "message": "VARCHAR", "timestamp": "VARCHAR",
        "url": "VARCHAR", "author": {"username": "VARCHAR", "name": "VARCHAR"}},
      "commits": ["JSON"]}')                               AS push
  FROM raw
),
named AS (
  SELECT *,
    coalesce(push.repository.default_branch, push.repository.master_branch) AS branch,
    push.repository.full_name || '@' || push.after         AS uid,
    parse_filename(push.repository.full_name)              AS service,
    ref_version(push.ref)                                  AS version,
    starts_with(push.ref, 'refs/tags/')                    AS is_tag
  FROM pushes
)
SELECT
  position,
  ingested_at,
  coalesce(any_time(push.repository.pushed_at), any_time(push.head_commit."timestamp")) AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  0                                                        AS status_id,
  push.head_commit.message                                 AS message,
  {'uid': uid, 'correlation_uid': uid}                     AS metadata,
  {'service': service, 'version': version}                 AS workload,
  {'name': service, 'version': version}                    AS app,
  {'user': change_user(coalesce(push.sender.login, push.pusher.name), NULL, push.sender.type)}
                                                           AS actor,
  {'uid': uid, 'kind': 'deploy', 'state': 'planned', 'revision': push.after,
   'url': coalesce(push.compare, push.head_commit.url)}    AS change,
  filled({
    'ref': push.ref, 'before': push.before, 'forced': push.forced, 'pusher': push.pusher.name,
    'repository': push.repository.full_name, 'author': push.head_commit.author,
    'head_commit_timestamp': push.head_commit."timestamp",
    'commits': doc->'$.commits'})                          AS unmapped,
  CASE
    WHEN push.ref IS NULL OR uid IS NULL THEN 'the document is no push webhook of GitHub'
    WHEN push.deleted OR NOT coalesce(is_tag OR push.ref = 'refs/heads/' || branch, true) THEN ''
  END                                                      AS problem
FROM named
