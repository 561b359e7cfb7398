-- name: vpc_flow_default
-- reads: lines
-- class: network_activity
-- product: AWS / Amazon VPC
-- sniff: ^(\S+ )?2 (\d{12}|unknown) eni-\S+( \S+){9} (ACCEPT|REJECT|-) (OK|NODATA|SKIPDATA)$
-- https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
-- The default format, version 2, without a first line that names the fields, as in CloudWatch Logs;
-- an export of those puts the time of ingestion before it.
WITH split AS (
  SELECT position, ingested_at, string_split(line, ' ') AS words,
    CASE WHEN len(words) = 15 THEN words[2:] ELSE words END AS given_values
  FROM raw
),
flows AS (
  SELECT position, ingested_at,
    len(given_values) = 14 AND given_values[1] = '2'       AS is_default,
    vpc_flow(CASE WHEN is_default THEN map(
      ['version', 'account_id', 'interface_id', 'srcaddr', 'dstaddr', 'srcport', 'dstport',
       'protocol', 'packets', 'bytes', 'start', 'end', 'action', 'log_status'], given_values)
      ELSE map([]::VARCHAR[], []::VARCHAR[]) END)          AS flow
  FROM split
)
SELECT position, ingested_at, flow.* EXCLUDE (problem),
  CASE WHEN NOT is_default THEN 'the line is not in the default format, which has 14 fields'
    ELSE flow.problem END                                  AS problem
FROM flows
