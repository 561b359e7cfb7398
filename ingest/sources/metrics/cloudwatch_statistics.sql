-- name: cloudwatch_statistics
-- reads: json
-- class: metric_point
-- product: AWS / CloudWatch
-- sniff: "Datapoints"\s*:
-- sniff: "Label"\s*:
-- https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
-- What `aws cloudwatch get-metric-statistics` prints: the statistics that were asked for, of which
-- the value is the average or else the first that is there; `statistic` says which it is.
WITH parsed AS (
  SELECT position, ingested_at,
    from_json(doc, '{"Label": "VARCHAR", "Datapoints": ["JSON"]}') AS answer
  FROM raw
),
points AS (
  SELECT position, ingested_at, answer."Label" AS name,
    CASE
      WHEN answer."Datapoints" IS NULL OR answer."Label" IS NULL
        THEN 'the document has no statistics of a metric'
      WHEN len(answer."Datapoints") = 0 THEN ''   -- nothing to map
    END AS problem,
    unnest(CASE WHEN problem IS NULL THEN answer."Datapoints" ELSE [NULL] END) AS point
  FROM parsed
),
found AS (
  SELECT *,
    ['Average', 'Sum', 'Maximum', 'Minimum', 'SampleCount'] AS statistics,
    list_transform(json_extract_string(point, list_transform(statistics, lambda s: '$.' || s)),
      lambda text: decimal_number(text)) AS given,
    list_position(list_transform(given, lambda g: g IS NOT NULL), true) AS told
  FROM points
)
SELECT
  position,
  ingested_at,
  any_time(point->>'$.Timestamp')          AS "time",
  1                                        AS activity_id,
  1                                        AS severity_id,
  0                                        AS status_id,
  series_of(name, '{}')                    AS series_uid,
  name                                     AS metric_name,
  cloudwatch_unit(point->>'$.Unit')        AS unit,
  CASE WHEN given[2] IS NOT NULL AND given[5] IS NOT NULL THEN 'summary' ELSE 'gauge' END
                                           AS metric_type,
  given[told]                              AS "value",
  given[2]                                 AS "sum",
  whole(given[5])                          AS "count",
  given[4]                                 AS "min",
  given[3]                                 AS "max",
  '{}'                                     AS attributes,
  filled({'statistic': statistics[told], 'unit': point->>'$.Unit',
    'ExtendedStatistics': point->'$.ExtendedStatistics'}) AS unmapped,
  coalesce(problem, CASE WHEN told IS NULL AND NOT json_exists(point, '$.ExtendedStatistics')
    THEN 'the point has no statistic that is a number' END) AS problem
FROM found
