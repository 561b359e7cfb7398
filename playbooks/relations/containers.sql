-- Every container of every pod, as its status and its spec tell of it: one row a container.
-- `waiting_*` and `ended_*` are how it is now, `last_*` how it ended before.
WITH each AS (
  SELECT kind, namespace, name, seen_at, service, node,
    unnest(json_extract(container_states, '$[*]')) AS c,
    json_extract(object, '$.spec.containers[*]') AS mains,
    json_extract(object, '$.spec.initContainers[*]') AS inits,
    CASE WHEN object IS NULL THEN string_split(regexp_replace(chr(10) || '  '
      || (described->>'$.Containers'), '\n  (\S+):[ ]*\n', chr(2) || '\1' || chr(10), 'g'), chr(2))
      END AS blocks
  FROM objects
  WHERE kind = 'Pod' AND container_states IS NOT NULL
),
told AS (   -- what `kubectl describe` writes of a container
  SELECT *, list_filter(blocks,
    lambda b: starts_with(b, (c->>'$.name') || chr(10)))[1] AS block
  FROM each
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
  coalesce(list_filter(list_concat(mains, inits),
      lambda s: json_extract_string(s, '$.name') = json_extract_string(c, '$.name'))[1],
    CASE WHEN block <> '' THEN to_json({'name': c->>'$.name', 'image': c->>'$.image',
      'resources': {
        'limits': {
          'cpu': nullif(regexp_extract(block, '\n +Limits:\n(?: +\S+: +\S+\n)*? +cpu: +(\S+)', 1), ''),
          'memory': nullif(regexp_extract(block, '\n +Limits:\n(?: +\S+: +\S+\n)*? +memory: +(\S+)', 1), '')},
        'requests': {
          'cpu': nullif(regexp_extract(block, '\n +Requests:\n(?: +\S+: +\S+\n)*? +cpu: +(\S+)', 1), ''),
          'memory': nullif(regexp_extract(block, '\n +Requests:\n(?: +\S+: +\S+\n)*? +memory: +(\S+)', 1), '')}},
      'ports': list_transform(regexp_extract_all(regexp_extract(block, '\n +Ports?: +([^\n]*)', 1), '(\d+)/', 1),
        lambda one: {'containerPort': one}),
      'livenessProbe': {'httpGet': {'port': nullif(regexp_extract(block,
        '\n +Liveness: +(?:http-get https?://[^/: ]*|tcp-socket [^: ]*):(\d+)\b', 1), '')}},
      'readinessProbe': {'httpGet': {'port': nullif(regexp_extract(block,
        '\n +Readiness: +(?:http-get https?://[^/: ]*|tcp-socket [^: ]*):(\d+)\b', 1), '')}},
      'startupProbe': {'httpGet': {'port': nullif(regexp_extract(block,
        '\n +Startup: +(?:http-get https?://[^/: ]*|tcp-socket [^: ]*):(\d+)\b', 1), '')}},
      'env': list_transform(regexp_extract_all(
        regexp_extract(block, '\n +Environment:\n((?:      +\S[^\n]*(?:\n|$))*)', 1), '(?:^|\n) +([\w.-]+: [^\n]*)', 1),
        lambda e: {'name': split_part(e, ':', 1), 'value': trim(regexp_extract(e, ':(.*)', 1))})}) END) AS spec,
  len(list_filter(inits,
    lambda s: json_extract_string(s, '$.name') = json_extract_string(c, '$.name'))) > 0 AS is_init
FROM told
