-- name: mysql_slow
-- reads: lines
-- class: log_record
-- product: Oracle / MySQL
-- sniff: ^# User@Host: \S*\[
-- sniff: ^# Query_time: [\d.]+ +Lock_time: [\d.]+
-- context: file
-- https://dev.mysql.com/doc/refman/8.4/en/slow-query-log.html (5.6 to 9, log_slow_extra too),
-- https://mariadb.com/docs/server/server-management/server-monitoring-logs/slow-query-log
-- https://docs.percona.com/percona-server/8.0/slow-extended.html
-- A record begins with `# Time:`, or with `# User@Host:` where that is not told anew. A time
-- without a zone gives way to the statement's SET timestamp, which is UTC. The lines with which a
-- server starts tell the version of what follows.
WITH lines AS (
  SELECT position, ingested_at, line,
    regexp_extract(line, ', Version: (\d[^ ]*)', 1)  AS started,
    started <> '' OR regexp_matches(line,
      '^(?:Tcp port: \d+ |TCP Port: \d+, Named Pipe: |Time\s+Id Command\s+Argument)') AS is_banner,
    line LIKE '#%' AND line NOT LIKE '# administrator command: %' AS is_comment,
    line LIKE '# Time: %' OR line LIKE '# User@Host: %'
      AND coalesce(lag(line) OVER (ORDER BY position) NOT LIKE '# Time: %', true) AS begins
  FROM raw
),
numbered AS (
  SELECT *,
    count(*) FILTER (begins) OVER (ORDER BY position) AS nth,
    last_value(nullif(started, '') IGNORE NULLS) OVER (ORDER BY position) AS version,
    line LIKE '# Time: %' OR line LIKE '# User@Host: %' AS is_lead
  FROM lines
),
parts AS (
  SELECT *,
    NOT is_banner AND count(*) FILTER (NOT is_comment) OVER (
      PARTITION BY nth ORDER BY position) > 0        AS is_statement
  FROM numbered
),
joined AS (   -- a blank line is no record to the reader, but may be one of a statement's
  SELECT nth, list(position ORDER BY position) AS positions, min(ingested_at) AS ingested_at,
    max(version)                                     AS version,
    bool_and(is_banner)                              AS is_banner,
    string_agg(line, ' ' ORDER BY position) FILTER (is_lead) AS lead,
    string_agg(line, ' ' ORDER BY position) FILTER (NOT is_lead AND NOT is_statement
      AND NOT is_banner AND line NOT LIKE '# explain: %') AS measures,
    string_agg(line[12:], chr(10) ORDER BY position) FILTER (line LIKE '# explain: %'
      AND NOT is_statement)                          AS plan,
    string_agg(gap || line, chr(10) ORDER BY position) FILTER (is_statement) AS statement
  FROM (SELECT *, repeat(chr(10), CASE WHEN is_statement
      THEN position - lag(position, 1, position - 1) OVER (PARTITION BY nth ORDER BY position) - 1
      ELSE 0 END) AS gap FROM parts)
  GROUP BY nth, is_banner
),
found AS (
  SELECT *,
    regexp_extract(lead, '^(?:# Time: (\S+(?: +[\d:]+)?) *)?(?:# User@Host: (\S*)\[(\S*)\] @ '
      || '(\S*) *\[(\S*)\](?: +Id: +(\d+))?)?',
      ['at', 'as_user', 'user', 'host', 'ip', 'id']) AS l,
    '{' || array_to_string(list_transform(
      regexp_extract_all(measures, '[A-Za-z]\w*: \S+'),
      lambda m: to_json(split_part(m, ': ', 1))::VARCHAR || ':'
        || to_json(split_part(m, ': ', 2))::VARCHAR), ',') || '}' AS told,
    regexp_extract(statement, '(?s)^(?:use ([^;\n]+);\n)?(?:SET (?:[^;\n]*,)?timestamp=(\d+)'
      || '[^;\n]*;\n?)?(.*?)\s*$',
      ['database', 'at', 'query'])                   AS s
  FROM joined
),
measured AS (
  SELECT *, json_extract_string(told, ['/Query_time', '/Lock_time', '/Rows_sent', '/Rows_examined',
    '/Rows_affected', '/Bytes_sent', '/Schema', '/Thread_id', '/Last_errno', '/Errno']) AS v,
    CASE WHEN version LIKE '%MariaDB%' OR measures LIKE '%QC_hit: %' THEN 'mariadb' ELSE 'mysql'
    END                                              AS system
  FROM found
)
SELECT
  unnest(positions)                                  AS position,
  ingested_at,
  CASE WHEN l."at" LIKE '%T%' THEN any_time(l."at")
    ELSE coalesce(any_time(nullif(s."at", '')), try_strptime(l."at", '%y%m%d %H:%M:%S'))
  END                                                AS "time",
  1                                                  AS activity_id,
  1                                                  AS severity_id,
  0                                                  AS status_id,
  s.query                                            AS message,
  {'service': system, 'version': version}            AS workload,
  CASE WHEN system = 'mariadb' THEN {'product': {'vendor_name': 'MariaDB', 'name': 'MariaDB'}} END
                                                     AS metadata,
  filled({
    'db.system.name': system,
    'db.namespace': coalesce(v[7], nullif(trim(s.database, '`'), '')),
    'db.query.text': s.query,
    'db.response.status_code': nullif(coalesce(v[9], v[10]), '0'),
    'user.name': nullif(l.user, ''),
    'client.address': coalesce(nullif(l.ip, ''), nullif(l.host, '')),
    'mysql.thread_id': try_cast(coalesce(nullif(l.id, ''), v[8]) AS BIGINT),
    'mysql.duration_ms': (try_cast(v[1] AS DECIMAL(18, 6)) * 1000)::DOUBLE,
    'mysql.lock.waited_ms': (try_cast(v[2] AS DECIMAL(18, 6)) * 1000)::DOUBLE,
    'mysql.rows_sent': try_cast(v[3] AS BIGINT),
    'mysql.rows_examined': try_cast(v[4] AS BIGINT),
    'mysql.rows_affected': try_cast(v[5] AS BIGINT),
    'mysql.bytes_sent': try_cast(v[6] AS BIGINT)})   AS attributes,
  filled({
    'user_host': nullif(l.as_user, l.user),
    'host': CASE WHEN l.ip <> '' THEN nullif(l.host, '') END, 'timestamp': nullif(s."at", ''),
    'measures': nullif(json_merge_patch(told, '{"Query_time": null, "Lock_time": null,
      "Rows_sent": null, "Rows_examined": null, "Rows_affected": null, "Bytes_sent": null,
      "Schema": null, "Thread_id": null}'), '{}'),
    'explain': plan})                                AS unmapped,
  CASE
    WHEN is_banner THEN ''                             -- nothing to map
    WHEN nth = 0 OR measures IS NULL THEN 'the line is of no record of MySQL''s slow query log'
    WHEN position > positions[1] THEN ''               -- it is in the first
  END                                                AS problem
FROM measured
