-- name: histories_flags
-- reads: json
-- class: application_lifecycle
-- files: flags.json
-- A list of feature flags that were turned.
SELECT
  position,
  ingested_at,
  any_time(flag->>'$.timestamp')                        AS "time",
  8                                                     AS activity_id,
  1                                                     AS severity_id,
  1                                                     AS status_id,
  concat_ws(' ', flag->>'$.flag', flag->>'$.change')    AS message,
  {'uid': uid, 'correlation_uid': uid}                  AS metadata,
  {'service': flag->>'$.service'}                       AS workload,
  {'name': flag->>'$.service', 'feature': {'name': flag->>'$.flag'}} AS app,
  {'user': {'name': flag->>'$.actor'}}                  AS actor,
  {'uid': uid, 'kind': 'flag', 'state': 'success'}      AS change,
  CASE WHEN flag->>'$.flag' IS NULL THEN 'the flag has no name' END AS problem
FROM (
  SELECT *, concat_ws('@', flag->>'$.flag', flag->>'$.timestamp') AS uid
  FROM (SELECT position, ingested_at, unnest(
    CASE WHEN json_type(doc) = 'ARRAY' THEN doc->'$[*]' ELSE [doc] END) AS flag FROM raw))
