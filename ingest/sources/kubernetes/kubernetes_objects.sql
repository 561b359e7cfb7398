-- name: kubernetes_objects
-- reads: yaml
-- class: kubernetes_object kubernetes_event application_lifecycle log_record
-- product: Kubernetes / Kubernetes
-- sniff: (?:^\s*(?:- )?|"items"\s*:\s*\[\s*|"object"\s*:\s*)\{?\s*"?(?:apiVersion"?\s*:\s*"?(?:v1"?,?\s*"?kind"?\s*:\s*"?(?:Pod|Node|Service|Event|Endpoints|ConfigMap|Secret|Namespace|PersistentVolume|PersistentVolumeClaim|ReplicationController|ServiceAccount|ResourceQuota|LimitRange)(?:List)?\b|(?:(?:apps|batch|autoscaling|policy|extensions)|[a-z0-9-]+(?:\.[a-z0-9-]+)+)/v\d\w*"?,?\s*"?kind"?\s*:\s*"?[A-Z])|kind"?\s*:\s*"?(?:(?:Pod|Node|Service|Event|Endpoints|ConfigMap|Secret|Namespace|PersistentVolume|PersistentVolumeClaim|ReplicationController|ServiceAccount|ResourceQuota|LimitRange)(?:List)?"?,?\s*"?apiVersion"?\s*:\s*"?v1\b|\w+"?,?\s*"?apiVersion"?\s*:\s*"?(?:(?:apps|batch|autoscaling|policy|extensions)|[a-z0-9-]+(?:\.[a-z0-9-]+)+)/v\d\w*|(?:Pod|Node|Service|ConfigMap|Secret|Namespace|PersistentVolumeClaim|Deployment|ReplicaSet|StatefulSet|DaemonSet|Job|CronJob|Ingress)"?,?\s*"?metadata"?\s*:))
-- https://kubernetes.io/docs/reference/kubernetes-api/
-- What `kubectl get -o json|yaml` prints (v1 events and events.k8s.io/v1 ones too), a list, a
-- single object, a watch, or `kubectl cluster-info dump`; manifests.
--
-- An object is a row of what it says of itself. Its time is the latest that its metadata and status
-- tell, so that it held from then until it was captured (metadata.logged_time); what has a status
-- without times is told as of its capture, and `undated`. status_id is 2 if something is not well
-- now, and `message` says what; severity 3 is for what happened before or is near a limit. A
-- ReplicaSet and a ControllerRevision are also the beginning of a deploy, a Deployment the end of
-- its last one. Values of ConfigMaps and Secrets are digests; what managed fields are, and the
-- configuration last applied, is left out.
WITH documents AS (   -- a watch tells {"type": ..., "object": ...}
  SELECT position, captured_at, ingested_at,
    CASE WHEN json_exists(doc, '$.object.kind') THEN doc->>'$.type' END AS watched,
    CASE WHEN watched IS NULL THEN doc ELSE doc->'$.object' END AS told
  FROM raw
),
lists AS (   -- what is asked of a list is asked of it once, and not for each of its items
  SELECT position, captured_at, ingested_at, watched,
    told->>'$.kind'                                        AS list_kind,
    told->>'$.apiVersion'                                  AS list_version,
    json_array_length(told, '$.items') = 0                 AS is_empty,
    CASE WHEN json_type(told) = 'ARRAY' THEN told->'$[*]'
      WHEN json_array_length(told, '$.items') > 0 THEN told->'$.items[*]'
      ELSE [told] END                                      AS items
  FROM documents
),
listed AS (
  SELECT * EXCLUDE (items), unnest(items) AS doc FROM lists
),
parsed AS (
  SELECT *,
    from_json(doc, '{"kind": "VARCHAR", "apiVersion": "VARCHAR", "type": "VARCHAR",
      "metadata": {"name": "VARCHAR", "namespace": "VARCHAR", "uid": "VARCHAR",
        "resourceVersion": "VARCHAR", "generation": "BIGINT", "creationTimestamp": "VARCHAR",
        "deletionTimestamp": "VARCHAR", "deletionGracePeriodSeconds": "BIGINT",
        "labels": "JSON", "annotations": "JSON",
        "generateName": "VARCHAR", "ownerReferences":
          [{"kind": "VARCHAR", "name": "VARCHAR", "uid": "VARCHAR", "controller": "BOOLEAN"}],
        "managedFields": [{"manager": "VARCHAR", "operation": "VARCHAR", "subresource": "VARCHAR",
          "time": "VARCHAR"}]},
      "spec": {"nodeName": "VARCHAR", "replicas": "BIGINT", "maxReplicas": "BIGINT",
        "unschedulable": "BOOLEAN", "type": "VARCHAR", "providerID": "VARCHAR",
        "scaleTargetRef": {"kind": "VARCHAR", "name": "VARCHAR"},
        "containers": [{"name": "VARCHAR", "image": "VARCHAR"}],
        "template": {"metadata": {"labels": "JSON"},
          "spec": {"containers": [{"name": "VARCHAR", "image": "VARCHAR"}]}},
        "jobTemplate": {"spec": {"template":
          {"spec": {"containers": [{"name": "VARCHAR", "image": "VARCHAR"}]}}}}},
      "data": {"spec": {"template": {"spec":
        {"containers": [{"name": "VARCHAR", "image": "VARCHAR"}]}}}},
      "status": {"phase": "VARCHAR", "reason": "VARCHAR", "message": "VARCHAR",
        "conditions": [{"type": "VARCHAR", "status": "VARCHAR", "reason": "VARCHAR",
          "message": "VARCHAR", "lastTransitionTime": "VARCHAR", "lastUpdateTime": "VARCHAR"}],
        "replicas": "BIGINT", "readyReplicas": "BIGINT", "availableReplicas": "BIGINT",
        "updatedReplicas": "BIGINT", "currentReplicas": "BIGINT", "desiredReplicas": "BIGINT",
        "desiredNumberScheduled": "BIGINT", "currentNumberScheduled": "BIGINT",
        "numberReady": "BIGINT", "numberAvailable": "BIGINT",
        "updatedNumberScheduled": "BIGINT", "failed": "BIGINT", "disruptionsAllowed": "BIGINT",
        "currentHealthy": "BIGINT", "desiredHealthy": "BIGINT",
        "hard": "MAP(VARCHAR, VARCHAR)", "used": "MAP(VARCHAR, VARCHAR)"},
      "revision": "VARCHAR", "container": "VARCHAR", "log": "VARCHAR"}') AS o,
    list_concat(from_json(doc->'$.status.containerStatuses', container_statuses()),
      from_json(doc->'$.status.initContainerStatuses', container_statuses())) AS containers
  FROM listed
),
owned AS (
  SELECT *,
    coalesce(o.kind, nullif(regexp_replace(list_kind, 'List$', ''), '')) AS kind,
    coalesce(o.apiVersion, list_version)                   AS api_version,
    coalesce(o.metadata.name, o.metadata.generateName)     AS name,
    coalesce(list_filter(o.metadata.ownerReferences, lambda r: r.controller)[1],
      o.metadata.ownerReferences[1])                       AS owner,
    coalesce(o.metadata.labels, '{}')                      AS labels,
    coalesce(o.metadata.annotations, '{}')                 AS annotations,
    coalesce(o.spec.containers, o.spec.template.spec.containers,
      o.spec.jobTemplate.spec.template.spec.containers, o.data.spec.template.spec.containers)
                                                           AS wanted,
    coalesce(o.spec.replicas, o.status.desiredNumberScheduled, o.status.desiredReplicas) AS desired,
    CASE WHEN kind IN ('Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet',
        'ReplicationController') AND o.status IS NOT NULL
      THEN coalesce(o.status.readyReplicas, o.status.numberReady, 0) END AS ready,
    latest_time(json_merge_patch(doc->'$.metadata', '{"creationTimestamp": null}'), doc->'$.status',
      captured_at)                                         AS dated_at,
    coalesce(greatest(dated_at, any_time(o.metadata.deletionTimestamp)
      - to_seconds(o.metadata.deletionGracePeriodSeconds)), CASE
      WHEN o.status IS NULL AND kind NOT IN ('Endpoints', 'EndpointSlice')
        THEN any_time(o.metadata.creationTimestamp) END)   AS changed_at
  FROM parsed
),
timed AS MATERIALIZED (   -- a file that is a day younger than all that it tells of is a copy
  SELECT * REPLACE (
    CASE WHEN max(dated_at) OVER of_file < captured_at - INTERVAL 1 DAY
      THEN max(dated_at) OVER of_file ELSE captured_at END AS captured_at)
  FROM owned
  WINDOW of_file AS (PARTITION BY file_of(position))
),
named AS (
  SELECT *,
    CASE WHEN kind <> 'Event' THEN coalesce(
      kubernetes_service(o.spec.scaleTargetRef.kind, o.spec.scaleTargetRef.name),
      CASE WHEN owner.kind NOT IN ('Node', 'CronJob')
        THEN kubernetes_maker(owner.kind, owner.name) END,
      CASE WHEN kind <> 'Pod' THEN kubernetes_service(kind, o.metadata.name) END,
      labels->>'kubernetes.io/service-name', labels->>'app.kubernetes.io/name', labels->>'app',
      labels->>'k8s-app', kubernetes_service(kind, o.metadata.name)) END AS service
  FROM timed
),
judged AS MATERIALIZED (
  SELECT *,
    list_filter(o.status.conditions, lambda c: is_bad_condition(kind, c)) AS bad,
    main_container(wanted, service).image                  AS image,
    list_concat(
      CASE WHEN o.status.phase IN ('Failed', 'Unknown', 'Lost')
          OR (o.status.phase = 'Pending' AND kind = 'PersistentVolumeClaim')
        THEN ['phase is ' || o.status.phase || coalesce(
          ' (' || nullif(concat_ws(': ', o.status.reason, o.status.message), '') || ')', '')]
      END,
      CASE WHEN ready < desired
        THEN [ready || ' of ' || desired || ' replicas are ready'] END,
      CASE WHEN o.status.phase IS DISTINCT FROM 'Succeeded'
        THEN list_transform(containers, lambda c: container_ill(c)) END,
      list_transform(bad, lambda c: told_condition(c)),
      CASE WHEN o.status.failed > 0 THEN ['pods failed: ' || o.status.failed] END,
      CASE WHEN o.status.currentHealthy < o.status.desiredHealthy
        THEN [o.status.currentHealthy || ' of ' || o.status.desiredHealthy
          || ' needed pods are healthy'] END,
      CASE WHEN kind = 'Endpoints' AND coalesce(len(
          json_extract(doc, '$.subsets[*].addresses[*]')), 0) = 0 THEN ['no address is ready'] END,
      CASE WHEN kind = 'EndpointSlice' AND len(list_filter(
          json_extract_string(doc, '$.endpoints[*].conditions.ready'),
          lambda r: r IS DISTINCT FROM 'false')) = 0 THEN ['no endpoint is ready'] END)
      .list_filter(lambda said: said IS NOT NULL)          AS ills,
    list_concat(
      CASE WHEN o.metadata.deletionTimestamp IS NOT NULL
        THEN ['it is being deleted, by ' || o.metadata.deletionTimestamp] END,
      list_transform(containers, lambda c: container_past(c)),
      CASE WHEN o.spec.unschedulable THEN ['it is cordoned'] END,
      CASE WHEN kind = 'HorizontalPodAutoscaler' AND o.status.desiredReplicas >= o.spec.maxReplicas
        THEN ['it is at its maximum of ' || o.spec.maxReplicas || ' replicas'] END,
      list_transform(list_filter(map_entries(o.status.hard),
          lambda h: kind = 'ResourceQuota' AND quantity(o.status.used[h.key]) >= quantity(h.value)),
        lambda h: h.key || ' is used up: ' || o.status.used[h.key] || ' of ' || h.value))
      .list_filter(lambda said: said IS NOT NULL)          AS cautions
  FROM named
),
states AS (
  SELECT
    position,
    ingested_at,
    'kubernetes_object'                                    AS class_name,
    coalesce(changed_at, captured_at)                      AS "time",
    CASE watched WHEN 'ADDED' THEN 2 WHEN 'MODIFIED' THEN 3 WHEN 'DELETED' THEN 4 ELSE 1 END
                                                           AS activity_id,
    CASE WHEN len(ills) > 0 THEN 4 WHEN len(cautions) > 0 THEN 3 ELSE 1 END AS severity_id,
    CASE WHEN len(ills) > 0 THEN 2 WHEN o.status IS NOT NULL THEN 1 ELSE 0 END AS status_id,
    concat_ws(': ', kind || ' ' || concat_ws('/', o.metadata.namespace, name),
      nullif(array_to_string(list_concat(ills, cautions), '; '), '')) AS message,
    {'uid': nullif(concat_ws('@', o.metadata.uid, o.metadata.resourceVersion), ''),
     'logged_time': epoch_ms(captured_at)}                 AS metadata,
    object_workload(o, kind, service, image, labels)       AS workload,
    {'kind': kind, 'name': name, 'namespace': o.metadata.namespace, 'uid': o.metadata.uid,
     'api_version': api_version, 'resource_version': o.metadata.resourceVersion,
     'generation': o.metadata.generation, 'created_time': any_time(o.metadata.creationTimestamp),
     'owner': {'kind': owner.kind, 'name': owner.name, 'uid': owner.uid}} AS object,
    o.status.phase                                         AS phase,
    CASE
      WHEN ready IS NULL THEN list_filter(o.status.conditions,
        lambda c: c.type IN ('Ready', 'Available')).list_transform(lambda c: c.status = 'True')[1]
      ELSE ready >= desired
    END                                                    AS is_ready,
    coalesce(CASE WHEN o.metadata.deletionTimestamp <> '' THEN 'Terminating' END,
      list_filter(containers, lambda c: c.state.waiting.reason <> '')[1].state.waiting.reason,
      list_filter(containers, lambda c: c.state.terminated.exitCode <> '0')[1]
        .state.terminated.reason,
      o.status.reason, nullif(bad[1].reason, ''))          AS reason,
    {'desired': desired, 'current': coalesce(o.status.replicas, o.status.currentReplicas,
       o.status.currentNumberScheduled),
     'ready': ready, 'updated': coalesce(o.status.updatedReplicas, o.status.updatedNumberScheduled),
     'available': coalesce(o.status.availableReplicas, o.status.numberAvailable)} AS replicas,
    list_sum(list_transform(containers, lambda c: c.restartCount))::BIGINT AS restart_count,
    list_transform(wanted, lambda c: c.image)              AS images,
    CASE WHEN json_exists(doc, '$.spec') THEN 'sha256:' || sha256((doc->'$.spec')::VARCHAR)
      WHEN kind IN ('ConfigMap', 'Secret') THEN 'sha256:' || sha256(concat_ws(' ',
        doc->'$.data', doc->'$.binaryData', doc->'$.stringData')) END AS spec_digest,
    nullif(doc->'$.status.conditions', 'null')::VARCHAR    AS conditions,
    to_json(nullif(list_concat(json_extract(doc, '$.status.containerStatuses[*]'),
      json_extract(doc, '$.status.initContainerStatuses[*]')), []))::VARCHAR AS container_states,
    nullif(labels::VARCHAR, '{}')                          AS attributes,
    filled({
      'object': json_merge_patch(
        CASE WHEN kind IN ('ConfigMap', 'Secret') THEN withheld(doc) ELSE unmanaged(doc) END,
        told_elsewhere(o.status IS NOT NULL)),
      'managers': o.metadata.managedFields,
      'undated': CASE WHEN changed_at IS NULL THEN true END}) AS unmapped,
    CASE
      WHEN is_empty OR watched = 'BOOKMARK' THEN ''        -- nothing to map
      WHEN kind IS NULL OR name IS NULL THEN 'the document is no object of Kubernetes'
    END                                                    AS problem
  FROM judged
  WHERE kind IS NULL OR kind NOT IN ('Event', 'ContainerLog')
),
moments AS (
  SELECT *, unnest(list_concat(
    CASE WHEN kind = 'ReplicaSet' AND annotations->>'deployment.kubernetes.io/revision' <> ''
      THEN [{'at': o.metadata.creationTimestamp, 'state': 'in_progress', 'detail': NULL::VARCHAR,
        'revision': split_part(coalesce(
          annotations->>'deployment.kubernetes.io/revision-history',
          annotations->>'deployment.kubernetes.io/revision'), ',', 1),
        'of': owner.kind || '/' || owner.name}] END,
    CASE WHEN kind = 'ControllerRevision'
      THEN [{'at': o.metadata.creationTimestamp, 'state': 'in_progress', 'detail': NULL,
        'revision': o.revision, 'of': owner.kind || '/' || owner.name}] END,
    CASE WHEN kind = 'Deployment' AND annotations->>'deployment.kubernetes.io/revision' <> ''
      THEN list_transform(
        list_filter(o.status.conditions, lambda c: c.type = 'Progressing'
          AND c.reason IN ('NewReplicaSetAvailable', 'ProgressDeadlineExceeded')),
        lambda c: {'at': coalesce(c.lastUpdateTime, c.lastTransitionTime),
          'state': CASE WHEN c.status = 'True' THEN 'success' ELSE 'failure' END,
          'detail': c.message, 'revision': annotations->>'deployment.kubernetes.io/revision',
          'of': 'Deployment/' || name}) END))              AS m
  FROM judged
  WHERE watched IS DISTINCT FROM 'DELETED'
),
changes AS (
  SELECT
    position,
    ingested_at,
    'application_lifecycle'                                AS class_name,
    any_time(m."at")                                       AS "time",
    8                                                      AS activity_id,
    1                                                      AS severity_id,
    CASE m.state WHEN 'success' THEN 1 WHEN 'failure' THEN 2 ELSE 0 END AS status_id,
    annotations->>'kubernetes.io/change-cause'             AS message,
    m.detail                                               AS status_detail,
    {'uid': concat_ws('@', o.metadata.uid, m.revision),
     'correlation_uid': concat_ws('/', o.metadata.namespace, m."of") || '@' || m.revision,
     'logged_time': epoch_ms(captured_at)}                 AS metadata,
    object_workload(o, kind, service, image, labels)       AS workload,
    {'name': service, 'version': image_version(image)}     AS app,
    {'uid': concat_ws('/', o.metadata.namespace, m."of") || '@' || m.revision, 'kind': 'deploy',
     'state': m.state, 'revision': m.revision, 'environment': o.metadata.namespace} AS change,
    filled({'images': list_transform(wanted, lambda c: c.image)}) AS unmapped
  FROM moments
),
reports AS (
  SELECT *,
    from_json(doc, '{"involvedObject": "JSON", "regarding": "JSON", "related": "JSON",
      "reason": "VARCHAR", "message": "VARCHAR", "note": "VARCHAR", "type": "VARCHAR",
      "count": "BIGINT", "deprecatedCount": "BIGINT", "eventTime": "VARCHAR",
      "firstTimestamp": "VARCHAR", "lastTimestamp": "VARCHAR",
      "deprecatedFirstTimestamp": "VARCHAR", "deprecatedLastTimestamp": "VARCHAR",
      "series": {"count": "BIGINT", "lastObservedTime": "VARCHAR"},
      "source": {"component": "VARCHAR", "host": "VARCHAR"},
      "deprecatedSource": {"component": "VARCHAR", "host": "VARCHAR"},
      "reportingComponent": "VARCHAR", "reportingController": "VARCHAR",
      "reportingInstance": "VARCHAR"}')                    AS e
  FROM timed
  WHERE kind = 'Event'
),
about AS (   -- one that names no object is about its own namespace
  SELECT *,
    from_json(coalesce(e.regarding, e.involvedObject,
      CASE WHEN o.metadata.namespace <> ''
        THEN json_object('kind', 'Namespace', 'name', o.metadata.namespace) END),
      object_reference())                                  AS object,
    from_json(e.related, object_reference())               AS related,
    any_time(coalesce(e.firstTimestamp, e.deprecatedFirstTimestamp, e.eventTime,
      o.metadata.creationTimestamp))                       AS first_at,
    coalesce(any_time(coalesce(e.series.lastObservedTime, e.lastTimestamp,
      e.deprecatedLastTimestamp, e.eventTime)), first_at)  AS last_at,
    coalesce(nullif(e.source.host, ''), nullif(e.deprecatedSource.host, '')) AS host
  FROM reports
),
events AS (
  SELECT
    position,
    ingested_at,
    'kubernetes_event'                                     AS class_name,
    coalesce(last_at, captured_at)                         AS "time",
    1                                                      AS activity_id,
    event_severity_id(e.type)                              AS severity_id,
    0                                                      AS status_id,
    coalesce(e.message, e.note)                            AS message,
    {'uid': o.metadata.uid, 'logged_time': epoch_ms(captured_at)} AS metadata,
    event_workload(object.kind, object.namespace, object.name, host) AS workload,
    {'kind': object.kind, 'name': object.name, 'namespace': object.namespace, 'uid': object.uid,
     'api_version': object.apiVersion, 'resource_version': object.resourceVersion,
     'field_path': object.fieldPath}                       AS object,
    {'kind': related.kind, 'name': related.name, 'namespace': related.namespace,
     'uid': related.uid, 'api_version': related.apiVersion,
     'resource_version': related.resourceVersion, 'field_path': related.fieldPath} AS related,
    e.reason                                               AS reason,
    e.type                                                 AS event_type,
    coalesce(e.series.count, e.count, e.deprecatedCount)   AS count,
    first_at                                               AS first_seen_time,
    last_at                                                AS last_seen_time,
    coalesce(nullif(e.reportingController, ''), nullif(e.reportingComponent, ''),
      e.source.component, e.deprecatedSource.component)    AS reporting_controller,
    coalesce(nullif(e.reportingInstance, ''), host)        AS reporting_instance,
    filled({'event': json_merge_patch(unmanaged(doc), '{"kind": null, "apiVersion": null,
      "involvedObject": null, "regarding": null, "related": null, "reason": null, "message": null,
      "note": null, "type": null, "count": null, "deprecatedCount": null, "firstTimestamp": null,
      "lastTimestamp": null, "deprecatedFirstTimestamp": null, "deprecatedLastTimestamp": null,
      "reportingComponent": null, "reportingController": null, "reportingInstance": null,
      "metadata": {"uid": null}}'), 'watched': watched,
      'undated': CASE WHEN last_at IS NULL THEN true END}) AS unmapped,
    CASE WHEN object.kind IS NULL AND message IS NULL THEN 'the event is about no object' END
                                                           AS problem
  FROM about
),
logs AS (   -- a line without a time belongs to the one before
  SELECT
    position,
    ingested_at,
    'log_record'                                           AS class_name,
    coalesce(last_value(line_time(o.log) IGNORE NULLS) OVER (
      PARTITION BY file_of(position), o.metadata.namespace, o.metadata.name, o.container
        ORDER BY position),
      captured_at)                                         AS "time",
    1                                                      AS activity_id,
    level_severity_id(log_level(o.log))                    AS severity_id,
    nullif(log_level(o.log), '')                           AS severity,
    0                                                      AS status_id,
    o.log                                                  AS message,
    {'pod': o.metadata.name, 'namespace': o.metadata.namespace} AS workload,
    filled({'container': o.container,
      'undated': CASE WHEN line_time(o.log) IS NULL THEN true END}) AS unmapped
  FROM timed
  WHERE kind = 'ContainerLog'
)
FROM states UNION ALL BY NAME FROM changes UNION ALL BY NAME FROM events UNION ALL BY NAME FROM logs
