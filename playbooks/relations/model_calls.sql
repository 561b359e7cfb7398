-- Calls of language models, embeddings, tools and agents from $start to $end, by OpenTelemetry's GenAI
-- conventions (stable names and those before): one row a span; `error` is '' where it went well.
SELECT service, namespace, seen_at, is_during, trace_uid, ms, ask[1] AS operation,
  coalesce(ask[2], ask[3], '') AS model, coalesce(ask[4], ask[5], '') AS provider,
  coalesce(ask[6], '') AS tool, try_cast(coalesce(ask[7], ask[8]) AS BIGINT) AS input_tokens,
  try_cast(coalesce(ask[9], ask[10]) AS BIGINT) AS output_tokens,
  coalesce(ask[11], '') AS finish, coalesce(ask[12], '') AS arguments,
  CASE WHEN status_id = 2 OR ask[13] IS NOT NULL
    THEN left(concat_ws(' ', span_name, 'failed:', ask[13], detail, said[1]), 1000) ELSE '' END AS error
FROM (
  SELECT coalesce(workload.service, '') AS service, coalesce(workload.namespace, '') AS namespace,
    time AS seen_at, time >= $since AS is_during, trace_uid, duration_ns / 1e6 AS ms, status_id,
    span_name, nullif(status_detail, '') AS detail,
    json_extract_string(attributes, ['/gen_ai.operation.name', '/gen_ai.request.model',
      '/gen_ai.response.model', '/gen_ai.provider.name', '/gen_ai.system', '/gen_ai.tool.name',
      '/gen_ai.usage.input_tokens', '/gen_ai.usage.prompt_tokens', '/gen_ai.usage.output_tokens',
      '/gen_ai.usage.completion_tokens', '/gen_ai.response.finish_reasons',
      '/gen_ai.tool.call.arguments', '/error.type']) AS ask,
    json_extract_string(span_events, '$[*].attributes."exception.message"') AS said
  FROM trace_span
  WHERE time >= $start AND time < $end AND contains(attributes, '"gen_ai.')
    AND workload.service IS DISTINCT FROM 'inquest'
)
