-- name: liquibase
-- reads: lines
-- class: application_lifecycle
-- product: Liquibase / Liquibase
-- sniff: (Running Change[Ss]et: .*::.*::|Change[Ss]et .*::.*::.* ran successfully in |Migration failed for change ?set |Rolling Back Change[Ss]et: .*::)
-- https://docs.liquibase.com/reference-guide/update-commands/update (what Liquibase 3.6 to 5 says in
-- English, on its console, in its log or through an application's logger)
-- A changeset that is run again after a failure is another change, whose uid ends with the
-- number of the attempt. Without a zone a time is UTC; a log that tells no time is of when it
-- arrived, as `unmapped` says.
WITH lines AS (
  SELECT position, ingested_at, line,
    logged_at(line)                                        AS told_at,
    regexp_extract(line, '(Running Change[Ss]et:|Rolling Back Change[Ss]et:|Change[Ss]et'
      || '|Migration failed for change ?set) (\S[^:]*?)::(.+?)::(.+?)'
      || '(?: (ran successfully) in (\d+) ?ms.*| (encountered) an exception.*|:?\s*)$',
      ['word', 'file', 'id', 'author', 'ran', 'took', 'failed']) AS l,
    nullif(regexp_extract(line, 'Reason: (.*)$', 1), '')   AS cause
  FROM raw
),
known AS (
  SELECT *,
    CASE
      WHEN l.word LIKE 'Running%' OR l.word LIKE 'Rolling%' THEN 'in_progress'
      WHEN l.ran <> '' THEN 'success'
      WHEN l.failed <> '' OR l.word LIKE 'Migration%' THEN 'failure'
    END                                                    AS state,
    CASE WHEN l.word LIKE 'Rolling%' THEN 'rollback/' ELSE '' END
      || concat_ws('::', l.file, l.id, l.author)           AS changeset,
    coalesce(told_at, last_value(told_at IGNORE NULLS) OVER (ORDER BY position)) AS logged_at,
    first_value(cause IGNORE NULLS) OVER (ORDER BY position
      ROWS BETWEEN CURRENT ROW AND 10 FOLLOWING)           AS cause_after
  FROM lines
),
events AS (
  SELECT *, last_value(CASE WHEN state IS NOT NULL THEN {'state': state, 'changeset': changeset} END
      IGNORE NULLS) OVER (ORDER BY position
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)    AS before
  FROM known
),
attempts AS (
  SELECT *,
    state = 'failure' AND before = {'state': state, 'changeset': changeset} AS is_told_again,
    changeset || coalesce('@' || nullif(1 + count(*) FILTER (state = 'failure'
      AND before IS DISTINCT FROM {'state': state, 'changeset': changeset}) OVER (
        PARTITION BY changeset ORDER BY position
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 1), '') AS uid
  FROM events
)
SELECT
  position,
  ingested_at,
  coalesce(logged_at, ingested_at)                         AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  change_status_id(state)                                  AS status_id,
  concat_ws('::', l.file, l.id, l.author)                  AS message,
  try_cast(nullif(l.took, '') AS BIGINT)                   AS duration,
  CASE WHEN state = 'failure' THEN cause_after END         AS status_detail,
  {'correlation_uid': uid}                                 AS metadata,
  {'service': logged_by(line)}                             AS workload,
  {'name': logged_by(line),
   'uid': CASE WHEN logged_by(line) IS NULL THEN 'databasechangelog' END} AS app,
  {'uid': uid, 'kind': 'schema', 'state': state, 'revision': l.id} AS change,
  filled({
    'file': l.file, 'author': l.author,
    'time_from': CASE WHEN logged_at IS NULL THEN 'arrival' END}) AS unmapped,
  CASE WHEN state IS NULL OR is_told_again THEN '' END     AS problem   -- nothing is changed
FROM attempts
