-- name: json_log
-- reads: json
-- class: log_record
-- product: Application / JSON log
-- sniff: \A\s*(?:\[\s*\{\s*"|\{\s*\n\s*"|\{\s*"[^\n]*[^}\s]\s*\n|(?:\{\s*".*\}[ \t\r]*\n\s*){16}|(?:\{\s*".*\}[ \t\r]*\n\s*){1,15}(?:\{\s*".*)?\s*\z|\{\s*".*\s*\z)
-- over: text_log logfmt
-- generic: yes
-- JSON lines of any shape, from zap, logrus, pino, bunyan, winston, structlog, python-json-logger,
-- log4j2's layouts, logback's and logstash's encoders, Serilog's compact format, .NET's console,
-- ECS (dotted and nested), GELF, Google Cloud, Datadog, and as Fluent Bit, Filebeat, Vector or
-- CloudWatch wrap them: a member that is JSON by itself is opened, once, and the rest is `wrapper`.
-- What no column takes is in `attributes`; `raw_data` is kept where JSON alone cannot say it again:
-- of a key that is there twice, and of numbers as 1e5 and 1.10.
WITH wrapped AS (
  SELECT position, ingested_at, doc, json_extract(
    CASE WHEN contains(doc, '"{') OR contains(doc, '"jsonPayload"') THEN doc END,
    ['/log', '/message', '/MESSAGE', '/msg', '/@message', '/textPayload', '/body', '/jsonPayload']
    ) AS w
  FROM raw
),
opened AS (
  SELECT *,
    CASE
      WHEN opens(w[1]) THEN 1 WHEN opens(w[2]) THEN 2 WHEN opens(w[3]) THEN 3
      WHEN opens(w[4]) THEN 4 WHEN opens(w[5]) THEN 5 WHEN opens(w[6]) THEN 6
      WHEN opens(w[7]) THEN 7 WHEN w[8] LIKE '{%' THEN 8 END AS nth,
    json_extract_string(w[nth], '$')                      AS inside,
    CASE WHEN nth IS NOT NULL THEN json_merge_patch(doc,
      '{' || taker(['/log', '/message', '/MESSAGE', '/msg', '/@message', '/textPayload', '/body',
      '/jsonPayload'][nth]) || '}') END                   AS wrapper
  FROM wrapped
),
found AS (
  SELECT *,
    json_found(CASE WHEN nth IS NULL THEN doc ELSE json_merge_patch(wrapper, inside)::VARCHAR END)
                                                          AS f
  FROM opened
),
firsts AS (SELECT *, json_firsts(f) AS i FROM found),
told AS (SELECT *, json_told(f, i) AS t, exception_in(f.stack[i.stack]) AS e FROM firsts)
SELECT
  position,
  ingested_at,
  any_time(t."at")                                        AS "time",
  finer_ns(t."at")                                        AS time_ns,
  1                                                       AS activity_id,
  told_severity_id(t.level)                               AS severity_id,
  0                                                       AS status_id,
  t.message                                               AS message,
  told_workload(t)                                        AS workload,
  t.level                                                 AS severity,
  t.trace_uid                                             AS trace_uid,
  t.span_uid                                              AS span_uid,
  t.scope                                                 AS scope,
  told_exception(t, e)                                    AS exception,
  nullif(untold(coalesce(inside, doc), t)::VARCHAR, '{}') AS attributes,
  filled({'wrapper': wrapper})                            AS unmapped,
  CASE WHEN len(json_keys(doc)) <> list_unique(json_keys(doc))
      OR regexp_matches(doc, '[:,\[]\s*-?\d+(?:\.\d{17}|\.?\d*[eE]|\.\d+0\b)')
    THEN doc END                                          AS raw_data,
  CASE WHEN json_type(doc) <> 'OBJECT' THEN 'the document is no JSON object' END AS problem
FROM told
