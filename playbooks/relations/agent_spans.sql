-- What agents did from $start to $end, one row a span, whatever convention it was written by:
-- OpenTelemetry's GenAI https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ (with the
-- names it had before v1.37, and Bedrock's and AgentCore's, which are written by it);
-- OpenLLMetry https://github.com/traceloop/openllmetry/tree/main/packages/opentelemetry-semantic-conventions-ai
-- (LangChain, LangGraph, CrewAI; at first `llm.*` for `gen_ai.*`);
-- OpenInference https://arize-ai.github.io/openinference/spec/attributes/semantic-conventions.html;
-- and Inquest's own.
-- `operation` is workflow, agent, chat, embeddings, tool, retrieval or node (any other step). Where
-- several libraries wrote one call, or an agent sums up its calls, the innermost span is the call and
-- has its tokens and its price. `agent`, `node` and `conversation` hold for all that is beneath.
-- Tokens, `usd` and `first_token_ms` are NULL where nobody says, or less than nothing is said; input
-- tokens include cached ones. That a budget is spent ends a span and is no error.
-- A span that was sent twice is one. An answer that was replayed is counted once in a trace, and only
-- where the span that paid for it is missing. `is_due` is whether a span is to be paid: not a call that
-- was refused with a status or that never reached its provider, nor what is counted elsewhere.
-- A run is a trace; one of Inquest's is what it says itself, in parts: what was killed, what went on.
WITH RECURSIVE written AS MATERIALIZED (
  SELECT trace_uid, span_uid, nullif(parent_span_uid, '') AS parent_span_uid, time, start_time_ns,
    duration_ns, span_name, status_id, status_detail, span_events, workload,
    CASE WHEN regexp_matches(attributes, '"(gen_ai|llm|traceloop|openinference|mcp|inquest)\.')
      AND json_valid(attributes) THEN from_json(attributes, '{
        "gen_ai.operation.name": "VARCHAR", "openinference.span.kind": "VARCHAR",
        "traceloop.span.kind": "VARCHAR", "llm.request.type": "VARCHAR", "mcp.method.name": "VARCHAR",
        "inquest.node.name": "VARCHAR", "graph.node.name": "VARCHAR", "graph.node.id": "VARCHAR",
        "traceloop.association.properties.langgraph_node": "VARCHAR", "metadata": "VARCHAR",
        "gen_ai.agent.name": "VARCHAR", "gen_ai.workflow.name": "VARCHAR", "agent.name": "VARCHAR",
        "gen_ai.agent.id": "VARCHAR", "traceloop.entity.name": "VARCHAR",
        "traceloop.workflow.name": "VARCHAR", "gen_ai.tool.name": "VARCHAR", "tool.name": "VARCHAR",
        "gen_ai.tool.call.arguments": "VARCHAR", "tool.parameters": "VARCHAR",
        "traceloop.entity.input": "VARCHAR", "input.value": "VARCHAR",
        "gen_ai.request.model": "VARCHAR", "gen_ai.response.model": "VARCHAR",
        "llm.request.model_name": "VARCHAR", "llm.model_name": "VARCHAR",
        "llm.response.model_name": "VARCHAR", "embedding.model_name": "VARCHAR",
        "llm.request.model": "VARCHAR", "llm.response.model": "VARCHAR",
        "gen_ai.provider.name": "VARCHAR", "gen_ai.system": "VARCHAR", "llm.provider": "VARCHAR",
        "llm.system": "VARCHAR", "llm.vendor": "VARCHAR",
        "gen_ai.conversation.id": "VARCHAR", "session.id": "VARCHAR",
        "traceloop.association.properties.session_id": "VARCHAR",
        "traceloop.association.properties.thread_id": "VARCHAR",
        "gen_ai.usage.input_tokens": "VARCHAR", "gen_ai.usage.prompt_tokens": "VARCHAR",
        "llm.token_count.prompt": "VARCHAR", "llm.usage.prompt_tokens": "VARCHAR",
        "gen_ai.usage.output_tokens": "VARCHAR", "gen_ai.usage.completion_tokens": "VARCHAR",
        "llm.token_count.completion": "VARCHAR", "llm.usage.completion_tokens": "VARCHAR",
        "llm.usage.total_tokens": "VARCHAR", "gen_ai.usage.total_tokens": "VARCHAR",
        "llm.token_count.total": "VARCHAR",
        "gen_ai.usage.cache_read.input_tokens": "VARCHAR",
        "gen_ai.usage.cache_read_input_tokens": "VARCHAR",
        "llm.token_count.prompt_details.cache_read": "VARCHAR",
        "gen_ai.usage.cache_creation.input_tokens": "VARCHAR",
        "gen_ai.usage.cache_creation_input_tokens": "VARCHAR",
        "llm.token_count.prompt_details.cache_write": "VARCHAR",
        "inquest.cost.usd": "VARCHAR", "llm.cost.total": "VARCHAR", "gen_ai.usage.cost": "VARCHAR",
        "gen_ai.response.time_to_first_chunk": "VARCHAR", "gen_ai.response.id": "VARCHAR",
        "gen_ai.response.finish_reasons": "VARCHAR", "llm.response.finish_reason": "VARCHAR",
        "llm.finish_reason": "VARCHAR", "error.type": "VARCHAR",
        "inquest.chat.replayed": "VARCHAR", "inquest.report.id": "VARCHAR",
        "inquest.verdict": "VARCHAR", "inquest.channel": "VARCHAR",
        "inquest.run.root": "VARCHAR"}') END AS a
  FROM trace_span
  WHERE time >= $start AND time < $end
    AND trace_uid IN (SELECT trace_uid FROM trace_span WHERE time >= $start AND time < $end
      AND regexp_matches(attributes, '"(gen_ai|llm|traceloop|openinference|mcp|inquest)\.'))
  QUALIFY span_uid IS NULL OR row_number() OVER (
    PARTITION BY trace_uid, span_uid ORDER BY a IS NULL, duration_ns DESC, attributes, status_id) = 1
),
named AS MATERIALIZED (
  SELECT * EXCLUDE a,
    lower(coalesce(a."gen_ai.operation.name", a."openinference.span.kind", a."traceloop.span.kind",
      a."llm.request.type", a."mcp.method.name", '')) AS said,
    coalesce(a."inquest.node.name", a."graph.node.name", a."graph.node.id",
      a."traceloop.association.properties.langgraph_node",
      CASE WHEN contains(a.metadata, 'langgraph_node') AND json_valid(a.metadata)
        THEN json_extract_string(a.metadata, '/langgraph_node') END) AS node,
    coalesce(a."gen_ai.agent.name", a."agent.name", a."gen_ai.workflow.name",
      CASE WHEN a."traceloop.span.kind" IN ('agent', 'workflow') THEN a."traceloop.entity.name" END,
      a."traceloop.workflow.name", a."gen_ai.agent.id") AS agent,
    coalesce(a."gen_ai.tool.name", a."tool.name", CASE
      WHEN a."traceloop.span.kind" = 'tool' THEN a."traceloop.entity.name"
      WHEN a."mcp.method.name" = 'tools/call' THEN span_name END, '') AS tool,
    left(coalesce(a."gen_ai.tool.call.arguments", a."tool.parameters",
      a."traceloop.entity.input", a."input.value", ''), 2000) AS arguments,
    coalesce(a."gen_ai.request.model", a."llm.request.model_name", a."llm.model_name",
      a."llm.request.model", a."embedding.model_name", a."gen_ai.response.model",
      a."llm.response.model_name", a."llm.response.model", '') AS model,
    lower(coalesce(a."gen_ai.provider.name", a."gen_ai.system", a."llm.provider", a."llm.system",
      a."llm.vendor", '')) AS provider,
    coalesce(a."gen_ai.conversation.id", a."session.id",
      a."traceloop.association.properties.session_id",
      a."traceloop.association.properties.thread_id") AS conversation,
    try_cast(coalesce(a."gen_ai.usage.input_tokens", a."gen_ai.usage.prompt_tokens",
      a."llm.token_count.prompt", a."llm.usage.prompt_tokens") AS UINTEGER)::BIGINT AS input_tokens,
    try_cast(coalesce(a."gen_ai.usage.output_tokens", a."gen_ai.usage.completion_tokens",
      a."llm.token_count.completion", a."llm.usage.completion_tokens") AS UINTEGER)::BIGINT AS output_tokens,
    try_cast(coalesce(a."llm.usage.total_tokens", a."gen_ai.usage.total_tokens",
      a."llm.token_count.total") AS UINTEGER)::BIGINT AS total_tokens,
    try_cast(coalesce(a."gen_ai.usage.cache_read.input_tokens",
      a."gen_ai.usage.cache_read_input_tokens",
      a."llm.token_count.prompt_details.cache_read") AS UINTEGER)::BIGINT AS cache_read_tokens,
    try_cast(coalesce(a."gen_ai.usage.cache_creation.input_tokens",
      a."gen_ai.usage.cache_creation_input_tokens",
      a."llm.token_count.prompt_details.cache_write") AS UINTEGER)::BIGINT AS cache_write_tokens,
    try_cast(coalesce(a."inquest.cost.usd", a."llm.cost.total", a."gen_ai.usage.cost")
      AS DECIMAL(18, 9)) AS said_usd, CASE WHEN said_usd >= 0 THEN said_usd END AS usd,
    try_cast(a."gen_ai.response.time_to_first_chunk" AS DOUBLE) * 1000 AS first_chunk_ms,
    coalesce(a."gen_ai.response.finish_reasons", a."llm.response.finish_reason",
      a."llm.finish_reason", '') AS finish,
    coalesce(a."gen_ai.response.id", '') AS response_uid,
    coalesce(a."inquest.chat.replayed" = 'true', false) AS is_replayed,
    coalesce(a."inquest.report.id", '') AS report, coalesce(a."inquest.verdict", '') AS verdict,
    coalesce(a."inquest.channel", '') AS channel,
    a."inquest.run.root" AS run, a."error.type" AS error_type, a IS NOT NULL AS is_agents
  FROM written
),
told AS MATERIALIZED (
  SELECT *, input_tokens IS NOT NULL OR output_tokens IS NOT NULL OR total_tokens IS NOT NULL
      OR usd IS NOT NULL AS has_tokens,
    CASE
      WHEN NOT is_agents THEN 'node'
      WHEN said IN ('invoke_workflow', 'workflow') THEN 'workflow'
      WHEN said IN ('invoke_agent', 'create_agent', 'agent') THEN 'agent'
      WHEN said IN ('execute_tool', 'tool', 'tools/call') THEN 'tool'
      WHEN said IN ('chat', 'llm', 'text_completion', 'completion', 'generate_content') THEN 'chat'
      WHEN said IN ('embeddings', 'embedding') THEN 'embeddings'
      WHEN said IN ('retrieval', 'retriever', 'reranker', 'rerank') THEN 'retrieval'
      WHEN said = '' AND tool <> '' THEN 'tool'
      WHEN said IN ('', 'unknown') AND model <> '' THEN 'chat'
      ELSE 'node' END AS operation, operation IN ('chat', 'embeddings') AS is_call
  FROM named
),
line AS (   -- from the top of each trace downwards, with what holds for all beneath
  SELECT trace_uid, span_uid, run, node, agent, conversation, 0 AS depth,
    CASE WHEN run IS NOT NULL THEN span_uid END AS part,
    CASE WHEN has_tokens THEN span_uid END AS tokens_at, CASE WHEN is_call THEN span_uid END AS call_at,
    NULL::VARCHAR AS tokens_above, NULL::VARCHAR AS call_above
  FROM told
  WHERE NOT EXISTS (FROM told AS above
    WHERE above.trace_uid = told.trace_uid AND above.span_uid = told.parent_span_uid)
  UNION ALL
  SELECT one.trace_uid, one.span_uid, coalesce(one.run, line.run), coalesce(one.node, line.node),
    coalesce(one.agent, line.agent), coalesce(one.conversation, line.conversation), line.depth + 1,
    CASE WHEN one.run IS NULL THEN line.part ELSE one.span_uid END,
    CASE WHEN one.has_tokens THEN one.span_uid ELSE line.tokens_at END,
    CASE WHEN one.is_call THEN one.span_uid ELSE line.call_at END,
    CASE WHEN one.has_tokens THEN line.tokens_at END, CASE WHEN one.is_call THEN line.call_at END
  FROM line
  JOIN told AS one ON one.trace_uid = line.trace_uid AND one.parent_span_uid = line.span_uid
  WHERE line.depth < 100
),
spread AS (   -- a conversation is one of the whole trace if only one is named
  SELECT trace_uid, min(conversation) AS conversation FROM told
  GROUP BY trace_uid HAVING count(DISTINCT conversation) = 1
),
outer_tokens AS (
  SELECT DISTINCT trace_uid, tokens_above AS span_uid FROM line WHERE tokens_above IS NOT NULL
),
outer_calls AS (
  SELECT DISTINCT trace_uid, call_above AS span_uid FROM line WHERE call_above IS NOT NULL
)
SELECT coalesce(told.workload.service, '') AS service,
  coalesce(told.workload.namespace, '') AS namespace, coalesce(told.workload.version, '') AS version,
  told.time AS seen_at, told.time >= $since AS is_during, trace_uid, span_uid, told.parent_span_uid,
  concat_ws('/', trace_uid, line.run) AS run_uid, coalesce(line.part, trace_uid) AS part_uid,
  told.start_time_ns, told.duration_ns, told.duration_ns / 1e6 AS ms, told.span_name AS name,
  CASE WHEN outer_calls.span_uid IS NULL THEN told.operation ELSE 'node' END AS operation,
  coalesce(line.agent, told.agent, '') AS agent, coalesce(line.node, told.node, '') AS node,
  coalesce(line.conversation, told.conversation, spread.conversation, '') AS conversation,
  told.model, told.provider, told.tool, told.arguments, told.finish, told.is_replayed,
  CASE WHEN is_counted THEN coalesce(told.input_tokens,
    CASE WHEN told.total_tokens >= coalesce(told.output_tokens, 0)
      THEN told.total_tokens - coalesce(told.output_tokens, 0) END) END AS input_tokens,
  CASE WHEN is_counted THEN coalesce(told.output_tokens,
    CASE WHEN told.total_tokens >= told.input_tokens THEN told.total_tokens - told.input_tokens END,
    CASE told.operation WHEN 'embeddings' THEN 0 END) END AS output_tokens,
  CASE WHEN is_counted THEN told.cache_read_tokens END AS cache_read_tokens,
  CASE WHEN is_counted THEN told.cache_write_tokens END AS cache_write_tokens,
  CASE WHEN is_counted THEN told.usd END AS usd,
  coalesce(told.first_chunk_ms, CASE WHEN contains(lower(told.span_events), 'first token') THEN
    (list_min(list_transform(list_filter(from_json(told.span_events,
      '[{"name": "VARCHAR", "time_ns": "BIGINT"}]'), lambda e: contains(lower(e.name), 'first token')),
      lambda e: e.time_ns)) - told.start_time_ns) / 1e6 END) AS first_token_ms,
  CASE WHEN told.error_type = 'agent.budget.BudgetSpent' THEN ''
    WHEN told.status_id = 2 OR told.error_type IS NOT NULL THEN left(concat_ws(' ', told.span_name, 'failed:', told.error_type,
      nullif(told.status_detail, ''),
      json_extract_string(told.span_events, '$[*].attributes."exception.message"')[1]), 1000)
    ELSE '' END AS error,
  is_counted AND (told.has_tokens OR told.is_call AND outer_calls.span_uid IS NULL
    AND NOT regexp_matches(error, '(?i)failed: ([45]\d\d|not_connected)\b'
      || '|\b(error code|status( ?code)?|http(/[\d.]+)?)[\s:=]*[45]\d\d\b'
      || '|\b(RateLimit|Authentication|PermissionDenied|NotFound|BadRequest|UnprocessableEntity|Conflict'
      || '|InternalServer|Overloaded|ServiceUnavailable|ConnectionRefused|Connect|NameResolution)Error\b'
      || '|\b(Throttling|Validation|AccessDenied|ResourceNotFound)Exception\b|\b(gaierror|ConnectTimeout)')) AS is_due,
  told.report, told.verdict, told.channel
FROM (
  SELECT *, NOT (is_replayed AND response_uid <> '' AND row_number() OVER (
      PARTITION BY trace_uid, response_uid ORDER BY is_replayed, start_time_ns, span_uid) > 1)
    AND NOT EXISTS (FROM outer_tokens
      WHERE outer_tokens.trace_uid = told.trace_uid AND outer_tokens.span_uid = told.span_uid)
    AS is_counted
  FROM told
  WHERE is_agents
) AS told
LEFT JOIN line USING (trace_uid, span_uid)
LEFT JOIN outer_calls USING (trace_uid, span_uid)
LEFT JOIN spread USING (trace_uid)
