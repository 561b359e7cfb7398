-- What agents did from $start to $end: the rows of `agent_spans`, one a call of a model (`chat`),
-- embeddings, a tool, an agent; `error` is '' where it went well. What Inquest did itself is left out
-- unless it is what was asked about.
FROM agent_spans
WHERE service <> 'inquest' OR EXISTS (FROM asked WHERE regexp_matches(text, '(?i)\binquest\b'))
