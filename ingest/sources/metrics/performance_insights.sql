-- name: performance_insights
-- reads: json
-- class: metric_point
-- product: AWS / Performance Insights
-- sniff: "(?:db_?[lL]oad|top_?[sS]ql|top_?[wW]ait_?[eE]vents|AlignedStartTime|PartitionKeys)"\s*:
-- sniff: "(?:timestamps|statement|sql_text|wait_events|waitEvents|db_?[lL]oad(?:_?[aA]vg)?|MetricList|Keys)"\s*:\s*[\[{"\d]
-- https://docs.aws.amazon.com/performance-insights/latest/APIReference/API_GetResourceMetrics.html
-- https://docs.aws.amazon.com/performance-insights/latest/APIReference/API_DescribeDimensionKeys.html
-- What a database does, in average active sessions (AAS): `aws pi get-resource-metrics` and
-- `describe-dimension-keys`, and the summaries that tools make of them: the load over time, the top
-- statements with their waits, the top waits, users, hosts. All are the metric db.load; attributes
-- say what part of it: db.wait_event, db.wait_event_type, db.sql, db.sql_id, db.user, db.host, db.name.
-- What is told of a whole span of time is a point at its end; `over` says so. Whatever else is told
-- of a statement in numbers is the metric db.sql.stats. and its name.
WITH documents AS (
  SELECT position, ingested_at,
    CASE WHEN json_type(doc, '$.data') = 'OBJECT' THEN doc->'$.data' ELSE doc END AS doc
  FROM raw
),
framed AS (
  SELECT *,
    first_of(doc, ['/db_instance_identifier', '/dbInstanceIdentifier', '/DBInstanceIdentifier',
      '/db_instance', '/instance_id', '/instance', '/identifier', '/Identifier', '/resource_id'])
                                                           AS database,
    first_of(doc, ['/start_time', '/startTime', '/AlignedStartTime']) AS begun,
    first_of(doc, ['/end_time', '/endTime', '/AlignedEndTime', '/timestamp']) AS ended
  FROM documents
),
loads AS (   -- {"timestamps": [...], "values": [...]}, or a list of points
  SELECT *, coalesce(doc->'$.db_load', doc->'$.dbLoad', doc->'$.DBLoad') AS load FROM framed
),
over_time AS (
  SELECT position, ingested_at, database, begun, unnest(CASE json_type(load)
      WHEN 'OBJECT' THEN list_zip(coalesce(load->>'$.timestamps[*]', []),
        coalesce(load->>'$.values[*]', []))
      WHEN 'ARRAY' THEN list_transform(json_extract(load, '$[*]'), lambda p:
        (first_of(p, ['/timestamp', '/Timestamp', '/time']),
         first_of(p, ['/value', '/Value', '/load', '/db_load']))) END) AS pair
  FROM loads
),
shared AS (   -- what had what share of the load
  SELECT position, ingested_at, database, begun, ended, 'db.wait_event' AS part, unnest(list_concat(
    doc->'$.top_wait_events[*]', doc->'$.topWaitEvents[*]', doc->'$.top_waits[*]',
    doc->'$.wait_events[*]')) AS one
  FROM framed
  UNION ALL
  SELECT position, ingested_at, database, begun, ended, 'db.user', unnest(list_concat(
    doc->'$.top_users[*]', doc->'$.topUsers[*]'))
  FROM framed
  UNION ALL
  SELECT position, ingested_at, database, begun, ended, 'db.host', unnest(list_concat(
    doc->'$.top_hosts[*]', doc->'$.topHosts[*]'))
  FROM framed
  UNION ALL
  SELECT position, ingested_at, database, begun, ended, 'db.name', unnest(list_concat(
    doc->'$.top_databases[*]', doc->'$.topDatabases[*]'))
  FROM framed
),
statements AS (
  SELECT position, ingested_at, database, begun, ended, unnest(list_concat(doc->'$.top_sql[*]',
    doc->'$.topSql[*]', doc->'$.topSQL[*]', doc->'$.top_queries[*]')) AS one,
    first_of(one, ['/statement', '/sql', '/sql_text', '/query', '/db.sql.statement',
      '/db.sql_tokenized.statement'])                      AS text,
    first_of(one, ['/sql_id', '/id', '/digest', '/sqlId']) AS id
  FROM framed
),
keys AS (   -- DescribeDimensionKeys: a key's total and what part of it each partition has
  SELECT position, ingested_at, database, begun, ended, doc, unnest(doc->'$.Keys[*]') AS one
  FROM framed
),
answers AS (   -- GetResourceMetrics
  SELECT position, ingested_at, database, begun, unnest(doc->'$.MetricList[*]') AS one FROM framed
),
points AS (
  SELECT position, ingested_at, database, begun, pair[1] AS "at", 'db.load' AS name,
    pair[2] AS number, NULL::JSON AS dimensions, false AS is_over
  FROM over_time
  UNION ALL BY NAME
  SELECT position, ingested_at, database, begun, ended AS "at", 'db.load' AS name,
    load_of(one) AS number, to_json(map([part], [first_of(one, ['/name', '/id', '/event'])]))
    AS dimensions, true AS is_over, one->>'$.type' AS wait_type
  FROM shared
  UNION ALL BY NAME
  SELECT position, ingested_at, database, begun, ended AS "at", 'db.load' AS name,
    load_of(one) AS number, to_json({'db.sql': text, 'db.sql_id': id}) AS dimensions,
    true AS is_over
  FROM statements
  UNION ALL BY NAME
  SELECT position, ingested_at, database, begun, ended AS "at", 'db.load' AS name,
    load_of(wait) AS number, to_json({'db.sql': text, 'db.sql_id': id,
      'db.wait_event': first_of(wait, ['/name', '/event'])}) AS dimensions, true AS is_over,
    wait->>'$.type' AS wait_type
  FROM (SELECT *, unnest(list_concat(one->'$.wait_events[*]', one->'$.waitEvents[*]',
    one->'$.waits[*]')) AS wait FROM statements)
  UNION ALL BY NAME
  SELECT position, ingested_at, database, begun, ended AS "at", 'db.sql.stats.' || e.key AS name,
    e."value"->>'$' AS number, to_json({'db.sql': text, 'db.sql_id': id}) AS dimensions,
    true AS is_over
  FROM (SELECT *, unnest(map_entries(from_json(one, '"MAP(VARCHAR, JSON)"'))) AS e FROM statements)
  WHERE json_type(e."value") IN ('DOUBLE', 'BIGINT', 'UBIGINT')
    AND NOT regexp_matches(e.key, '(?i)load|^id$')
  UNION ALL BY NAME
  SELECT position, ingested_at, database, begun, ended AS "at", 'db.load' AS name,
    one->>'$.Total' AS number, one->'$.Dimensions' AS dimensions, true AS is_over
  FROM keys
  UNION ALL BY NAME
  SELECT position, ingested_at, database, begun, ended AS "at", 'db.load' AS name,
    part[1] AS number, json_merge_patch(one->'$.Dimensions', part[2]) AS dimensions, true AS is_over
  FROM (SELECT *, unnest(list_zip(one->>'$.Partitions[*]', doc->'$.PartitionKeys[*].Dimensions'))
    AS part FROM keys)
  UNION ALL BY NAME
  SELECT position, ingested_at, database, begun, p->>'$.Timestamp' AS "at",
    regexp_replace(one->>'$.Key.Metric', '^db\.load\.avg$', 'db.load') AS name,
    p->>'$.Value' AS number, one->'$.Key.Dimensions' AS dimensions, false AS is_over
  FROM (SELECT *, unnest(one->'$.DataPoints[*]') AS p FROM answers)
),
named AS (
  SELECT *, coalesce(sorted_object(filled(json_merge_patch(coalesce(insight_dimensions(dimensions),
    '{}'), coalesce(filled({'db.wait_event_type': wait_type}), '{}')))), '{}') AS attributes
  FROM points
)
SELECT
  position,
  ingested_at,
  any_time("at")                                           AS "time",
  1                                                        AS activity_id,
  1                                                        AS severity_id,
  0                                                        AS status_id,
  {'service': database}                                    AS workload,
  series_of(name, concat(database, attributes))            AS series_uid,
  name                                                     AS metric_name,
  CASE WHEN name = 'db.load' THEN 'AAS' END                AS unit,
  'gauge'                                                  AS metric_type,
  CASE WHEN is_over THEN any_time(begun) END               AS start_time,
  decimal_number(number)                                   AS "value",
  attributes,
  CASE WHEN is_over THEN '{"over":true}' END               AS unmapped,
  CASE WHEN "at" IS NULL THEN 'it says of no time'
    WHEN number IS NULL AND NOT is_over THEN ''            -- no session was counted
    WHEN decimal_number(number) IS NULL THEN 'the load is no number' END AS problem
FROM named
UNION ALL BY NAME
SELECT position, ingested_at, NULL::TIMESTAMPTZ AS "time", CASE
  WHEN json_array_length(doc, '$.MetricList') = 0 OR json_array_length(doc, '$.Keys') = 0 THEN ''
  ELSE 'the document tells no load of a database' END      AS problem
FROM framed
WHERE position NOT IN (SELECT position FROM points)
