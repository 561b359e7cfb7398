-- Every container of every pod, as its status and its spec tell of it: one row a container.
-- `waiting_*` and `ended_*` are how it is now, `last_*` how it ended before.
WITH each AS (
  SELECT kind, namespace, name, seen_at, service, node,
    unnest(json_extract(container_states, '$[*]')) AS c,
    json_extract(object, '$.spec.containers[*]') AS mains,
    json_extract(object, '$.spec.initContainers[*]') AS inits
  FROM objects
  WHERE kind = 'Pod' AND container_states IS NOT NULL
)
SELECT kind, namespace, name, seen_at, service, node,
  c->>'$.name'                                             AS container,
  coalesce(try_cast(c->>'$.restartCount' AS BIGINT), 0)    AS restarts,
  (c->>'$.ready') = 'true'                                 AS is_ready,
  c->>'$.state.waiting.reason'                             AS waiting_reason,
  c->>'$.state.waiting.message'                            AS waiting_message,
  c->>'$.state.terminated.reason'                          AS ended_reason,
  try_cast(c->>'$.state.terminated.exitCode' AS BIGINT)    AS exit_code,
  c->>'$.state.terminated.message'                         AS ended_message,
  c->>'$.lastState.terminated.reason'                      AS last_reason,
  try_cast(c->>'$.lastState.terminated.exitCode' AS BIGINT) AS last_exit_code,
  c->>'$.lastState.terminated.message'                     AS last_message,
  coalesce(try_cast(c->>'$.state.terminated.finishedAt' AS TIMESTAMPTZ),
    try_cast(c->>'$.lastState.terminated.finishedAt' AS TIMESTAMPTZ)) AS ended_at,
  c->>'$.image'                                            AS image,
  list_filter(list_concat(mains, inits),
    lambda s: json_extract_string(s, '$.name') = json_extract_string(c, '$.name'))[1] AS spec,
  len(list_filter(inits,
    lambda s: json_extract_string(s, '$.name') = json_extract_string(c, '$.name'))) > 0 AS is_init
FROM each
