-- Which workloads spoke of a database that the lake has measures of: one row a workload and database.
-- Who names no host is a client of the database if there is only one.
WITH databases AS (
  SELECT DISTINCT name, count(DISTINCT name) OVER () AS every
  FROM (SELECT name FROM database_series UNION SELECT name FROM database_load)
  WHERE name <> ''
)
SELECT DISTINCT holder_kind AS kind, namespace, holder AS name, databases.name AS database
FROM said JOIN databases ON contains(line, databases.name || '.') OR every = 1
WHERE holder_kind NOT IN ('Database', 'Node', 'Log') AND holder <> databases.name
  AND (contains(line, databases.name || '.') OR regexp_matches(line,
    '(?i)\b(postgres\w*|psycopg\w*|pgx?|pq|jdbc\w*|hikari\w*|mysql\w*|mariadb|aurora|sql(state|alchemy|exception)?|database|queuepool|activerecord|hibernate|sequelize\w*|knex\w*|prisma\w*)\b|SQLException|PSQLException'))
