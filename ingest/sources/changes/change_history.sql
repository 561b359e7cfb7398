-- name: change_history
-- reads: json
-- class: application_lifecycle
-- product: Inquest / change history
-- sniff: \A\s*(?:\[\s*)?\{\s*(?:"changes"\s*:\s*\[\s*\{)?
-- sniff: "(?:time|timestamp|changed_at|at)"\s*:
-- sniff: "(?:resource|resource_name|name)"\s*:
-- sniff: "(?:old|old_value|before)"\s*:|"diff"\s*:|"changes"\s*:\s*\[
-- sniff: "(?:new|new_value|after)"\s*:|"diff"\s*:|"(?:description|summary|change)"\s*:
-- generic: yes
-- What was changed, as people and their tools list it: under `changes`, in an array, or one by one.
-- What it was before and after, or the diff, is the detail; an image's tag is the version. A change
-- of a Secret tells that it was, not what.
WITH listed AS (
  SELECT position, ingested_at, unnest(CASE
    WHEN json_type(doc, '$.changes') = 'ARRAY' THEN doc->'$.changes[*]' ELSE [doc] END) AS doc
  FROM raw
),
read AS (
  SELECT *,
    coalesce(doc->>'$.time', doc->>'$.timestamp', doc->>'$.changed_at', doc->>'$.at') AS "at",
    regexp_extract(coalesce(doc->>'$.resource', doc->>'$.resource_name', doc->>'$.name'),
      '^(?:([A-Za-z]+)/)?(?:([^/]+)/)?([^/]+)$', ['kind', 'space', 'name']) AS named
  FROM listed
),
told AS (
  SELECT *,
    coalesce(doc->>'$.kind', doc->>'$.resource_type', nullif(named.kind, '')) AS object_kind,
    coalesce(doc->>'$.namespace', nullif(named.space, '')) AS space,
    coalesce(doc->>'$.old', doc->>'$.old_value', doc->>'$.before') AS old,
    coalesce(doc->>'$.new', doc->>'$.new_value', doc->>'$.after') AS new,
    coalesce(doc->>'$.actor', doc->>'$.user', doc->>'$.author', doc->>'$.by') AS who,
    coalesce(doc->>'$.description', doc->>'$.summary', doc->>'$.message', doc->>'$.change') AS said,
    coalesce(lower(object_kind) LIKE 'secret%', false)     AS is_secret,
    CASE WHEN is_secret THEN NULL ELSE coalesce(doc->>'$.diff',
      CASE WHEN coalesce(old, new) IS NOT NULL THEN concat_ws(chr(10),
        '- ' || old, '+ ' || new) END) END                 AS diff
  FROM read
)
SELECT
  position,
  ingested_at,
  any_time("at")                                           AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  1                                                        AS status_id,
  concat_ws(': ', concat_ws(' ', object_kind, concat_ws('/', space, nullif(named.name, ''))),
    said)                                                  AS message,
  coalesce(diff, CASE WHEN is_secret THEN 'what a Secret holds is withheld' END, said)
                                                           AS status_detail,
  {'service': nullif(named.name, ''), 'namespace': space}  AS workload,
  {'name': nullif(named.name, ''),
   'version': image_version(CASE WHEN regexp_full_match(new, '\S+[:@]\S+') THEN new END)} AS app,
  {'user': {'name': who}}                                  AS actor,
  {'uid': concat_ws('@', concat_ws('/', object_kind, space, nullif(named.name, '')), "at"),
   'kind': CASE WHEN lower(object_kind) IN ('configmap', 'secret', 'flag', 'config') THEN 'config'
     WHEN lower(object_kind) IN ('node', 'machine') THEN 'node' ELSE 'deploy' END,
   'state': 'success', 'revision': coalesce(doc->>'$.revision', doc->>'$.commit')} AS change,
  filled({'field': coalesce(doc->>'$.field', doc->>'$.path'), 'kind': object_kind}) AS unmapped,
  CASE WHEN coalesce(named.name, '') = '' THEN 'the change names no resource' END AS problem
FROM told
