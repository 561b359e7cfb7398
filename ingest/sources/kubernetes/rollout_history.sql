-- name: rollout_history
-- reads: text
-- class: application_lifecycle
-- product: Kubernetes / kubectl rollout
-- sniff: ^(?:[a-z]+(?:\.[a-z.]+)?/\S+|\S+ "[^"]+")(?:[ \t]*\n+REVISION {2,}CHANGE-CAUSE| with revision #\d+[ \t]*\n)
-- over: text_log plain_log
-- https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_history/
-- `kubectl rollout history` as a list, and with --revision=N, of one revision or of several in one
-- file. Neither tells a time: it is that of the file's capture (`undated`). What a revision's pod
-- template has in other words than the one before it in the file is in `unmapped.diff`.
WITH sections AS (
  SELECT position, captured_at, ingested_at, unnest(string_split(regexp_replace(text,
    '(?m)^((?:[a-z]+(?:\.[a-z.]+)?/\S+|\S+ "[^"]+")(?:[ \t]*$| with revision #\d+))', chr(1) || '\1',
    'g'), chr(1)))                                         AS section
  FROM raw
),
headed AS (   -- revisions of one object may lie in several files
  SELECT *, told_of(position)."namespace" AS space, regexp_extract(section,
    '^(?:([a-z]+)(?:\.[a-z.]+)?/(\S+)|(\S+) "([^"]+)")(?: with revision #(\d+))?',
    ['resource', 'name', 'old_resource', 'old_name', 'revision']) AS h
  FROM sections
  WHERE trim(section, chr(10) || ' ') <> ''
),
entries AS (
  SELECT * EXCLUDE (section), unnest(CASE
    WHEN h.revision <> '' THEN [{'revision': h.revision, 'cause': NULL,
      'template': trim(regexp_replace(section, '^[^\n]*\n', ''), chr(10))}]
    ELSE list_transform(regexp_extract_all(section, '(?m)^\d+[ \t]+[^\n]*'), lambda l: {
      'revision': regexp_extract(l, '^\d+'), 'template': NULL,
      'cause': nullif(trim(regexp_extract(l, '^\d+[ \t]+(.*)', 1)), '<none>')}) END) AS e
  FROM headed
),
told AS (
  SELECT *,
    kind_of_resource(h.resource || h.old_resource)         AS kind,
    h.name || h.old_name                                   AS name,
    lag(e.template) OVER of_object                         AS former,
    max(e.revision::BIGINT) OVER (PARTITION BY space, h.name || h.old_name) AS newest
  FROM entries
  WINDOW of_object AS (PARTITION BY space, h.name || h.old_name, e.template IS NULL
    ORDER BY e.revision::BIGINT)
),
compared AS (
  SELECT *,
    list_filter(string_split(former, chr(10)),
      lambda l: NOT list_contains(string_split(e.template, chr(10)), l)) AS gone,
    list_filter(string_split(e.template, chr(10)),
      lambda l: NOT list_contains(string_split(former, chr(10)), l)) AS come
  FROM told
),
none AS (
  FROM sections SELECT position, captured_at, ingested_at GROUP BY ALL
)
SELECT
  position,
  ingested_at,
  captured_at                                              AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  0                                                        AS status_id,
  concat_ws(': ', kind || ' ' || name || ' revision ' || e.revision, e.cause) AS message,
  e.cause                                                  AS status_detail,
  {'correlation_uid': kind || '/' || name || '@' || e.revision,
   'logged_time': epoch_ms(captured_at)}                   AS metadata,
  {'service': name}                                        AS workload,
  {'name': name, 'version': image_version(regexp_extract(e.template, 'Image:\s+(\S+)', 1))} AS app,
  {'uid': kind || '/' || name || '@' || e.revision, 'kind': 'deploy',
   'state': CASE WHEN e.revision::BIGINT = newest THEN 'in_progress' END,
   'revision': e.revision}                                 AS change,
  filled({'template': e.template, 'undated': true,
    'diff': CASE WHEN former IS NOT NULL THEN nullif(array_to_string(list_concat(
      list_transform(gone, lambda l: '- ' || trim(l)),
      list_transform(come, lambda l: '+ ' || trim(l))), chr(10)), '') END}) AS unmapped,
  CASE WHEN e IS NULL THEN '' END                          AS problem
FROM none LEFT JOIN compared USING (position, captured_at, ingested_at)
