-- name: manifest_diff
-- reads: text
-- class: application_lifecycle
-- product: Kubernetes / manifest diff
-- sniff: ^(?:--- \S.*\n\+\+\+ \S|diff --git |[\w.-]+, [\w.-]+, \w+ \([\w./-]*\) has (?:changed|been added|been removed):?)
-- sniff: ^[-+] +\S
-- sniff: ^[-+ ] *-? *(?:name|value|image|kind|metadata|spec|replicas|[A-Z][A-Z0-9_]+): *
-- over: plain_log kubernetes_objects text_log generic_alert
-- What `helm diff`, `kubectl diff` and `git diff` print of manifests: one change of configuration a
-- workload, as of the file's capture (`undated`). `diff` has what differs, a line `- KEY: old` or
-- `+ KEY: new` each; of a variable of the environment the key is its name. The workload is the one
-- that the text names: in helm's head, in the file that kubectl compares, as the template's folder.
WITH parts AS (
  SELECT position, captured_at, ingested_at, unnest(list_filter(string_split(regexp_replace(text,
    '(?m)^(--- \S|diff --git |[\w.-]+, [\w.-]+, \w+ \([\w./-]*\) has )', chr(1) || '\1', 'g'), chr(1)),
    lambda part: regexp_matches(part, '(?m)^[-+] *\S'))) AS part
  FROM raw
),
named AS (
  SELECT *,
    regexp_extract(part, '^([\w.-]+), ([\w.-]+), (\w+) \(', ['space', 'name', 'kind']) AS of_helm,
    regexp_extract(part, '(?m)^\+\+\+ \S*?/\w+\.\w+\.(\w+)\.([\w-]+)\.([\w.-]+)', ['kind', 'space', 'name'])
                                                           AS of_kubectl,
    regexp_extract(part, '(?m)^[ +]?\s*# Source: ([\w.-]+)/', 1) AS chart,
    regexp_extract(part, '(?m)^\+\+\+ (?:b/)?(?:\S*/)?([\w-]+)/[\w.-]+\.ya?ml', 1) AS folder,
    regexp_extract(part, '(?m)^[ +]kind: *(\w+)', 1)       AS kind,
    regexp_replace(part, '(- name: *"?([\w.-]+)"?)\n-\s*value: *([^\n]*)\n\+\s*value: *([^\n]*)',
      '\1' || chr(10) || '- \2: \3' || chr(10) || '+ \2: \4', 'g') AS keyed
  FROM parts
),
told AS (
  SELECT *,
    coalesce(nullif(of_helm.name, ''), nullif(of_kubectl.name, ''), nullif(chart, ''),
      nullif(folder, ''))                                  AS name,
    coalesce(nullif(of_helm.space, ''), nullif(of_kubectl.space, '')) AS space,
    coalesce(nullif(of_helm.kind, ''), nullif(of_kubectl.kind, ''), nullif(kind, ''), '') = 'Secret'
                                                           AS is_secret,
    array_to_string(regexp_extract_all(keyed, '(?m)^[-+] *[^-+ \n][^\n]*'), chr(10)) AS diff
  FROM named
)
SELECT
  position,
  ingested_at,
  captured_at                                              AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  1                                                        AS status_id,
  'what differs between two manifests of ' || coalesce(name, 'a workload') AS message,
  CASE WHEN is_secret THEN 'what a Secret holds is withheld' ELSE diff END AS status_detail,
  {'service': name, 'namespace': space}                    AS workload,
  {'name': name}                                           AS app,
  {'uid': concat_ws('/', 'diff', space, name, md5(part)), 'kind': 'config', 'state': 'success'} AS change,
  filled({'diff': CASE WHEN NOT is_secret THEN diff END, 'undated': true}) AS unmapped,
  NULL::VARCHAR                                            AS problem
FROM told
UNION ALL BY NAME
SELECT position, ingested_at, NULL::TIMESTAMPTZ AS "time", 'the text differs in nothing' AS problem
FROM raw
WHERE position NOT IN (SELECT position FROM parts)
