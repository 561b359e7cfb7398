-- What agents did from $start to $end, Inquest's own aside: the rows of `agent_spans`, one a call of a
-- model (`chat`), embeddings, a tool, an agent; `error` is '' where it went well.
FROM agent_spans
WHERE service <> 'inquest'
