-- name: argocd_text
-- reads: text
-- class: kubernetes_object application_lifecycle
-- product: Argo / Argo CD
-- sniff: ^Sync Status: +\S|^===== \S*/\S+ \S*/\S+ =====|^GROUP +KIND +NAMESPACE +NAME +(?:STATUS|ORPHANED)\b|^NAME +CLUSTER +NAMESPACE +PROJECT +STATUS +HEALTH|^ID +DATE +REVISION\s*$
-- over: kubernetes_describe kubernetes_get
-- https://argo-cd.readthedocs.io/en/stable/user-guide/commands/argocd_app_get/
-- What `argocd app get`, `list`, `resources`, `diff` and `history` print. An application is an object
-- of kind Application whose conditions are its sync, its health, its last operation and what the table
-- of conditions says; so is each of its resources, as of the file's capture (`undated`). Its last
-- operation and its history are deploys; a difference between what is wanted and what is there is a
-- change that has drifted, with the text of the difference.
WITH lines AS (
  SELECT position, captured_at, ingested_at, text,
    unnest(string_split(text, chr(10))) AS line,
    unnest(range(1, len(string_split(text, chr(10))) + 1)) AS number
  FROM raw
),
headed AS (   -- a table's rows know its heading
  SELECT *,
    regexp_matches(line, '^(?:GROUP +KIND +NAMESPACE|NAME +CLUSTER +NAMESPACE|ID +DATE +REVISION'
      || '|CONDITION +MESSAGE)')                           AS is_heading,
    last_value(CASE WHEN is_heading THEN line WHEN trim(line) = '' THEN '' END IGNORE NULLS) OVER (
      PARTITION BY position ORDER BY number)               AS heading
  FROM lines
),
rows AS (
  SELECT *, regexp_extract(heading, '^(\w+)', 1)           AS first FROM headed
  WHERE heading <> '' AND NOT is_heading AND trim(line) <> ''
),
applications AS (
  SELECT position, captured_at, ingested_at, text,
    field_of(text, 'Name') AS path, field_of(text, 'Sync Status') AS sync,
    field_of(text, 'Health Status') AS health, field_of(text, 'Phase') AS phase,
    field_of(text, 'Message') AS said, field_of(text, 'Start') AS started,
    field_of(text, 'Finished') AS finished, field_of(text, 'Sync Revision') AS revision,
    field_of(text, 'Namespace') AS target, field_of(text, 'Repo') AS repository
  FROM raw
  WHERE regexp_matches(text, '(?m)^Sync Status: +\S')
  UNION ALL BY NAME
  SELECT position, captured_at, ingested_at, text,
    column_of(heading, line, 'NAME') AS path, column_of(heading, line, 'STATUS') AS sync,
    column_of(heading, line, 'HEALTH') AS health, NULL AS phase,
    column_of(heading, line, 'CONDITIONS') AS listed_conditions,
    column_of(heading, line, 'NAMESPACE') AS target, column_of(heading, line, 'REPO') AS repository
  FROM rows
  WHERE first = 'NAME'
),
conditioned AS (
  SELECT *, list_concat(
    [{'type': 'Synced', 'status': CASE WHEN sync LIKE 'Synced%' THEN 'True' ELSE 'False' END,
      'reason': split_part(sync, ' ', 1), 'message': sync},
     {'type': 'Healthy', 'status': CASE WHEN health LIKE 'Healthy%' THEN 'True' ELSE 'False' END,
      'reason': split_part(health, ' ', 1), 'message': health}],
    CASE WHEN phase <> '' THEN [{'type': 'Operation', 'status':
      CASE WHEN phase IN ('Failed', 'Error') THEN 'False' ELSE 'True' END,
      'reason': CASE WHEN phase IN ('Failed', 'Error') THEN 'SyncFailed' ELSE phase END,
      'message': said}] END,
    coalesce((SELECT list({'type': split_part(trim(r.line), ' ', 1), 'status': 'True',
        'reason': split_part(trim(r.line), ' ', 1), 'message': column_of(r.heading, r.line, 'MESSAGE')}
        ORDER BY r.number)
      FROM rows r WHERE r.position = applications.position AND r.first = 'CONDITION'), []),
    CASE WHEN listed_conditions NOT IN ('', '<none>') THEN [{'type': listed_conditions,
      'status': 'True', 'reason': listed_conditions, 'message': NULL}] END) AS conditions
  FROM applications
),
judged AS (
  SELECT *, list_filter(conditions, lambda c: CASE WHEN c.type IN ('Synced', 'Healthy', 'Operation')
    THEN c.status = 'False' AND c.reason NOT IN ('', 'Progressing')
    ELSE regexp_matches(c.type, 'Error|Warning') END)      AS bad
  FROM conditioned
),
states AS (
  SELECT position, ingested_at, captured_at, 'Application' AS kind,
    regexp_extract(path, '([^/]+)$', 1) AS name, nullif(regexp_extract(path, '^(.+)/', 1), '') AS space,
    len(bad) = 0 AS is_ready,
    coalesce(list_filter(bad, lambda c: c.type = 'Operation')[1].reason,
      list_filter(bad, lambda c: c.type NOT IN ('Synced', 'Healthy'))[1].reason, bad[1].reason) AS reason,
    list_transform(bad, lambda c: CASE c.type WHEN 'Synced' THEN 'its sync is ' || c.message
      WHEN 'Healthy' THEN 'its health is ' || c.message
      WHEN 'Operation' THEN 'its last sync failed: ' || coalesce(c.message, '')
      ELSE concat_ws(': ', c.type, c.message) END) AS ills,
    to_json(list_transform(conditions, lambda c: filled(c)::JSON))::VARCHAR AS conditions,
    filled({'repository': repository, 'destination': target, 'revision': revision}) AS told,
    CASE WHEN listed_conditions IS NULL THEN (   -- one application: what is listed below is its own
      SELECT to_json({'status': {'resources': list({'kind': column_of(r.heading, r.line, 'KIND'),
        'namespace': column_of(r.heading, r.line, 'NAMESPACE'),
        'name': column_of(r.heading, r.line, 'NAME')} ORDER BY r.number)}})
      FROM rows r WHERE r.position = judged.position AND r.first = 'GROUP'
      HAVING count(*) > 0) END                             AS object
  FROM judged
  UNION ALL BY NAME
  SELECT position, ingested_at, captured_at, column_of(heading, line, 'KIND') AS kind,
    column_of(heading, line, 'NAME') AS name, nullif(column_of(heading, line, 'NAMESPACE'), '') AS space,
    coalesce(column_of(heading, line, 'STATUS'), '') AS state,
    coalesce(column_of(heading, line, 'HEALTH'), '') AS health,
    column_of(heading, line, 'MESSAGE') AS said,
    state IN ('', 'Synced', 'Succeeded', 'Pruned') AND health IN ('', 'Healthy', 'Progressing',
      'Suspended') AS is_ready,
    CASE WHEN NOT is_ready THEN CASE WHEN health NOT IN ('', 'Healthy') THEN health ELSE state END
      END AS reason,
    CASE WHEN NOT is_ready THEN [concat_ws(', ', 'it is ' || nullif(state, ''), nullif(health, ''))
      || coalesce(': ' || nullif(said, ''), '')] END AS ills,
    filled({'sync': nullif(state, ''), 'health': nullif(health, ''), 'message': nullif(said, ''),
      'group': nullif(column_of(heading, line, 'GROUP'), '')}) AS told
  FROM rows
  WHERE first IN ('GROUP', 'KIND')
),
objects AS (
  SELECT
    position,
    ingested_at,
    'kubernetes_object'                                    AS class_name,
    captured_at                                            AS "time",
    1                                                      AS activity_id,
    CASE WHEN len(ills) > 0 THEN 4 ELSE 1 END              AS severity_id,
    CASE WHEN len(ills) > 0 THEN 2 ELSE 1 END              AS status_id,
    concat_ws(': ', kind || ' ' || concat_ws('/', space, name),
      nullif(array_to_string(ills, '; '), ''))             AS message,
    {'logged_time': epoch_ms(captured_at)}                 AS metadata,
    {'service': CASE WHEN kind IN ('Application', 'Deployment', 'StatefulSet', 'DaemonSet', 'Rollout',
       'Service', 'Job', 'CronJob', 'Ingress') THEN name END,
     'namespace': CASE WHEN kind <> 'Application' THEN space END} AS workload,
    {'kind': kind, 'name': name, 'namespace': space}       AS object,
    CASE WHEN told IS NOT NULL OR conditions IS NOT NULL THEN is_ready END AS is_ready,
    reason,
    conditions,
    filled({'argocd': told::JSON, 'object': "object"::JSON, 'undated': true})        AS unmapped,
    NULL::VARCHAR                                          AS problem
  FROM states
),
operations AS (
  SELECT position, ingested_at, regexp_extract(path, '([^/]+)$', 1) AS application, path, revision,
    coalesce(any_time(finished), any_time(started)) AS "at", started,
    CASE WHEN phase IN ('Failed', 'Error') THEN 'failure' WHEN phase = 'Succeeded' THEN 'success'
      ELSE 'in_progress' END AS state, said AS detail
  FROM applications
  WHERE phase <> ''
  UNION ALL BY NAME
  SELECT position, ingested_at, p.revision AS revision, any_time(p."at") AS "at", p."at" AS started,
    'success' AS state
  FROM (SELECT *, regexp_extract(line, '^(\d+) +(\d{4}-\S+ \S+ \S+(?: [A-Z]+)?) +(.*?) *$',
    ['id', 'at', 'revision']) AS p FROM rows WHERE first = 'ID')
),
differences AS (
  SELECT position, ingested_at, captured_at, unnest(regexp_split_to_array(text, '(?m)^(?:===== )'))
    AS part
  FROM raw
  WHERE regexp_matches(text, '(?m)^===== \S*/\S+ \S*/\S+ =====')
),
drifts AS (
  SELECT *, regexp_extract(part, '(?s)^(\S*)/(\S+) (?:([^/\s]*)/)?(\S+) =+\s*\n(.*)$',
    ['group', 'kind', 'space', 'name', 'diff']) AS d
  FROM differences
),
changes AS (
  SELECT position, ingested_at, 'application_lifecycle' AS class_name, "at" AS "time",
    8 AS activity_id, 1 AS severity_id,
    CASE state WHEN 'success' THEN 1 WHEN 'failure' THEN 2 ELSE 0 END AS status_id,
    detail AS status_detail, {'service': application, 'namespace': NULL} AS workload,
    {'name': coalesce(application, 'an application of Argo CD')} AS app,
    {'uid': concat_ws('@', coalesce(path, 'argocd'), started), 'kind': 'deploy', 'state': state, 'revision': revision}
      AS change
  FROM operations
  UNION ALL BY NAME
  SELECT position, ingested_at, 'application_lifecycle' AS class_name, captured_at AS "time",
    8 AS activity_id, 1 AS severity_id, 0 AS status_id,
    concat(d.kind, ' ', nullif(d.space, '') || '/', d.name, ' is not as it is wanted') AS message,
    CASE WHEN d.kind = 'Secret' THEN 'what a Secret holds is withheld' ELSE trim(d.diff, E'\n ') END
      AS status_detail,
    {'service': d.name, 'namespace': nullif(d.space, '')} AS workload, {'name': d.name} AS app,
    {'uid': concat_ws('/', 'drift', d.kind, nullif(d.space, ''), d.name), 'kind': 'config',
     'state': 'drifted', 'revision': NULL} AS change, '{"undated":true}' AS unmapped
  FROM drifts
  WHERE d.name <> ''
),
others AS (
  SELECT position, ingested_at, 'kubernetes_object' AS class_name, NULL::TIMESTAMPTZ AS "time",
    'the text is none that argocd prints: ' || left(trim(text, E'\n '), 80) AS problem
  FROM raw
  WHERE position NOT IN (SELECT position FROM objects) AND position NOT IN (SELECT position FROM changes)
)
FROM objects UNION ALL BY NAME FROM changes UNION ALL BY NAME FROM others
