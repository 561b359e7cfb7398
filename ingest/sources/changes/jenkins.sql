-- name: jenkins
-- reads: json
-- class: application_lifecycle
-- product: Jenkins / Jenkins
-- sniff: "(full_url|fullDisplayName)":
-- sniff: "(queue_id|queueId|phase)":
-- https://plugins.jenkins.io/notification/
-- https://www.jenkins.io/doc/book/using/remote-access-api/
-- Builds as the Notification plugin sends them, a phase at a time, and as the remote access API
-- gives them, alone or in a list. A build is a change if its job's name says that it deploys; of
-- the others there is nothing to map. Jenkins tells when a build began and how long it took.
WITH documents AS (
  SELECT position, ingested_at, doc, unnest(CASE WHEN json_array_length(doc, '$.builds') > 0
    THEN doc->'$.builds[*]' ELSE [doc] END) AS told
  FROM raw
),
builds AS (
  SELECT position, ingested_at, doc, told,
    json_type(told, '$.build') = 'OBJECT'                  AS is_phase,
    from_json(coalesce(told->'$.build', told), '{"number": "VARCHAR", "full_url": "VARCHAR",
      "url": "VARCHAR", "phase": "VARCHAR", "status": "VARCHAR", "result": "VARCHAR",
      "timestamp": "VARCHAR", "duration": "VARCHAR", "building": "BOOLEAN",
      "displayName": "VARCHAR", "fullDisplayName": "VARCHAR", "description": "VARCHAR",
      "parameters": "JSON", "notes": "VARCHAR", "queue_id": "VARCHAR", "queueId": "VARCHAR",
      "scm": {"url": "VARCHAR", "branch": "VARCHAR", "commit": "VARCHAR",
        "culprits": ["VARCHAR"]}}')                        AS b,
    coalesce(json_extract(told, '$.actions[*]'), [])       AS actions
  FROM documents
),
named AS (
  SELECT *,
    coalesce(b.full_url, b.url)                            AS url,
    coalesce(told->>'$.name', nullif(regexp_extract(b."fullDisplayName", '^(.*) #?\S+$', 1), ''),
      nullif(regexp_extract(url, '/job/([^/]+)/[^/]+/?$', 1), '')) AS job,
    regexp_replace(url, '^https?://|/$', '', 'g')          AS uid,
    coalesce(b.scm.commit, list_filter(list_transform(actions,
      lambda a: a->>'$.lastBuiltRevision.SHA1'), lambda s: s IS NOT NULL)[1]) AS revision,
    coalesce(b.scm.url, list_filter(list_transform(actions,
      lambda a: a->>'$.remoteUrls[0]'), lambda s: s IS NOT NULL)[1]) AS repository,
    list_filter(list_transform(actions, lambda a: a->'$.causes[0]'),
      lambda c: json_type(c) = 'OBJECT')[1]                AS cause,
    coalesce(b.parameters, to_json(TRY(map_from_entries(flatten(list_transform(actions,
      lambda a: list_transform(coalesce(json_extract(a, '$.parameters[*]'), []),
        lambda p: {'k': p->>'$.name', 'v': p->>'$.value'}))))))) AS parameters,
    coalesce(parameters->>'$.service', parameters->>'$.SERVICE', parameters->>'$.APP') AS parameter,
    coalesce(parameters->>'$.version', parameters->>'$.VERSION', ref_version(b.scm.branch))
                                                           AS version,
    coalesce(parameters->>'$.environment', parameters->>'$.ENVIRONMENT', parameters->>'$.ENV')
                                                           AS environment,
    regexp_replace(regexp_extract(job, '[^/»]*$').trim(), '(?i)^(deploy|release|rollout|rollback|'
      || 'promote)[-_ ]|[-_ ](deploy|release|rollout|rollback|promote)$', '', 'g') AS bare,
    time_from_us(epoch_ns(b."timestamp") // 1000)          AS began_at,
    coalesce(began_at + TRY(to_milliseconds(try_cast(b.duration AS BIGINT))), began_at) AS ended_at,
    upper(coalesce(b.status, b.result))                    AS word
  FROM builds
),
moments AS (
  SELECT *, unnest(CASE
    WHEN b.phase IN ('QUEUED', 'STARTED') THEN [{'at': began_at, 'word': b.phase}]
    WHEN is_phase THEN [{'at': ended_at, 'word': word}]
    ELSE list_concat([{'at': began_at, 'word': 'STARTED'}],
      CASE WHEN NOT b.building THEN [{'at': ended_at, 'word': word}] END) END) AS m
  FROM named
)
SELECT
  position,
  ingested_at,
  m."at"                                                   AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  change_status_id(change_state(m.word))                   AS status_id,
  m.word                                                   AS status_code,
  coalesce(nullif(b.description, ''), nullif(b.notes, ''), b."fullDisplayName",
    job || ' #' || b.number)                               AS message,
  {'uid': concat_ws(':', uid, b.phase, m.word), 'correlation_uid': uid} AS metadata,
  {'service': coalesce(parameter, nullif(bare, ''), job), 'version': version} AS workload,
  {'name': coalesce(parameter, nullif(bare, ''), job), 'version': version} AS app,
  {'user': {'name': coalesce(cause->>'$.userId', cause->>'$.userName')},
   'app_name': 'Jenkins'}                                  AS actor,
  {'uid': uid,
   'kind': CASE WHEN regexp_matches(job, '(?i)terraform|infra') THEN 'infrastructure'
     ELSE 'deploy' END,
   'state': change_state(m.word), 'revision': revision,
   'url': coalesce(commit_url(repository, revision), url), 'environment': environment} AS change,
  filled({
    'job': job, 'number': b.number, 'phase': b.phase, 'duration': b.duration, 'build_url': url,
    'queue_id': coalesce(b.queue_id, b."queueId"), 'branch': b.scm.branch, 'repository': repository,
    'culprits': b.scm.culprits, 'parameters': nullif(parameters, '{}'),
    'cause': cause->>'$.shortDescription', 'changes': told->'$.build.scm.changes',
    'changeSets': told->'$.changeSets'})                   AS unmapped,
  CASE
    WHEN b.number IS NULL OR url IS NULL OR job IS NULL THEN 'the document is no build of Jenkins'
    WHEN NOT delivers(job) OR b.phase = 'FINALIZED' THEN ''   -- it was completed before
  END                                                      AS problem
FROM moments
