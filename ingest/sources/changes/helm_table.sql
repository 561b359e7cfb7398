-- name: helm_table
-- reads: lines
-- class: application_lifecycle
-- product: Helm / Helm
-- sniff: ^(NAME\s+NAMESPACE\s+)?REVISION\s+UPDATED\s+STATUS\s+CHART\s+APP VERSION
-- https://helm.sh/docs/helm/helm_history/ https://helm.sh/docs/helm/helm_list/
-- The tables of `helm history` and `helm list` (Helm 3 and 4), whose columns are parted by tabs.
-- `list` tells the time with its zone. `history` tells it without: it is read as UTC, and
-- `unmapped` says so; `helm history -o json` tells the zone.
WITH cells AS (
  SELECT position, ingested_at, list_transform(string_split(line, chr(9)), lambda c: trim(c)) AS c,
    starts_with(line, 'REVISION') OR starts_with(line, 'NAME') OR trim(line) = '' AS is_heading
  FROM raw
),
told AS (
  SELECT *,
    CASE len(c)
      WHEN 7 THEN {'name': c[1], 'namespace': c[2], 'revision': c[3], 'updated': c[4],
        'status': c[5], 'chart': c[6], 'app_version': c[7], 'description': NULL}
      WHEN 6 THEN {'name': NULL, 'namespace': NULL, 'revision': c[1], 'updated': c[2],
        'status': c[3], 'chart': c[4], 'app_version': c[5], 'description': c[6]}
    END                                                    AS r
  FROM cells
),
named AS (
  SELECT *,
    coalesce(r.name, nullif(helm_chart(r.chart).name, '')) AS release,
    concat_ws('/', r.namespace, release || '.v' || r.revision) AS uid,
    regexp_extract(r.updated, '^(\S+ [\d:]+)(\.\d+)? ([+-]\d{4})', ['at', 'fraction', 'zone'])
                                                           AS zoned
  FROM told
)
SELECT
  position,
  ingested_at,
  coalesce(
    zoned_time(zoned."at" || zoned.fraction[:7] || ' ' || zoned.zone),
    try_strptime(regexp_replace(r.updated, '\s+', ' ', 'g') || ' +00', '%a %b %-d %H:%M:%S %Y %z')
  )                                                        AS "time",
  helm_activity_id(r.status, r.revision)                   AS activity_id,
  1                                                        AS severity_id,
  change_status_id(helm_state(r.status))                   AS status_id,
  r.status                                                 AS status_code,
  r.description                                            AS message,
  {'uid': uid || ':' || r.status, 'correlation_uid': uid}  AS metadata,
  {'service': release, 'version': nullif(r.app_version, ''), 'namespace': r.namespace} AS workload,
  {'name': release, 'version': nullif(r.app_version, '')}  AS app,
  {'app_name': 'Helm'}                                     AS actor,
  {'uid': uid,
   'kind': CASE WHEN (r.chart, r.app_version) = lag((r.chart, r.app_version)) OVER of_release
     THEN 'config' ELSE 'deploy' END,
   'state': helm_state(r.status), 'revision': r.revision, 'environment': r.namespace} AS change,
  filled({
    'chart': r.chart, 'updated': r.updated,
    'timezone': CASE WHEN zoned.zone = '' THEN 'not told: read as UTC' END}) AS unmapped,
  CASE
    WHEN is_heading THEN ''
    WHEN release IS NULL OR helm_state(r.status) IS NULL
      THEN 'the line is no row of a table of helm history or helm list'
  END                                                      AS problem
FROM named
WINDOW of_release AS (PARTITION BY file_of(position), r.namespace, release
  ORDER BY try_cast(r.revision AS BIGINT))
