-- name: cloudwatch_get_metric_data
-- reads: json
-- class: metric_point
-- product: AWS / CloudWatch
-- sniff: "(?:MetricDataResults|metric_data_results|metricDataResults)"\s*:
-- https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
-- What `aws cloudwatch get-metric-data` prints, and tools in snake or camel case. AWS tells of a
-- metric the query's label and id and nothing else, so these are its name and attribute; tools add
-- its name, dimensions, unit and statistic, perhaps once for all. Times in ISO form or as epoch
-- numbers.
WITH parsed AS (
  SELECT position, ingested_at, from_json(doc, '{"Messages": "JSON", "NextToken": "VARCHAR"}') AS answer,
    first_of(doc, ['/region', '/Region'])                  AS region,
    first_of(doc, ['/account_id', '/accountId', '/account']) AS account,
    first_of(doc, ['/namespace', '/Namespace'])            AS namespace,
    list_transform(coalesce(doc->'$.MetricDataResults[*]', []) || coalesce(doc->'$.metric_data_results[*]', [])
      || coalesce(doc->'$.metricDataResults[*]', []), lambda r: {
      'Id': first_of(r, ['/Id', '/id']), 'Label': first_of(r, ['/Label', '/label']),
      'Timestamps': coalesce(json_extract_string(r, '$.Timestamps[*]'), []) || coalesce(json_extract_string(r, '$.timestamps[*]'), []),
      'Values': coalesce(json_extract_string(r, '$.Values[*]'), []) || coalesce(json_extract_string(r, '$.values[*]'), []),
      'StatusCode': first_of(r, ['/StatusCode', '/status_code', '/statusCode']),
      'Messages': json_extract(r, '$.Messages'),
      'metric': first_of(r, ['/metric_name', '/metricName', '/MetricName']),
      'unit': first_of(r, ['/unit', '/Unit']), 'stat': first_of(r, ['/stat', '/Stat', '/statistic']),
      'dimensions': cloudwatch_dimensions(coalesce(json_extract(r, '$.dimensions'),
        json_extract(r, '$.Dimensions'), json_extract(doc, '$.dimensions')))}) AS found
  FROM raw
),
results AS (
  SELECT * EXCLUDE (answer, found), answer."Messages" AS of_answer, answer."NextToken" AS next_token,
    unnest(CASE WHEN len(found) > 0 THEN found ELSE [NULL] END) AS one
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
    coalesce(metric, "Label", "Id") AS name,
    CASE WHEN metric IS NULL AND dimensions IS NULL THEN to_json({'Id': "Id"})::VARCHAR
      ELSE coalesce(sorted_object(filled(json_merge_patch(coalesce(dimensions, '{}'),
        coalesce(filled({'stat': stat}), '{}')))), '{}') END AS attributes
  FROM points
)
SELECT
  position,
  ingested_at,
  any_time("at")                           AS "time",
  1                                        AS activity_id,
  1                                        AS severity_id,
  0                                        AS status_id,
  CASE WHEN dimensions IS NOT NULL THEN cloudwatch_workload(dimensions, region, account) END
                                           AS workload,
  series_of(name, attributes)              AS series_uid,
  name                                     AS metric_name,
  cloudwatch_unit(unit)                    AS unit,
  'gauge'                                  AS metric_type,
  decimal_number("value")                  AS "value",
  attributes,
  filled({'StatusCode': nullif("StatusCode", 'Complete'), 'NextToken': next_token,
    'Messages': "Messages", 'AnswerMessages': of_answer, 'namespace': namespace}) AS unmapped,
  coalesce(problem, CASE WHEN decimal_number("value") IS NULL THEN 'the value is no number' END)
    AS problem
FROM named
