-- name: flyway
-- reads: lines
-- class: application_lifecycle log_record
-- product: Redgate / Flyway
-- sniff: Migrating schema \S+ (?:to version|with repeatable migration) |Successfully applied \d+ migrations? to schema |Schema \S+ is up to date\. No migration necessary
-- sniff: \A(?:.*\n){0,4}.*(?:Flyway \w+ Edition |Database: jdbc:|Successfully validated \d+ migration|Migrating schema |Schema history table )
-- context: file
-- https://documentation.red-gate.com/flyway/reference/commands/migrate (what Flyway 5 to 11 says by
-- itself or through an application's logger, in English)
-- An attempt at a migration has begun when Flyway says so and is done when the next one begins or
-- all are applied.
-- Without a zone a time is UTC; a log that tells no time is of when it arrived, as `unmapped` says.
-- The service is the application that logs it, else the database. What is no migration is a log
-- record.
WITH lines AS (
  SELECT position, ingested_at, line,
    logged_at(line)                                        AS told_at,
    regexp_extract(line,
      '(Migrating|Migration of) schema (\S+) (to version|with repeatable migration)'
      || ' ["`]?(.*?)["`]?(?: \[([^\]]*)\])?(?: failed! *(.*))?$',
      ['word', 'schema', 'how', 'what', 'note', 'reason']) AS l,
    nullif(regexp_extract(line, '\(execution time ([^)]*)\)', 1), '') AS took,
    nullif(coalesce(
      nullif(regexp_extract(line, 'Database: jdbc:[^/ ]+//[^/ ]+/([^?;/ ]+)', 1), ''),
      regexp_extract(line, 'Database: jdbc:\S*;(?i:databaseName)=([^;}\s]+)', 1)), '') AS database,
    nullif(regexp_extract(line, '^Message +: (.*)$', 1), '') AS cause
  FROM raw
),
known AS (
  SELECT *,
    coalesce(told_at, last_value(told_at IGNORE NULLS) OVER so_far) AS logged_at,
    coalesce(logged_by(line), last_value(database IGNORE NULLS) OVER so_far) AS service,
    first_value(cause IGNORE NULLS) OVER (ORDER BY position
      ROWS BETWEEN CURRENT ROW AND 15 FOLLOWING)           AS cause_after,
    CASE
      WHEN l.word = 'Migrating' THEN 'begins'
      WHEN l.reason <> '' THEN 'fails'
      WHEN regexp_matches(line, 'Successfully applied \d+ migrations? to schema ') THEN 'ends'
      WHEN line LIKE '%Database: jdbc:%' THEN 'connects'
    END                                                    AS kind
  FROM lines
  WINDOW so_far AS (ORDER BY position)
),
records AS (   -- a line without a time goes on with the one before it, where lines have times
  SELECT *, string_agg(line, chr(10)) OVER (PARTITION BY nth ORDER BY position
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS record
  FROM (
    SELECT *, count(*) FILTER (begins) OVER (ORDER BY position) AS nth
    FROM (
      SELECT *, kind IS NOT NULL OR told_at IS NOT NULL OR logged_at IS NULL AS begins,
        count(kind) OVER () AS told
      FROM known
    )
  )
),
events AS (
  SELECT *, CASE WHEN kind IS NOT NULL THEN {
    'kind': kind, 'at': coalesce(logged_at, ingested_at), 'service': service,
    'schema': trim(l.schema, '"`[]'), 'repeatable': l.how LIKE 'with%',
    'version': CASE WHEN l.how LIKE 'to%' THEN split_part(l.what, ' - ', 1) ELSE l.what END,
    'description': CASE WHEN l.how LIKE 'to%'
      THEN nullif(substr(l.what, length(split_part(l.what, ' - ', 1)) + 4), '') ELSE l.what END,
    'note': nullif(l.note, '')} END                        AS event
  FROM records
),
followed AS (
  SELECT *, last_value(event IGNORE NULLS) OVER (ORDER BY position
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)      AS before
  FROM events
),
moments AS (
  SELECT *, unnest(coalesce(nullif(list_concat(
    CASE WHEN before.kind = 'begins' AND kind IN ('begins', 'ends')
      THEN [{'state': 'success', 'of': before, 'began': before."at"}] END,
    CASE WHEN kind = 'begins' THEN [{'state': 'in_progress', 'of': event, 'began': NULL}]
      WHEN kind = 'fails' THEN [{'state': 'failure', 'of': event,
        'began': CASE WHEN before.kind = 'begins' THEN before."at" END}] END), []), [NULL])) AS m
  FROM followed
)
SELECT
  position,
  ingested_at,
  CASE WHEN m IS NULL THEN 'log_record' ELSE 'application_lifecycle' END AS class_name,
  coalesce(logged_at, ingested_at)                         AS "time",
  CASE WHEN m IS NULL THEN 1 ELSE 8 END                    AS activity_id,
  CASE WHEN m IS NULL THEN level_severity_id(logged_level(line)) ELSE 1 END AS severity_id,
  change_status_id(m.state)                                AS status_id,
  CASE WHEN m IS NULL THEN record ELSE m."of".description END AS message,
  CASE WHEN m IS NULL THEN logged_level(line) END          AS severity,
  CASE WHEN logged_at IS NOT NULL THEN epoch_ms(event."at") - epoch_ms(m.began) END AS duration,
  CASE WHEN m.state = 'failure' THEN coalesce(cause_after, l.reason) END AS status_detail,
  {'correlation_uid': uid}                                 AS metadata,
  {'service': coalesce(m."of".service, service)}           AS workload,
  CASE WHEN m IS NOT NULL THEN {'name': m."of".service,
    'uid': CASE WHEN m."of".service IS NULL THEN 'flyway_schema_history' END} END AS app,
  CASE WHEN m IS NOT NULL THEN {'uid': uid, 'kind': 'schema', 'state': m.state,
    'revision': m."of"."version"} END                      AS change,
  filled({
    'schema': m."of".schema, 'repeatable': CASE WHEN m."of".repeatable THEN true END,
    'note': m."of".note, 'outcome': CASE WHEN m.state = 'failure' THEN nullif(l.reason, '') END,
    'execution_time': CASE WHEN kind = 'ends' THEN took END,
    'record': CASE WHEN m IS NOT NULL AND record <> line THEN record END,
    'time_from': CASE WHEN logged_at IS NULL THEN 'arrival' END}) AS unmapped,
  CASE WHEN NOT begins THEN ''                             -- told with the one before
    WHEN told = 0 AND logged_at IS NULL THEN 'the line tells no time, and nothing is of Flyway'
  END                                                      AS problem
FROM (SELECT *, concat_ws('/', m."of".service, m."of".schema, m."of"."version")
    || strftime(coalesce(m.began, m."of"."at"), '@%Y-%m-%dT%H:%M:%SZ') AS uid FROM moments)
