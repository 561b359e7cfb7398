-- name: kubernetes_get
-- reads: text
-- class: kubernetes_object kubernetes_event
-- product: Kubernetes / Kubernetes
-- sniff: ^[ "]*(?:(?:NAMESPACE +)?(?:NAME|LAST SEEN)  +(?:[A-Z][-A-Z()]*(?: [A-Z]+)? {2,})*(?:AGE|READY|STATUS|MESSAGE|DATA|TYPE|OBJECT)\b|(?:\S+ {2,})?\S+ {2,}\d+/\d+ {2,}[A-Z][A-Za-z:]+ {2,}\d+(?: \(\S+ ago\))? {2,}(?:\d+[ydhms])+|(?:\S+ {2,})?\S+ {2,}\d+/\d+ {2,}\d+ {2,}\d+ {2,}(?:\d+[ydhms])+|(?:\d+[ydhms])+(?: \(x\d+ over \S+\))? {2,}(?:Normal|Warning) {2,}\S+ {2,}\S+/\S+|\S+ {2,}(?:\S+ {2,})?(?:Running|Complete|Failed) {2,}\d+/\d+ {2,}(?:\d+[ydhms])+|\S+ {2,}(?:Active|Terminating) {2,}(?:\d+[ydhms])+(?:\s|$))
-- https://kubernetes.io/docs/reference/kubectl/#formatting-output
-- The tables that `kubectl get` prints (plain, -o wide, -A, --show-labels, several in one file,
-- trees), `kubectl get events` too; of pods, deployments, jobs and events also the rows alone, as
-- grep leaves them. Such a text has no times but ages: an object is told as of the file's capture,
-- an event's time is that of the capture less the age, to the age's precision (`relative`).
WITH numbered AS (
  SELECT position, captured_at, ingested_at, unnest(string_split(text, chr(10))) AS line,
    unnest(range(1, len(string_split(text, chr(10))) + 1)) AS number
  FROM raw
),
headed AS (
  SELECT *,
    regexp_matches(line, '^[ "]*(?:NAMESPACE +)?(?:NAME|LAST SEEN)(?: |$)') AND upper(line) = line
                                                           AS is_header,
    trim(line) = '' OR is_header OR regexp_matches(line, '^(?:stdout:|stderr:|\$ |# |kubectl |'
      || 'Command `|No resources found)')                  AS is_frame,
    last_value(CASE WHEN is_header THEN trim(line, ' "') END IGNORE NULLS)
      OVER (PARTITION BY position ORDER BY number)         AS header
  FROM numbered
),
split AS (
  SELECT *,
    regexp_split_to_array(rtrim(regexp_replace(line, '^[ │├└─]+', '')), ' {2,}') AS parts,
    coalesce(regexp_split_to_array(header, ' {2,}'), columns_of_row(parts)) AS names,
    CASE WHEN header IS NOT NULL THEN list_filter(range(1, len(header) + 1), lambda i:
      substr(header, i, 1) <> ' ' AND (i = 1 OR substr(header, i - 2, 2) = '  ')) END AS starts
  FROM headed
),
rows AS (   -- a cell can be empty: then its place counts
  SELECT *, CASE
    WHEN header IS NULL
      THEN list_append(parts[:len(names) - 1], array_to_string(parts[len(names):], '  '))
    WHEN len(parts) = len(names) THEN parts
    ELSE list_transform(starts, lambda s, i: trim(regexp_replace(
      substr(line, s, coalesce(starts[i + 1], 1000000) - s), '^[ │├└─]+', ''))) END AS cells
  FROM split
),
read AS (
  SELECT *,
    cell(names, cells, 'NAME')                             AS full_name,
    cell(names, cells, 'OBJECT')                           AS about,
    coalesce(CASE WHEN contains(full_name, '/')
      THEN kind_of_resource(regexp_extract(full_name, '^([^./]+)', 1)) END,
      kind_of_table(names))                                AS kind,
    regexp_extract(full_name, '[^/]*$')                    AS name,
    cell(names, cells, 'NAMESPACE')                        AS "namespace",
    try_cast(regexp_extract(cell(names, cells, 'READY'), '^\d+') AS BIGINT) AS ready,
    try_cast(coalesce(nullif(regexp_extract(cell(names, cells, 'READY'), '/(\d+)$', 1), ''),
      cell(names, cells, 'DESIRED')) AS BIGINT)            AS desired,
    cell(names, cells, 'STATUS')                           AS status,
    string_split(cell(names, cells, 'IMAGES'), ',')        AS images,
    event_ages(cell(names, cells, 'LAST SEEN'))            AS ages
  FROM rows
),
judged AS (
  SELECT *,
    CASE
      WHEN status IN ('ContainerCreating', 'PodInitializing', 'Terminating') THEN NULL
      WHEN kind = 'Pod' THEN CASE WHEN status = 'Running' THEN ready < desired
        WHEN status <> 'Pending' THEN status NOT IN ('Completed', 'Succeeded') END
      WHEN kind IN ('Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet') THEN ready < desired
      WHEN kind = 'Node' THEN NOT regexp_matches(status, '^Ready\b')
      WHEN kind IN ('PersistentVolumeClaim', 'PersistentVolume')
        THEN status IN ('Pending', 'Lost', 'Failed')
      WHEN kind = 'Job' THEN status = 'Failed'
      WHEN kind = 'Endpoints' THEN cell(names, cells, 'ENDPOINTS') IS NULL
    END                                                    AS is_ill,
    regexp_extract(cell(names, cells, 'RESTARTS'), '^\d+') AS restarts,
    kind NOT IN ('Node', 'Job') AND status IN ('Running', 'Pending', 'Succeeded', 'Failed',
      'Unknown', 'Active', 'Terminating', 'Bound', 'Lost', 'Available', 'Released')
      AND NOT (kind = 'Pod' AND status = 'Terminating')    AS is_phase
  FROM read
  WHERE NOT is_frame
),
told AS (
  SELECT *,
    kind_of_resource(nullif(regexp_extract(about, '^([^./]+)', 1), '')) AS about_kind,
    regexp_extract(about, '/(.*)$', 1)                     AS about_name
  FROM judged
),
none AS (
  FROM numbered SELECT position, captured_at, ingested_at GROUP BY ALL
)
SELECT
  position,
  ingested_at,
  CASE WHEN kind = 'Event' AND about IS NOT NULL THEN 'kubernetes_event'
    ELSE 'kubernetes_object' END
                                                           AS class_name,
  CASE WHEN class_name = 'kubernetes_event' THEN time_before(captured_at, ages."last")
    ELSE captured_at END                                   AS "time",
  1                                                        AS activity_id,
  CASE WHEN class_name = 'kubernetes_event' THEN event_severity_id(cell(names, cells, 'TYPE'))
    WHEN is_ill THEN 4 WHEN try_cast(restarts AS BIGINT) > 0 THEN 3 ELSE 1 END AS severity_id,
  CASE WHEN class_name = 'kubernetes_event' OR is_ill IS NULL THEN 0 WHEN is_ill THEN 2 ELSE 1 END
                                                           AS status_id,
  CASE WHEN class_name = 'kubernetes_event' THEN cell(names, cells, 'MESSAGE')
    ELSE concat_ws(': ', concat_ws(' ', kind, concat_ws('/', "namespace", name)),
      nullif(concat_ws(', ', status, ready || ' of ' || desired || ' ready',
        nullif(restarts, '') || ' restarts'), '')) END     AS message,
  {'logged_time': epoch_ms(captured_at)}                   AS metadata,
  CASE WHEN class_name = 'kubernetes_event'
    THEN event_workload(about_kind, "namespace", about_name, NULL)
    ELSE {'service': coalesce(
        nullif(regexp_extract(cell(names, cells, 'REFERENCE'), '/(.*)$', 1), ''),
        CASE WHEN kind <> 'Pod' THEN kubernetes_service(kind, name) END),
      'pod': CASE WHEN kind = 'Pod' THEN name END,
      'node': CASE WHEN kind = 'Node' THEN name ELSE cell(names, cells, 'NODE') END,
      'namespace': CASE WHEN kind = 'Namespace' THEN name ELSE "namespace" END,
      'version': CASE WHEN kind <> 'Node' THEN image_version(images[1]) END} END AS workload,
  CASE WHEN class_name = 'kubernetes_event'
    THEN {'kind': about_kind, 'name': about_name, 'namespace': "namespace",
      'field_path': cell(names, cells, 'SUBOBJECT'), 'created_time': NULL::TIMESTAMPTZ}
    ELSE {'kind': kind, 'name': name, 'namespace': "namespace", 'field_path': NULL,
      'created_time': time_before(captured_at, cell(names, cells, 'AGE'))} END AS object,
  CASE WHEN class_name = 'kubernetes_event' THEN cell(names, cells, 'REASON')
    WHEN NOT is_phase THEN status END                      AS reason,
  CASE WHEN is_phase THEN status END                       AS phase,
  CASE WHEN class_name = 'kubernetes_object' AND kind IN ('Pod', 'Deployment', 'ReplicaSet',
      'StatefulSet', 'DaemonSet') THEN ready >= desired
    WHEN kind = 'Node' THEN NOT is_ill END                 AS is_ready,
  {'desired': CASE WHEN kind NOT IN ('Pod', 'Event') THEN desired END,
   'current': cell(names, cells, 'CURRENT'),
   'ready': CASE WHEN kind NOT IN ('Pod', 'Event') THEN ready END,
   'updated': cell(names, cells, 'UP-TO-DATE'),
   'available': cell(names, cells, 'AVAILABLE')}           AS replicas,
  restarts                                                 AS restart_count,
  CASE WHEN class_name = 'kubernetes_object' THEN images END AS images,
  CASE WHEN class_name = 'kubernetes_event' THEN cell(names, cells, 'TYPE') END AS event_type,
  CASE WHEN class_name = 'kubernetes_event'
    THEN coalesce(try_cast(nullif(ages.count, '') AS BIGINT), cell(names, cells, 'COUNT')::BIGINT)
  END                                                      AS count,
  CASE WHEN class_name = 'kubernetes_event' THEN time_before(captured_at, coalesce(
    nullif(ages."first", ''), cell(names, cells, 'FIRST SEEN'), ages."last")) END
                                                           AS first_seen_time,
  CASE WHEN class_name = 'kubernetes_event' THEN "time" END AS last_seen_time,
  split_part(cell(names, cells, 'SOURCE'), ', ', 1)        AS reporting_controller,
  nullif(split_part(cell(names, cells, 'SOURCE'), ', ', 2), '') AS reporting_instance,
  filled({'row': map_from_entries(list_zip(names[:least(len(names), len(cells))],
      cells[:least(len(names), len(cells))])), 'relative': true}) AS unmapped,
  CASE
    WHEN line IS NULL THEN ''
    WHEN names IS NULL OR (name IS NULL AND about IS NULL) OR (cell(names, cells, 'AGE') IS NULL
        AND list_contains(names, 'AGE') AND NOT contains(line, '<unknown>'))
      THEN 'line ' || number || ' is no row of a table that is known: ' || left(line, 80)
    WHEN kind = 'Event' AND about IS NOT NULL AND "time" IS NULL
      THEN 'line ' || number || ' tells no age that can be read: ' || left(line, 80)
  END                                                      AS problem
FROM none LEFT JOIN told USING (position, captured_at, ingested_at)
