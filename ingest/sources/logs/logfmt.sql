-- name: logfmt
-- reads: lines
-- class: log_record
-- product: Application / logfmt
-- sniff: ^(?:[\w.@/-]+=(?:"(?:[^"\\]|\\.)*"|[^\s"]*) +)+[\w.@/-]+=
-- sniff: (?:^| )(?:time|ts|t|timestamp|level|lvl|msg|severity)=
-- generic: yes
-- https://pkg.go.dev/github.com/go-logfmt/logfmt
-- A line of key=value pairs, as logrus, go-kit, log15 and HashiCorp's tools write it: a value may
-- be quoted, a key alone is true. What the keys mean is found as in json_log; `raw_data` is kept
-- of a line that has a key twice.
WITH split AS (
  SELECT position, ingested_at, line,
    regexp_extract_all(line, '[^\s="]+(?:=(?:"(?:[^"\\]|\\.)*"|[^\s"]*))?') AS pairs,
    regexp_full_match(line,
      '\s*(?:[^\s="]+(?:=(?:"(?:[^"\\]|\\.)*"|[^\s"]*))?\s+)*[^\s="]+=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)'
      || '(?:\s+[^\s="]+)*\s*')                           AS is_logfmt
  FROM raw
),
documents AS (
  SELECT *, '{' || array_to_string(list_transform(pairs, lambda p:
    to_json(split_part(p, '=', 1))::VARCHAR || ':' || CASE
      WHEN NOT contains(p, '=') THEN 'true'
      WHEN contains(p, '="') AND json_valid(p[position('=' IN p) + 1:])
        THEN p[position('=' IN p) + 1:]
      ELSE to_json(p[position('=' IN p) + 1:])::VARCHAR END), ',') || '}' AS doc
  FROM split
),
found AS (SELECT *, json_found(doc) AS f FROM documents),
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
  nullif(untold(doc, t)::VARCHAR, '{}')   AS attributes,
  CASE WHEN len(json_keys(doc)) <> list_unique(json_keys(doc)) THEN line END AS raw_data,
  CASE WHEN NOT is_logfmt THEN 'the line is no list of key=value pairs' END AS problem
FROM told
