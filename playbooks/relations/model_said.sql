-- What went wrong with language models, as log lines of `said`, failed spans of agents and refused
-- HTTP calls to providers' hosts tell it; `origin` is log or span.
SELECT 'log' AS origin, holder_kind, namespace, holder, seen_at, line, is_new, severity_id, '' AS model
FROM said
WHERE origin IN ('log', 'container') AND regexp_matches(line, '(?i)openai|anthropic|claude|\bgpt|gemini'
  || '|vertex ?ai|bedrock|mistral|\bllms?\b|chat.?completion|langchain|langgraph|llama|cohere|\bmodel\b'
  || '|prompt|embedding|hugging ?face|vllm|\btokens?\b|\bagent\b|vector|\bmcp\b|completion')
UNION ALL
SELECT 'span', 'Service', namespace, service, min(seen_at), arg_min(error, (seen_at, error)),
  NOT bool_or(NOT is_during), 4, model
FROM model_calls
WHERE error <> ''
GROUP BY namespace, service, model, translate(left(error, 300), '0123456789', '')
UNION ALL
SELECT 'span', 'Service', coalesce(workload.namespace, ''), workload.service, min(time),
  arg_min(concat_ws(' ', span_name, 'to', peer.address, 'failed: HTTP status code',
    http_response.code, status_detail), time),
  NOT bool_or(time < $since), 4, ''
FROM trace_span
WHERE time >= $start AND time < $end AND http_response.code >= 400 AND span_kind = 'client'
  AND workload.service <> 'inquest' AND regexp_matches(peer.address, '(^|\.)(openai\.com'
    || '|openai\.azure\.com|anthropic\.com|mistral\.ai|cohere\.(com|ai)|groq\.com|deepseek\.com'
    || '|openrouter\.ai|generativelanguage\.googleapis\.com|bedrock-runtime\..*amazonaws\.com)$'
    || '|^bedrock-runtime\.|-aiplatform\.googleapis\.com$')
GROUP BY workload.namespace, workload.service, peer.address, http_response.code
