-- name: pod_logs
-- reads: yaml
-- class: log_record
-- product: Kubernetes / client
-- sniff: "(?:logs|previous_?[lL]ogs|pod_?[lL]ogs)"\s*:\s*["\[]
-- sniff: "pod(?:_?[nN]ame)?"\s*:\s*"
-- What programs print of a pod's log that they read through a client library: {"pod_name", "namespace",
-- "container"?, "logs"}, where the log is one text or a list of lines, or of {"timestamp", "message"};
-- one such object, several, or a list. A stack trace is one record. A record without a time has
-- that of the one before it, else of the next, else that of the file's capture (`undated`).
WITH listed AS (
  SELECT *, CASE WHEN json_type(doc) = 'ARRAY' THEN doc->'$[*]'
    WHEN json_exists(doc, '$.pods[0].logs') THEN doc->'$.pods[*]'
    WHEN json_type(doc, '$.data') = 'OBJECT' THEN [doc->'$.data'] ELSE [doc] END AS docs
  FROM raw
),
documents AS (
  SELECT position, captured_at, ingested_at, unnest(docs) AS doc,
    unnest(range(1, len(docs) + 1))                        AS nth
  FROM listed
),
kept AS (
  SELECT *, unnest(['logs', 'previous_logs', 'previousLogs', 'pod_logs', 'podLogs']) AS key,
    coalesce(doc->>'$.pod_name', doc->>'$.podName', doc->>'$.pod', doc->>'$.name') AS pod
  FROM documents
),
texts AS (
  SELECT * EXCLUDE (doc), doc, json_extract(doc, '/' || key) AS log,
    CASE json_type(log) WHEN 'VARCHAR' THEN log->>'$'
      WHEN 'ARRAY' THEN array_to_string(list_transform(json_extract(log, '$[*]'),
        lambda l: coalesce(nullif(concat_ws(' ', coalesce(l->>'$.timestamp', l->>'$.time'),
          coalesce(l->>'$.message', l->>'$.log')), ''), l->>'$')), chr(10)) END AS text
  FROM kept
),
lines AS (
  SELECT *, unnest(string_split(text, chr(10)))            AS line,
    unnest(range(1, len(string_split(text, chr(10))) + 1)) AS number
  FROM texts
  WHERE text IS NOT NULL
),
counted AS (
  SELECT *, sum(CASE WHEN number = 1 OR NOT continues(line) THEN 1 ELSE 0 END) OVER (PARTITION BY position, nth, key ORDER BY number) AS record
  FROM lines
  WHERE trim(line) <> ''
),
records AS (
  SELECT position, captured_at, ingested_at, nth, key, pod, record, any_value(doc) AS doc,
    string_agg(line, chr(10) ORDER BY number)              AS line
  FROM counted
  GROUP BY ALL
),
heads AS (
  SELECT *, log_head(line) AS h, object_in(line) AS inside FROM records
),
found AS (
  SELECT *, json_found(inside) AS f, log_time(h."at", captured_at) AS moment,
    CASE WHEN moment IS NULL OR h.lead <> '' THEN line
      ELSE regexp_replace(h.rest, '^[\s\]:|,.)"'']*(?:[\[<(]?(?i:trace|debug|info|notice|warn(?:ing)?'
        || '|err(?:or)?|severe|crit(?:ical)?|alert|fatal|panic)\b[\])>]?[\s:|-]*)?', '')
    END                                                    AS words
  FROM heads
),
firsts AS (SELECT *, json_firsts(f) AS i FROM found),
told AS (
  SELECT *, json_told(f, i) AS t, exception_in(coalesce(f.stack[i.stack], line)) AS e
  FROM firsts
),
timed AS (
  SELECT *,
    coalesce(any_time(t."at"), moment)                     AS own_time,
    last_value(own_time IGNORE NULLS) OVER of_log          AS before,
    first_value(own_time IGNORE NULLS) OVER (PARTITION BY position, nth, key ORDER BY record
      ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)    AS next,
    max(own_time) OVER (PARTITION BY file_of(position))   AS latest
  FROM told
  WINDOW of_log AS (PARTITION BY position, nth, key ORDER BY record)
)
SELECT
  position,
  ingested_at,
  coalesce(before, next, latest, captured_at)              AS "time",
  finer_ns(t."at")                                         AS time_ns,
  1                                                        AS activity_id,
  coalesce(nullif(told_severity_id(coalesce(t.level, level_in(line))), 0),
    CASE WHEN e.stacktrace <> '' THEN 4 ELSE 0 END)        AS severity_id,
  0                                                        AS status_id,
  coalesce(t.message, CASE WHEN starts_with(line, 'Traceback (')
    THEN concat_ws(': ', e.type, e.message) END, without_trace(words, e.stacktrace)) AS message,
  {'service': told_workload(t).service, 'pod': pod, 'namespace': doc->>'$.namespace',
   'cluster': coalesce(doc->>'$.cluster_name', doc->>'$.clusterName', doc->>'$.cluster')}
                                                           AS workload,
  coalesce(t.level, level_in(line))                        AS severity,
  t.trace_uid                                              AS trace_uid,
  t.span_uid                                               AS span_uid,
  t.scope                                                  AS scope,
  told_exception(t, e)                                     AS exception,
  filled(untold(inside, t))                                AS attributes,
  filled({'container': coalesce(doc->>'$.container', doc->>'$.container_name',
      doc->>'$.containerName'),
    'previous': CASE WHEN key LIKE 'previous%' OR doc->>'$.previous' = 'true' THEN true END,
    'undated': CASE WHEN own_time IS NULL THEN true END})  AS unmapped,
  NULL::VARCHAR                                            AS problem
FROM timed
UNION ALL BY NAME
SELECT position, any_value(ingested_at) AS ingested_at, NULL::TIMESTAMPTZ AS "time",
  CASE WHEN bool_or(json_exists(log, '$')) THEN '' ELSE 'the document holds no log of a pod' END
                                                           AS problem
FROM texts
GROUP BY position
HAVING count(nullif(trim(text), '')) = 0
