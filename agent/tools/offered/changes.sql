-- question: What was changed from $start to $end?
-- offer: Deploys, config, flags, scale, schema; announced, or seen in versions and specs
-- takes: service text = all -- part of a name
-- takes: kind text = all
-- takes: start time = onset-3d
-- takes: end time = end
-- people: url
-- What nobody announced is told by versions that were not there before, and by what the cluster's
-- objects are to run.
WITH announced AS (
  {{question(changes)}}
),
versions AS (
  {{question(versions)}}
),
ran AS (
  SELECT service, version, min(first_seen_at) AS time, count(DISTINCT instance) AS instances,
    lag(version) OVER (PARTITION BY service ORDER BY min(first_seen_at), version) AS previous
  FROM versions
  GROUP BY service, version
),
states AS (
  SELECT time, object.kind AS kind, coalesce(object.namespace, '') AS namespace, object.name AS name,
    object.generation AS generation, array_to_string(list_sort(images), ' ') AS image,
    replicas.desired AS desired, spec_digest AS spec
  FROM kubernetes_object
  WHERE time < $end AND object.kind NOT IN ('Pod', 'ReplicaSet', 'Node', 'Lease', 'Endpoints',
    'EndpointSlice')
),
turned AS (
  SELECT *, lag(image IGNORE NULLS) OVER own AS image_before,
    lag(desired IGNORE NULLS) OVER own AS desired_before,
    lag(spec IGNORE NULLS) OVER own AS spec_before
  FROM states
  WINDOW own AS (PARTITION BY kind, namespace, name ORDER BY time, generation, image, desired, spec)
),
seen AS (
  SELECT time, concat_ws('/', kind, nullif(namespace, ''), name) AS what,
    CASE WHEN image <> image_before THEN ['image', image, image_before]
      WHEN desired <> desired_before THEN ['scale', desired::VARCHAR, desired_before::VARCHAR]
      WHEN spec <> spec_before THEN ['spec', left(spec, 12), left(spec_before, 12)] END AS turn
  FROM turned
  WHERE time >= $start
),
every AS (
  SELECT declared_at AS time, kind, service AS what, version, NULL AS previous, revision, who,
    CASE WHEN failed THEN 'failed' ELSE state END AS state, url
  FROM announced
  UNION ALL
  SELECT time, 'version', service, version, previous, NULL, NULL, 'seen', NULL
  FROM ran
  WHERE previous IS NOT NULL
  UNION ALL
  SELECT time, turn[1], what, turn[2], turn[3], NULL, NULL, 'seen', NULL
  FROM seen
  WHERE turn IS NOT NULL
)
SELECT time, kind, what, version, previous, left(revision, 12) AS revision, who, state, url
FROM every
WHERE ($service IS NULL OR contains(lower(what), lower($service)))
  AND ($kind IS NULL OR kind = lower($kind))
ORDER BY time DESC, kind, what, version, previous, revision, who, state, url
LIMIT 200
