-- What went wrong with language models, as log lines of `said` and failed GenAI spans tell it.
SELECT holder_kind, namespace, holder, seen_at, line, is_new, severity_id, '' AS model
FROM said
WHERE origin IN ('log', 'container') AND regexp_matches(line, '(?i)openai|anthropic|claude|\bgpt|gemini'
  || '|vertex ?ai|bedrock|mistral|\bllms?\b|chat.?completion|langchain|langgraph|llama|cohere|\bmodel\b'
  || '|prompt|embedding|hugging ?face|vllm|\btokens?\b|\bagent\b|vector|\bmcp\b|completion')
UNION ALL
SELECT 'Service', namespace, service, min(seen_at), arg_min(error, (seen_at, error)),
  NOT bool_or(NOT is_during), 4, model
FROM model_calls
WHERE error <> ''
GROUP BY namespace, service, model, translate(left(error, 300), '0123456789', '')
