-- name: cloudwatch_get_metric_data
-- reads: json
-- class: metric_point
-- product: AWS / CloudWatch
-- sniff: "MetricDataResults"\s*:
-- https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
-- What `aws cloudwatch get-metric-data` prints. Of a metric it tells the query's label and id and
-- nothing else, so these are its name and attribute. Times in ISO form or as epoch numbers.
WITH parsed AS (
  SELECT position, ingested_at,
    from_json(doc, '{"MetricDataResults": [{"Id": "VARCHAR", "Label": "VARCHAR",
      "Timestamps": ["VARCHAR"], "Values": ["VARCHAR"], "StatusCode": "VARCHAR",
      "Messages": "JSON"}], "Messages": "JSON", "NextToken": "VARCHAR"}') AS answer
  FROM raw
),
results AS (
  SELECT position, ingested_at, answer."Messages" AS of_answer, answer."NextToken" AS next_token,
    unnest(CASE WHEN len(answer."MetricDataResults") > 0 THEN answer."MetricDataResults"
      ELSE [NULL] END) AS one
  FROM parsed
),
points AS (
  SELECT * EXCLUDE (one), one.*,
    CASE
      WHEN one IS NULL THEN 'the document has no results of metrics'
      WHEN len(one."Timestamps") IS DISTINCT FROM len(one."Values")
        THEN 'there are not as many values as times'
      WHEN one."StatusCode" IN ('InternalError', 'Forbidden')
        THEN 'CloudWatch answered ' || one."StatusCode"
      WHEN len(one."Values") = 0 THEN ''   -- nothing to map
    END AS problem,
    unnest(CASE WHEN problem IS NULL THEN list_zip(one."Timestamps", one."Values")
      ELSE [NULL] END) AS pair
  FROM results
),
named AS (
  SELECT * EXCLUDE (pair), pair[1] AS "at", pair[2] AS "value",
    coalesce("Label", "Id") AS name, to_json({'Id': "Id"})::VARCHAR AS attributes
  FROM points
)
SELECT
  position,
  ingested_at,
  any_time("at")                           AS "time",
  1                                        AS activity_id,
  1                                        AS severity_id,
  0                                        AS status_id,
  series_of(name, attributes)              AS series_uid,
  name                                     AS metric_name,
  'gauge'                                  AS metric_type,
  decimal_number("value")                  AS "value",
  attributes,
  filled({'StatusCode': nullif("StatusCode", 'Complete'), 'NextToken': next_token,
    'Messages': "Messages", 'AnswerMessages': of_answer}) AS unmapped,
  coalesce(problem, CASE WHEN decimal_number("value") IS NULL THEN 'the value is no number' END)
    AS problem
FROM named
