-- name: alembic
-- reads: lines
-- class: application_lifecycle log_record
-- product: SQLAlchemy / Alembic
-- sniff: Running (upgrade|downgrade|stamp_revision) .*-> |alembic\.runtime\.migration\b
-- sniff: \A(?:.*\n){0,4}.*(?:\[alembic\.|alembic\.runtime|Context impl \w+Impl|Running \w+ .*-> )
-- context: file
-- https://alembic.sqlalchemy.org/en/latest/tutorial.html#running-our-first-migration (0.6 to 1.x,
-- with the logger format of its template or one that tells the time)
-- A migration has begun when Alembic says so and is done when the next one begins; of the last it
-- says nothing more unless it fails, by a traceback. Without a zone a time is UTC; a log that tells
-- no time is of when it arrived, as `unmapped` says. What is no migration is a log record.
WITH lines AS (
  SELECT position, ingested_at, line,
    logged_at(line)                                        AS told_at,
    regexp_extract(line, 'Running (\w+) (.*?) ?-> ?(.*)$', ['word', 'old', 'new']) AS l,
    nullif(regexp_extract(line, '^(?:\w+: )?([A-Za-z_][\w.]*(?:Error|Exception)(?:: .*|$))', 1), '')
                                                           AS cause
  FROM raw
),
known AS (
  SELECT *,
    CASE WHEN l.word <> '' THEN 'begins'
      WHEN line LIKE '%Context impl %' THEN 'connects'
      WHEN contains(line, 'Traceback (most recent call last):') OR contains(line, 'FAILED: ')
        THEN 'fails'
    END                                                    AS kind,
    coalesce(told_at, last_value(told_at IGNORE NULLS) OVER (ORDER BY position)) AS logged_at,
    first_value(cause IGNORE NULLS) OVER (ORDER BY position
      ROWS BETWEEN CURRENT ROW AND 200 FOLLOWING)          AS cause_after
  FROM lines
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
events AS (   -- a downgrade takes the old revision back, anything else comes to the new one
  SELECT *, CASE WHEN kind IS NOT NULL THEN {
    'kind': kind, 'at': coalesce(logged_at, ingested_at), 'word': l.word, 'old': nullif(l.old, ''),
    'new': nullif(split_part(l.new, ', ', 1), ''), 'service': logged_by(line),
    'revision': CASE l.word WHEN 'downgrade' THEN l.old ELSE split_part(l.new, ', ', 1) END,
    'description': nullif(substr(l.new, length(split_part(l.new, ', ', 1)) + 3), '')} END AS event
  FROM records
),
followed AS (
  SELECT *, last_value(event IGNORE NULLS) OVER (ORDER BY position
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)      AS before
  FROM events
),
moments AS (
  SELECT *, unnest(coalesce(nullif(list_concat(
    CASE WHEN before.kind = 'begins' AND kind IN ('begins', 'fails') THEN [{
      'state': CASE kind WHEN 'fails' THEN 'failure' ELSE 'success' END, 'of': before}] END,
    CASE WHEN kind = 'begins' THEN [{'state': 'in_progress', 'of': event}] END), []), [NULL])) AS m
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
  CASE WHEN logged_at IS NOT NULL AND m.state <> 'in_progress'
    THEN epoch_ms(event."at") - epoch_ms(m."of"."at") END  AS duration,
  CASE WHEN m.state = 'failure' THEN cause_after END       AS status_detail,
  {'correlation_uid': uid}                                 AS metadata,
  {'service': coalesce(m."of".service, logged_by(line))}   AS workload,
  CASE WHEN m IS NOT NULL THEN {'name': m."of".service,
    'uid': CASE WHEN m."of".service IS NULL THEN 'alembic_version' END} END AS app,
  CASE WHEN m IS NOT NULL THEN {'uid': uid, 'kind': 'schema', 'state': m.state,
    'revision': m."of".revision} END                       AS change,
  filled({
    'direction': m."of".word, 'from_revision': m."of"."old", 'to_revision': m."of".new,
    'record': CASE WHEN m IS NOT NULL AND record <> line THEN record END,
    'time_from': CASE WHEN logged_at IS NULL THEN 'arrival' END}) AS unmapped,
  CASE WHEN NOT begins THEN ''                             -- told with the one before
    WHEN told = 0 AND logged_at IS NULL THEN 'the line tells no time, and nothing is of Alembic'
  END                                                      AS problem
FROM (SELECT *, concat_ws('/', m."of".word, m."of".revision)
    || strftime(m."of"."at", '@%Y-%m-%dT%H:%M:%SZ') AS uid FROM moments)
