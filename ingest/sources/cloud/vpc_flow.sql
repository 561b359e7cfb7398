-- name: vpc_flow
-- reads: csv
-- class: network_activity
-- product: AWS / Amazon VPC
-- sniff: ^[a-z_, -]*\binterface[-_]id\b[a-z_, -]*$
-- https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
-- Fields of versions 2 to 9 in any order that the first line names: with spaces between, as in S3,
-- or commas, as Athena writes them. A line of fields with spaces is one text under one name.
WITH named AS (
  SELECT position, ingested_at,
    map_keys(fields)[1] LIKE '% %'                         AS is_spaced,
    CASE WHEN is_spaced THEN string_split(map_keys(fields)[1], ' ')
      ELSE map_keys(fields) END                            AS names,
    CASE WHEN is_spaced THEN string_split(map_values(fields)[1], ' ')
      ELSE map_values(fields) END                          AS given_values
  FROM raw
),
flows AS (
  SELECT position, ingested_at, len(names) AS expected, len(given_values) AS found,
    vpc_flow(CASE WHEN found = expected THEN
      map(list_transform(names, lambda n: replace(lower(trim(n)), '-', '_')), given_values)
      ELSE map([]::VARCHAR[], []::VARCHAR[]) END)          AS flow
  FROM named
)
SELECT position, ingested_at, flow.* EXCLUDE (problem),
  CASE WHEN found <> expected THEN 'it has ' || found || ' fields, the first line ' || expected
    ELSE flow.problem END                                  AS problem
FROM flows
