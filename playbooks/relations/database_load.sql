-- How busy databases were from $start to $end, in average active sessions (AAS), as Performance
-- Insights and CloudWatch tell: one row a database, a statement and a wait. NULL is all of them.
-- Performance Insights names a database by its resource id (`db-...`): the only one, if there is one.
-- https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.UsingDashboard.html
WITH known AS (
  SELECT min(service) AS only_one
  FROM series
  WHERE metric IN ('CPUUtilization', 'DatabaseConnections', 'FreeableMemory') AND service <> ''
    AND NOT regexp_matches(service, '^db-[A-Z0-9]{10,}$')
  HAVING count(DISTINCT service) = 1
)
SELECT CASE WHEN regexp_matches(service, '^db-[A-Z0-9]{10,}$') THEN coalesce(only_one, service)
    ELSE service END AS name, coalesce(v[1], v[2], v[3], v[4], v[5]) AS statement,
  coalesce(v[6], v[7], v[8], CASE metric WHEN 'DBLoadCPU' THEN 'CPU' END) AS wait,
  round(max(mean), 2) AS load, round(max(high), 2) AS peak, max(seen_at) AS seen_at
FROM (
  SELECT *, json_extract_string(attributes, ['/db.query.text', '/db.sql.statement',
    '/db.sql_tokenized.statement', '/db.sql', '/db.statement', '/db.wait_event',
    '/db.wait_event.name', '/db.wait_event_name', '/db.user', '/db.user.name', '/user.name',
    '/db.host', '/db.host.name', '/db.host.id', '/host.name', '/client.address',
    '/db.application.name', '/db.namespace', '/db.name', '/db']) AS v
  FROM series
  WHERE metric IN ('db.load', 'db.load.avg', 'DBLoad', 'DBLoadCPU')
) LEFT JOIN known ON true
WHERE len(list_filter(v[9:], lambda other: other IS NOT NULL)) = 0
GROUP BY name, statement, wait
