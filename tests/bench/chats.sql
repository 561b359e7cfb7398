-- In which node of the run $trace each call of a model was made, in the order of the calls.
WITH RECURSIVE up AS (
  SELECT span_uid AS chat, start_time_ns, parent_span_uid AS above, '' AS node
  FROM trace_span
  WHERE trace_uid = $trace
    AND json_extract_string(attributes, '$."gen_ai.operation.name"') = 'chat'
  UNION ALL
  SELECT chat, up.start_time_ns, parent_span_uid,
    coalesce(json_extract_string(attributes, '$."inquest.node.name"'), '')
  FROM up JOIN trace_span ON trace_uid = $trace AND span_uid = above
  WHERE node = ''
)
SELECT chat, coalesce(max(node), '') AS node
FROM up
GROUP BY chat, start_time_ns
ORDER BY start_time_ns, chat
