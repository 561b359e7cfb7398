-- name: docker_json
-- reads: json
-- class: log_record
-- product: Docker / json-file
-- context: file parted path
-- sniff: ^\{(?:"log":"(?:[^"\\]|\\.)*",)?"stream":"std(?:out|err)".*"time":"\d{4}-
-- https://docs.docker.com/engine/logging/drivers/json-file/
-- A line that Docker cut in pieces of 16 KiB and a stack trace of several lines are one record, of
-- the first; the others give nothing. A record that is JSON is told as json_log would.
WITH lines AS (
  SELECT position, ingested_at, path, doc,
    from_json(doc, '{"log": "VARCHAR", "stream": "VARCHAR", "time": "VARCHAR", "attrs": "JSON"}')
                                                          AS l
  FROM raw
),
begun AS (
  SELECT *,
    coalesce(lag(l.log) OVER of_stream NOT LIKE E'%\n', false) OR continues(l.log) AS goes_on
  FROM lines
  WINDOW of_stream AS (PARTITION BY file_of(position), l.stream ORDER BY position)
),
numbered AS (
  SELECT *,
    sum((NOT coalesce(goes_on, false))::INT) OVER (PARTITION BY file_of(position), l.stream
      ORDER BY position) AS nth
  FROM begun
),
whole AS (
  SELECT min(position) AS "first",
    rtrim(string_agg(l.log, '' ORDER BY position), E'\n') AS text
  FROM numbered
  GROUP BY file_of(position), l.stream, nth
),
joined AS (
  SELECT numbered.*, "first" IS NOT NULL AS is_first, text
  FROM numbered LEFT JOIN whole ON position = "first"
),
found AS (SELECT *, json_found(object_in(text)) AS f FROM joined),
firsts AS (SELECT *, json_firsts(f) AS i FROM found),
told AS (
  SELECT *, json_told(f, i) AS t, exception_in(coalesce(f.stack[i.stack], text)) AS e,
    kubelet_path(path) AS k
  FROM firsts
)
SELECT
  position,
  ingested_at,
  coalesce(any_time(t."at"), any_time(l."time"))          AS "time",
  coalesce(finer_ns(t."at"), CASE WHEN any_time(t."at") IS NULL THEN finer_ns(l."time") END)
                                                          AS time_ns,
  1                                                       AS activity_id,
  told_severity_id(coalesce(t.level, level_in(text)))     AS severity_id,
  0                                                       AS status_id,
  coalesce(t.message, without_trace(text, e.stacktrace))  AS message,
  kubelet_workload(t, k)                                  AS workload,
  coalesce(t.level, level_in(text))                       AS severity,
  t.trace_uid                                             AS trace_uid,
  t.span_uid                                              AS span_uid,
  t.scope                                                 AS scope,
  told_exception(t, e)                                    AS exception,
  filled(json_merge_patch(
    coalesce(untold(object_in(text), t), '{}'),
    to_json({'log.iostream': l.stream, 'container.name': nullif(k.container, ''),
      'container.id': nullif(k.container_id, ''), 'k8s.pod.uid': nullif(k.pod_uid, ''),
      'k8s.container.restart_count': nullif(k.restarts, '')}))) AS attributes,
  filled({'attrs': l.attrs, 'time': CASE WHEN t."at" IS NOT NULL THEN l."time" END,
    'record_time': unread_time(t), 'more': nullif(json_merge_patch(doc,
      '{"log": null, "stream": null, "time": null, "attrs": null}')::VARCHAR, '{}')}) AS unmapped,
  CASE
    WHEN l.log IS NULL OR l."time" IS NULL THEN 'the document is no line of Docker''s json-file log'
    WHEN NOT is_first OR text = '' THEN ''
  END                                                     AS problem
FROM told
