-- What agents took, one row for each `key` that $by asks for and each model that it called, in the
-- runs that began at $since or later. The wall time of a run, and that of a day or an agent in a run,
-- is from its first span's start to its last one's end, without the pause of one that was resumed; that
-- of a node, a tool or a model is how long one took.
-- `usd` is what spans say; what is due and does not say is `unpriced`, with its tokens and its runs, and
-- `untold` the runs of those whose tokens nobody says either. An
-- answer that was replayed is no call, unless it is the one that counts. Of an error that is told by a
-- span and by those around it the innermost counts.
WITH spans AS (
  SELECT *, CASE $by WHEN 'model' THEN model WHEN 'node' THEN node WHEN 'tool' THEN tool
      WHEN 'day' THEN strftime(min(seen_at) OVER (PARTITION BY service, run_uid), '%Y-%m-%d')
      WHEN 'agent' THEN CASE WHEN agent = '' AND operation NOT IN ('node', 'workflow') THEN service
        ELSE agent END
      WHEN 'incident' THEN coalesce(max(nullif(report, '')) OVER (PARTITION BY service, run_uid),
        trace_uid)
      ELSE '' END AS key,
    operation IN ('chat', 'embeddings') AND (is_due OR NOT is_replayed) AS is_call,
    is_due AND usd IS NULL AS is_unpriced,
    is_unpriced AND input_tokens IS NOT NULL AND output_tokens IS NOT NULL AS is_listed
  FROM agent_spans
  WHERE ($service = 'all' OR service = $service)
    AND run_uid IN (SELECT run_uid FROM agent_spans GROUP BY run_uid HAVING min(seen_at) >= $since)
),
failed AS (
  SELECT DISTINCT trace_uid, parent_span_uid AS span_uid FROM spans WHERE error <> ''
),
begun AS (   -- where a key begins: nothing around it has the same
  SELECT one.trace_uid, one.span_uid
  FROM spans AS one
  LEFT JOIN spans AS above
    ON above.trace_uid = one.trace_uid AND above.span_uid = one.parent_span_uid
  GROUP BY one.trace_uid, one.span_uid
  HAVING NOT bool_or(coalesce(above.key = one.key, false))
),
took AS (
  SELECT service, key, ms FROM spans
  WHERE $by IN ('model', 'tool')
    AND CASE $by WHEN 'tool' THEN operation = 'tool' ELSE is_call AND NOT is_replayed END
  UNION ALL
  SELECT service, key, ms FROM spans SEMI JOIN begun USING (trace_uid, span_uid) WHERE $by = 'node'
  UNION ALL
  SELECT service, key, sum(part_ms) FROM (
    SELECT service, key, run_uid, (max(start_time_ns + duration_ns) - min(start_time_ns)) / 1e6 AS part_ms
    FROM spans WHERE $by NOT IN ('model', 'tool', 'node') GROUP BY service, key, run_uid, part_uid)
  GROUP BY service, key, run_uid
),
walls AS (
  SELECT CASE WHEN $by IN ('total', 'day') THEN '' ELSE service END AS service, key,
    quantile_cont(ms, 0.5) / 1000 AS wall_p50_s, quantile_cont(ms, 0.95) / 1000 AS wall_p95_s
  FROM took
  GROUP BY 1, 2
),
sums AS (
  SELECT CASE WHEN $by IN ('total', 'day') THEN '' ELSE service END AS service, key, provider, model,
    min(seen_at) AS began_at,
    list(DISTINCT run_uid) AS runs,
    count(*) FILTER (is_call) AS calls, count(*) FILTER (operation = 'tool') AS tools,
    count(*) FILTER (error <> '' AND NOT EXISTS (FROM failed WHERE failed.trace_uid = spans.trace_uid
      AND failed.span_uid = spans.span_uid)) AS errors,
    coalesce(sum(input_tokens), 0)::BIGINT AS input_tokens,
    coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens,
    coalesce(sum(cache_read_tokens), 0)::BIGINT AS cache_read_tokens,
    coalesce(sum(usd), 0)::DOUBLE AS usd,
    count(usd) AS priced,
    list(DISTINCT run_uid) FILTER (is_unpriced) AS unpriced_runs,
    count(*) FILTER (is_unpriced) AS unpriced,
    list(DISTINCT run_uid) FILTER (is_unpriced AND NOT is_listed) AS untold_runs,
    coalesce(sum(input_tokens) FILTER (is_listed), 0)::BIGINT AS unpriced_input_tokens,
    coalesce(sum(output_tokens) FILTER (is_listed), 0)::BIGINT AS unpriced_output_tokens,
    coalesce(sum(cache_read_tokens) FILTER (is_listed), 0)::BIGINT AS unpriced_cache_read_tokens,
    coalesce(sum(cache_write_tokens) FILTER (is_listed), 0)::BIGINT AS unpriced_cache_write_tokens,
    median(first_token_ms) FILTER (is_call) / 1000 AS first_token_s
  FROM spans
  WHERE key <> '' OR $by = 'total'
  GROUP BY ALL
)
SELECT sums.*, walls.wall_p50_s, walls.wall_p95_s, titles.title
FROM sums
LEFT JOIN walls ON walls.service = sums.service AND walls.key = sums.key
LEFT JOIN (
  SELECT metadata.uid AS key, arg_max("desc", time) AS title FROM incident_finding GROUP BY ALL
) AS titles ON titles.key = sums.key AND $by = 'incident'
ORDER BY ALL
