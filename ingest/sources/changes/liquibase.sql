-- name: liquibase
-- reads: lines
-- class: application_lifecycle log_record
-- product: Liquibase / Liquibase
-- sniff: (Running Change[Ss]et: .*::.*::|Change[Ss]et .*::.*::.* ran successfully in |Migration failed for change ?set |Rolling Back Change[Ss]et: .*::)
-- sniff: \A(?:.*\n){0,4}.*(?:[Ll]iquibase|Running Change[Ss]et: )|\A#{20,}\n##
-- context: file
-- https://docs.liquibase.com/reference-guide/update-commands/update (what Liquibase 3.6 to 5 says
-- in English, on its console, in its log or through an application's logger)
-- A changeset that is run again after a failure is another change, whose uid ends with the
-- number of the attempt. Without a zone a time is UTC; a log that tells no time is of when it
-- arrived, as `unmapped` says. What is no changeset is a log record.
WITH lines AS (
  SELECT position, ingested_at, line,
    logged_at(line)                                        AS told_at,
    regexp_extract(line, '(Running Change[Ss]et:|Rolling Back Change[Ss]et:|Change[Ss]et'
      || '|Migration failed for change ?set) (\S[^:]*?)::(.+?)::(.+?)'
      || '(?: (ran successfully) in (\d+) ?ms.*| (encountered) an exception.*|:?\s*)$',
      ['word', 'file', 'id', 'author', 'ran', 'took', 'failed']) AS l,
    nullif(regexp_extract(line, '\bReason: (.*)', 1), '')   AS cause
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
records AS (   -- a line without a time goes on with the one before it, where lines have times
  SELECT *, string_agg(line, chr(10)) OVER (PARTITION BY nth ORDER BY position
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS record
  FROM (
    SELECT *, count(*) FILTER (begins) OVER (ORDER BY position) AS nth
    FROM (
      SELECT *, state IS NOT NULL OR told_at IS NOT NULL OR logged_at IS NULL AS begins,
        count(state) OVER () AS told
      FROM known
    )
  )
),
events AS (
  SELECT *, last_value(CASE WHEN state IS NOT NULL THEN {'state': state, 'changeset': changeset} END
      IGNORE NULLS) OVER (ORDER BY position
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)    AS before
  FROM records
),
attempts AS (
  SELECT *,
    state IS NOT NULL AND (state <> 'failure'   -- which is told twice
      OR before IS DISTINCT FROM {'state': state, 'changeset': changeset}) AS changes,
    changeset || coalesce('@' || nullif(1 + count(*) FILTER (state = 'failure'
      AND before IS DISTINCT FROM {'state': state, 'changeset': changeset}) OVER (
        PARTITION BY changeset ORDER BY position
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 1), '') AS uid
  FROM events
)
SELECT
  position,
  ingested_at,
  CASE WHEN changes THEN 'application_lifecycle' ELSE 'log_record' END AS class_name,
  coalesce(logged_at, ingested_at)                         AS "time",
  CASE WHEN changes THEN 8 ELSE 1 END                      AS activity_id,
  CASE WHEN changes THEN 1 ELSE level_severity_id(logged_level(line)) END AS severity_id,
  CASE WHEN changes THEN change_status_id(state) ELSE 0 END AS status_id,
  CASE WHEN changes THEN concat_ws('::', l.file, l.id, l.author) ELSE record END AS message,
  CASE WHEN NOT changes THEN logged_level(line) END        AS severity,
  try_cast(nullif(l.took, '') AS BIGINT)                   AS duration,
  CASE WHEN changes AND state = 'failure' THEN cause_after END AS status_detail,
  {'correlation_uid': CASE WHEN changes THEN uid END}                               AS metadata,
  {'service': logged_by(line)}                             AS workload,
  CASE WHEN changes THEN {'name': logged_by(line),
    'uid': CASE WHEN logged_by(line) IS NULL THEN 'databasechangelog' END} END AS app,
  CASE WHEN changes THEN {'uid': uid, 'kind': 'schema', 'state': state, 'revision': l.id}
  END                                                      AS change,
  filled({
    'file': nullif(l.file, ''), 'author': nullif(l.author, ''),
    'record': CASE WHEN changes AND record <> line THEN record END,
    'time_from': CASE WHEN logged_at IS NULL THEN 'arrival' END}) AS unmapped,
  CASE WHEN NOT begins THEN ''                             -- told with the one before
    WHEN told = 0 AND logged_at IS NULL THEN 'the line tells no time, and nothing is of Liquibase'
  END                                                      AS problem
FROM attempts
