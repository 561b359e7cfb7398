-- name: cri
-- reads: lines
-- class: log_record
-- product: Kubernetes / CRI
-- context: file parted path
-- sniff: ^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) (?:stdout|stderr) [FP](?: |$)
-- https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
-- As containerd and CRI-O write it. Pieces (P) of a line up to their end (F) and the lines of a
-- stack trace are one record, of the first; the others give nothing. A record that is JSON is told
-- as json_log would; pod and container are those of the file's path.
WITH lines AS (
  SELECT position, ingested_at, path, regexp_extract(line,
    '(?s)^(\d{4}-\d\d-\d\dT\S+) (stdout|stderr) ([FP])(?::\S*)?(?: (.*))?$',
    ['at', 'stream', 'tag', 'text']) AS l
  FROM raw
),
begun AS (
  SELECT *,
    coalesce(lag(l.tag) OVER of_stream = 'P', false)      AS is_piece,
    is_piece OR continues(l.text)                         AS goes_on
  FROM lines
  WINDOW of_stream AS (PARTITION BY file_of(position), l.stream ORDER BY position)
),
numbered AS (
  SELECT *,
    sum((NOT goes_on)::INT) OVER (PARTITION BY file_of(position), l.stream
      ORDER BY position) AS nth
  FROM begun
),
whole AS (
  SELECT min(position) AS "first",
    ltrim(string_agg(CASE WHEN is_piece THEN '' ELSE chr(10) END || l.text, ''
      ORDER BY position), chr(10))                      AS text
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
  coalesce(any_time(t."at"), any_time(l."at"))            AS "time",
  coalesce(finer_ns(t."at"), CASE WHEN any_time(t."at") IS NULL THEN finer_ns(l."at") END)
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
  filled({'time': CASE WHEN t."at" IS NOT NULL THEN l."at" END,
    'record_time': unread_time(t)})                       AS unmapped,
  CASE
    WHEN l."at" = '' THEN 'the line is not in the format of the Container Runtime Interface'
    WHEN NOT is_first OR text = '' THEN ''
  END                                                     AS problem
FROM told
