-- Every object of the cluster as it was last seen before $end: one row an object, whatever told of it.
-- What one text leaves out (`get` a spec, a manifest a state) is what another one said last.
-- A name without a namespace is that of the only namespace in which the name was seen.
WITH seen AS (
  SELECT *, object.kind AS kind, object.name AS name,
    coalesce(nullif(object.namespace, ''),
      max(nullif(object.namespace, '')) OVER (PARTITION BY object.kind, object.name), '') AS namespace,
    (epoch_us(time), coalesce(severity_id, 0), coalesce(message, '')) AS latest
  FROM kubernetes_object
  WHERE time < $end AND object.name IS NOT NULL
),
last AS (
  SELECT kind, namespace, name,
    max(time) AS seen_at,
    arg_max(activity_id, latest) AS activity_id,
    arg_max(severity_id, latest) AS severity_id,
    arg_max(status_id, latest) AS status_id,
    arg_max(message, latest) AS message,
    arg_max(workload.service, latest) FILTER (workload.service IS NOT NULL) AS service,
    arg_max(workload.node, latest) FILTER (workload.node IS NOT NULL) AS node,
    arg_max(workload.zone, latest) FILTER (workload.zone IS NOT NULL) AS zone,
    arg_max(workload.version, latest) FILTER (workload.version IS NOT NULL) AS version,
    arg_max(object.owner.kind, latest) FILTER (object.owner.kind IS NOT NULL) AS owner_kind,
    arg_max(object.owner.name, latest) FILTER (object.owner.name IS NOT NULL) AS owner_name,
    arg_max(object.created_time, latest) FILTER (object.created_time IS NOT NULL) AS created_at,
    arg_max(object.api_version, latest) FILTER (object.api_version IS NOT NULL) AS api_version,
    arg_max(phase, latest) FILTER (phase IS NOT NULL) AS phase,
    arg_max(reason, latest) FILTER (reason IS NOT NULL) AS reason,
    arg_max(is_ready, latest) FILTER (is_ready IS NOT NULL) AS is_ready,
    arg_max(restart_count, latest) FILTER (restart_count IS NOT NULL) AS restarts,
    arg_max(replicas.desired, latest) FILTER (replicas.desired IS NOT NULL) AS desired,
    arg_max(replicas.ready, latest) FILTER (replicas.ready IS NOT NULL) AS ready,
    arg_max(replicas.updated, latest) FILTER (replicas.updated IS NOT NULL) AS updated,
    arg_max(replicas.available, latest) FILTER (replicas.available IS NOT NULL) AS available,
    arg_max(images, latest) FILTER (images IS NOT NULL) AS images,
    arg_max(conditions, latest) FILTER (conditions <> '[]') AS conditions,
    arg_max(container_states, latest) FILTER (container_states <> '[]') AS container_states,
    arg_max(attributes, latest) FILTER (attributes IS NOT NULL) AS labels,
    arg_max(unmapped->'$.object', latest)
      FILTER (json_exists(unmapped, '$.object')) AS object,
    arg_max(unmapped->'$.described', latest)
      FILTER (json_exists(unmapped, '$.described')) AS described,
    arg_max(unmapped->'$.row', latest)
      FILTER (json_exists(unmapped, '$.row')) AS table_row
  FROM seen
  GROUP BY kind, namespace, name
)
SELECT * EXCLUDE (activity_id, status_id),
  coalesce(severity_id, 0) >= 3 AND status_id IS DISTINCT FROM 1 AS is_bad,
  object->'$.spec' AS spec
FROM last
WHERE activity_id IS DISTINCT FROM 4
