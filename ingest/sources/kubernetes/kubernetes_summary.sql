-- name: kubernetes_summary
-- reads: yaml
-- class: kubernetes_object kubernetes_event
-- product: Kubernetes / client
-- sniff: "(?:[A-Za-z]+_?)*?(?:[pP]ods|[dD]eployments|(?:[rR]eplica|[sS]tateful|[dD]aemon)_?[sS]ets|[jJ]obs|[nN]odes|[nN]ode_?[hH]ealth|[eE]vents|[sS]ervices|[iI]ngresses|[hH]pas|[aA]utoscalers|[pP]vcs|[cC]laims)"\s*:\s*\[\s*(?:\{|\]\s*\})|"creation_timestamp"\s*:
-- sniff: "(?:restart_?[cC]ount|restarts|phase|node_?[nN]ame|involved_?[oO]bject|(?:un)?available(?:_?[rR]eplicas)?|(?:desired|ready)(?:_?[rR]eplicas)?|memory_?[pP]ressure|pod_?[nN]ame|container_?[sS]tatuses|reason)"\s*:|\A\s*\{\s*"(?:[A-Za-z]+_?)*?(?:[pP]ods|[dD]eployments|(?:[rR]eplica|[sS]tateful|[dD]aemon)_?[sS]ets|[jJ]obs|[nN]odes|[nN]ode_?[hH]ealth|[eE]vents|[sS]ervices|[iI]ngresses|[hH]pas|[aA]utoscalers|[pP]vcs|[cC]laims)"\s*:\s*\[\s*\]\s*\}|"kind"\s*:\s*"\w+List"
-- What programs print of Kubernetes through a client library, in snake or camel case: {"pods": [...]},
-- {"deployments": [...]}, {"nodes": [...]}, {"warning_events": [...]} and their like, several of them
-- in one document, each item flat or as the API has it.
-- Rows are as those of kubernetes_objects: conditions and container_states in the API's form, in
-- unmapped `object` what is told of spec and status, and beside it the `summary` as it was printed.
-- What tells no time is as of the file's capture, and `undated`.
WITH documents AS (
  SELECT position, captured_at, ingested_at,
    coalesce(CASE WHEN json_type(doc, '$.data') = 'OBJECT' THEN doc->'$.data' END,
      CASE WHEN json_type(doc, '$.result') = 'OBJECT' THEN doc->'$.result' END, doc) AS doc
  FROM raw
),
members AS (
  SELECT *, unnest(CASE WHEN json_type(doc) = 'OBJECT'
    THEN map_entries(from_json(doc, '"MAP(VARCHAR, JSON)"')) END) AS m
  FROM documents
),
items AS (
  SELECT position, captured_at, ingested_at, doc,
    CASE WHEN m.key = 'items' THEN coalesce(nullif(m."value"->>'$[0].kind', ''),
      regexp_replace(doc->>'$.kind', 'List$', '')) ELSE kind_of_member(m.key) END AS kind,
    unnest(CASE json_type(m."value") WHEN 'ARRAY' THEN m."value"->'$[*]'
      WHEN 'OBJECT' THEN [m."value"] END) AS told
  FROM members
  WHERE kind IS NOT NULL
),
flat AS (   -- an item in the API's form has its name, spec and status side by side, too
  SELECT *,
    CASE WHEN json_exists(told, '$.metadata.name')
      THEN json_merge_patch(coalesce(told->'$.spec', '{}'), told->'$.metadata',
        coalesce(told->'$.status', '{}'))
      ELSE told END                                        AS s,
    latest_told(json_merge_patch(told, '{"created": null, "created_at": null,
      "creation_timestamp": null, "creationTimestamp": null, "createdAt": null,
      "metadata": {"creation_timestamp": null, "creationTimestamp": null}}'), captured_at)
                                                           AS dated_at,
    regexp_extract(member(s, ['/ready', '/ready_replicas', '/readyReplicas']),
      '^(\d+)(?:/(\d+))?$', ['n', 'of'])
                                                           AS share,
    coalesce(told->'$.involved_object', told->'$.involvedObject', told->'$.regarding',
      told->'$.object')                                    AS about,
    regexp_extract(about->>'$', '^([A-Za-z]+)/(?:([^/]+)/)?([^/]+)$', ['kind', 'space',
      'name']) AS r
  FROM items
),
timed AS (   -- a file that is a day younger than all that it tells of is a copy
  SELECT * REPLACE (
    CASE WHEN max(dated_at) OVER of_file < captured_at - INTERVAL 1 DAY
      THEN max(dated_at) OVER of_file ELSE captured_at END AS captured_at)
  FROM flat
  WINDOW of_file AS (PARTITION BY file_of(position))
),
read AS (
  SELECT *,
    coalesce(member(s, ['/name', '/pod_name', '/podName', '/pod', '/deployment_name',
      '/deploymentName', '/deployment', '/service_name', '/serviceName']),
        CASE WHEN kind = 'Node' THEN member(s, ['/node_name', '/nodeName', '/node']) END) AS name,
    CASE WHEN kind <> 'Node' THEN coalesce(member(s, ['/namespace']), member(doc, ['/namespace']))
    END                                                    AS space,
    member(doc, ['/cluster_name', '/clusterName', '/cluster'])               AS cluster,
    list_transform(coalesce(s->'$.container_statuses[*]', [])
      || coalesce(s->'$.containerStatuses[*]', [])
      || coalesce(s->'$.init_container_statuses[*]', [])
        || coalesce(s->'$.initContainerStatuses[*]', []),
      lambda c: summary_container(c))                      AS statuses,
    list_transform(list_filter(coalesce(s->'$.containers[*]', [])
      || coalesce(s->'$.init_containers[*]', []),
      lambda c: json_type(c) = 'OBJECT'), lambda c: summary_container(c)) AS listed,
    CASE WHEN kind IN ('Pod', 'Node') OR len(statuses) > 0 THEN CASE
      WHEN len(statuses) > 0 THEN statuses ELSE listed END END AS containers,
    coalesce(summary_conditions(s->'$.conditions'), [])    AS told_conditions,
    CASE WHEN len(told_conditions) > 0 THEN told_conditions
      WHEN kind = 'Node' THEN list_concat(
        summary_condition('Ready', member(s, ['/ready', '/status'])),
        summary_condition('MemoryPressure', member(s, ['/memory_pressure', '/memoryPressure'])),
        summary_condition('DiskPressure', member(s, ['/disk_pressure', '/diskPressure'])),
        summary_condition('PIDPressure', member(s, ['/pid_pressure', '/pidPressure'])),
        summary_condition('NetworkUnavailable', member(s, ['/network_unavailable',
          '/networkUnavailable'])))
      ELSE [] END                                          AS conditions,
    CASE WHEN kind NOT IN ('Pod', 'Node') THEN try_cast(coalesce(
      member(s, ['/desired', '/desired_replicas', '/desiredReplicas', '/replicas',
        '/spec_replicas', '/specReplicas', '/desired_number_scheduled',
          '/desiredNumberScheduled']), nullif(share."of", '')) AS BIGINT) END AS desired,
    CASE WHEN kind NOT IN ('Pod', 'Node') THEN coalesce(try_cast(coalesce(nullif(share.n, ''),
      member(s, ['/number_ready', '/numberReady'])) AS BIGINT), desired - try_cast(
        member(s, ['/unavailable', '/unavailable_replicas',
          '/unavailableReplicas']) AS BIGINT)) END AS ready,
    try_cast(member(s, ['/available', '/available_replicas', '/availableReplicas',
      '/number_available', '/numberAvailable']) AS BIGINT)
                                                           AS available,
    coalesce(member(s, ['/phase']), CASE WHEN member(s, ['/status']) IN ('Pending', 'Running',
      'Succeeded', 'Failed', 'Unknown', 'Bound', 'Lost', 'Released', 'Available', 'Active',
      'Terminating') THEN member(s, ['/status']) END)       AS phase,
    coalesce(member(s, ['/reason', '/status_reason', '/statusReason']), CASE WHEN kind = 'Pod'
      AND member(s, ['/status']) IS DISTINCT FROM phase THEN member(s, ['/status']) END) AS why,
    list_distinct(list_filter(list_concat([member(s, ['/image'])],
      json_extract_string(s, '$.images[*]'),
      list_transform(listed, lambda c: c.image), list_transform(statuses, lambda c: c.image)),
      lambda i: i <> ''))                                  AS images
  FROM timed
  WHERE kind <> 'Event'
),
judged AS (
  SELECT *,
    list_filter(conditions, lambda c: is_bad_condition(kind, c)) AS bad,
    coalesce(member(s, ['/node_name', '/nodeName', '/node']),
      CASE WHEN kind = 'Node' THEN name END) AS node,
    list_concat(
      CASE WHEN phase IN ('Failed', 'Unknown', 'Lost')
          OR (phase = 'Pending' AND kind = 'PersistentVolumeClaim')
        THEN ['phase is ' || phase || coalesce(
          ' (' || nullif(concat_ws(': ', why, member(s, ['/message'])), '') || ')', '')] END,
      CASE WHEN ready < desired THEN [ready || ' of ' || desired || ' replicas are ready'] END,
      CASE WHEN phase IS DISTINCT FROM 'Succeeded'
        THEN list_transform(containers, lambda c: container_ill(c)) END,
      list_transform(bad, lambda c: told_condition(c)),
      CASE WHEN kind = 'Pod' AND len(containers) = 0 AND why NOT IN ('Running', 'Completed',
        'Succeeded', 'ContainerCreating', 'PodInitializing', 'Pending')
        THEN ['it is ' || concat_ws(': ', why, member(s, ['/message']))] END)
      .list_filter(lambda said: said IS NOT NULL)          AS ills,
    list_transform(containers, lambda c: container_past(c))
      .list_filter(lambda said: said IS NOT NULL)          AS cautions
  FROM read
),
states AS (
  SELECT
    position,
    ingested_at,
    'kubernetes_object'                                    AS class_name,
    coalesce(dated_at, captured_at)                        AS "time",
    1                                                      AS activity_id,
    CASE WHEN len(ills) > 0 THEN 4 WHEN len(cautions) > 0 THEN 3 ELSE 1 END AS severity_id,
    CASE WHEN len(ills) > 0 THEN 2 WHEN phase IS NOT NULL OR ready IS NOT NULL
      OR len(conditions) > 0 THEN 1 ELSE 0 END             AS status_id,
    concat_ws(': ', kind || ' ' || concat_ws('/', space, name),
      nullif(array_to_string(list_concat(ills, cautions), '; '), '')) AS message,
    {'logged_time': epoch_ms(captured_at)}                 AS metadata,
    {'service': CASE WHEN kind = 'Pod' THEN kubernetes_maker(member(s, ['/owner_kind',
      '/ownerKind']),
         member(s, ['/owner_name', '/ownerName'])) ELSE kubernetes_service(kind, name) END,
     'version': image_version(images[1]), 'pod': CASE WHEN kind = 'Pod' THEN name END,
     'node': node, 'namespace': CASE WHEN kind = 'Namespace' THEN name ELSE space END,
     'cluster': cluster, 'zone': member(s, ['/zone', '/availability_zone', '/availabilityZone']),
     'region': member(s, ['/region'])}                      AS workload,
    {'kind': kind, 'name': name, 'namespace': space, 'uid': member(s, ['/uid']),
     'created_time': any_time(member(s, ['/creation_timestamp', '/creationTimestamp',
       '/created_at', '/createdAt', '/created'])),
     'owner': {'kind': member(s, ['/owner_kind', '/ownerKind']), 'name': member(s,
       ['/owner_name', '/ownerName'])}} AS object,
    phase,
    coalesce(ready >= desired, list_filter(conditions, lambda c: c.type IN ('Ready', 'Available'))
      .list_transform(lambda c: c.status = 'True')[1],
      try_cast(member(s, ['/ready']) AS BOOLEAN),
      list_bool_and(list_transform(containers, lambda c: c.ready))) AS is_ready,
    coalesce(
      list_filter(containers, lambda c: c.state.waiting.reason <> '')[1].state.waiting.reason,
      list_filter(containers, lambda c: c.state.terminated.exitCode <> '0')[1]
        .state.terminated.reason, why, nullif(bad[1].reason, '')) AS reason,
    {'desired': desired, 'ready': ready, 'available': available, 'current': try_cast(
       member(s, ['/current', '/current_replicas', '/currentReplicas']) AS BIGINT),
         'updated': try_cast(
       member(s, ['/updated', '/updated_replicas', '/updatedReplicas', '/up_to_date',
         '/upToDate']) AS BIGINT)} AS replicas,
    coalesce(list_sum(list_transform(containers, lambda c: c.restartCount)),
      try_cast(member(s, ['/restart_count', '/restartCount', '/restarts', '/total_restarts',
        '/totalRestarts']) AS BIGINT))::BIGINT
                                                           AS restart_count,
    nullif(images, [])                                     AS images,
    to_json(nullif(list_transform(conditions, lambda c: filled(c)::JSON), []))::VARCHAR
                                                           AS conditions,
    to_json(nullif(list_transform(containers, lambda c: filled(c)::JSON), []))::VARCHAR
                                                           AS container_states,
    filled(CASE WHEN json_type(s, '$.labels') = 'OBJECT' THEN s->'$.labels' END) AS attributes,
    filled({
      'object': json_merge_patch(coalesce(filled({
        'spec': {'nodeName': CASE WHEN kind = 'Pod' THEN node END, 'replicas': desired,
          'selector': s->'$.selector', 'ports': s->'$.ports',
          'type': CASE WHEN kind = 'Service' THEN member(s, ['/type']) END,
          'maxReplicas': try_cast(member(s, ['/max_replicas', '/maxReplicas']) AS BIGINT),
          'minReplicas': try_cast(member(s, ['/min_replicas', '/minReplicas']) AS BIGINT)},
        'status': {
          'capacity': {'cpu': member(s, ['/capacity_cpu', '/capacityCpu']), 'memory': member(s,
            ['/capacity_memory', '/capacityMemory']),
            'pods': member(s, ['/capacity_pods', '/capacityPods'])},
          'allocatable': {'cpu': member(s, ['/allocatable_cpu', '/allocatableCpu']),
            'memory': member(s, ['/allocatable_memory', '/allocatableMemory']), 'pods': member(s,
              ['/allocatable_pods', '/allocatablePods'])}}}),
        '{}'), coalesce(filled({'spec': member_object(told, 'spec'),
          'status': member_object(told, 'status'), 'metadata': member_object(told, 'metadata')}),
        '{}')),
      'summary': CASE WHEN kind IN ('ConfigMap', 'Secret') THEN withheld(told) ELSE told END,
      'undated': CASE WHEN dated_at IS NULL THEN true END}) AS unmapped,
    CASE WHEN name IS NULL THEN 'the item of a ' || kind || ' has no name' END AS problem
  FROM judged
),
reports AS (
  SELECT *,
    coalesce(nullif(kind_of_resource(nullif(r.kind, '')), ''), about->>'$.kind',
      member(told, ['/involved_object_kind', '/involvedObjectKind', '/object_kind',
        '/objectKind', '/kind']),
      CASE WHEN member(told, ['/pod', '/pod_name',
        '/podName']) <> '' THEN 'Pod' END) AS object_kind,
    coalesce(nullif(r.name, ''), about->>'$.name',
      member(told, ['/involved_object_name', '/involvedObjectName', '/object_name',
        '/objectName', '/pod', '/pod_name', '/podName', '/name']))
                                                           AS object_name,
    coalesce(nullif(r.space, ''), about->>'$.namespace', member(told, ['/namespace']),
      told->>'$.metadata.namespace', member(doc, ['/namespace'])) AS space,
    member(told, ['/first_time', '/firstTime', '/first_timestamp', '/firstTimestamp',
      '/first_seen', '/firstSeen', '/event_time', '/eventTime']) AS first_told,
    member(told, ['/last_time', '/lastTime', '/last_timestamp', '/lastTimestamp', '/last_seen',
      '/lastSeen', '/timestamp', '/time', '/event_time', '/eventTime'])
                                                           AS last_told,
    coalesce(any_time(first_told), time_before(captured_at, first_told)) AS first_at,
    coalesce(any_time(last_told), time_before(captured_at, last_told), first_at) AS last_at,
    member(told, ['/type', '/event_type', '/eventType', '/severity'])       AS event_type
  FROM timed
  WHERE kind = 'Event'
),
events AS (
  SELECT
    position,
    ingested_at,
    'kubernetes_event'                                     AS class_name,
    coalesce(last_at, captured_at)                         AS "time",
    1                                                      AS activity_id,
    event_severity_id(event_type)                          AS severity_id,
    0                                                      AS status_id,
    member(told, ['/message', '/note', '/msg'])               AS message,
    {'logged_time': epoch_ms(captured_at)}                 AS metadata,
    struct_insert(event_workload(object_kind, space, object_name, member(told, ['/node', '/host'])),
      "cluster" := member(doc, ['/cluster_name', '/clusterName', '/cluster'])) AS workload,
    {'kind': object_kind, 'name': object_name, 'namespace': CASE WHEN object_kind <> 'Node'
      THEN space END}                                      AS object,
    member(told, ['/reason'])                               AS reason,
    event_type,
    try_cast(member(told, ['/count']) AS BIGINT)            AS count,
    first_at                                               AS first_seen_time,
    last_at                                                AS last_seen_time,
    coalesce(member(told, ['/reporting_component', '/reportingComponent',
      '/reporting_controller', '/reportingController', '/component']),
      told->>'$.source.component',
      CASE WHEN json_type(told, '$.source') = 'VARCHAR' THEN told->>'$.source' END)
                                                           AS reporting_controller,
    filled({'event': told, 'undated': CASE WHEN last_at IS NULL THEN true END}) AS unmapped,
    CASE WHEN message IS NULL AND reason IS NULL THEN 'the event says nothing' END AS problem
  FROM reports
),
others AS (
  SELECT position, ingested_at, 'kubernetes_object' AS class_name, NULL::TIMESTAMPTZ AS "time",
    CASE WHEN len(list_filter(json_keys(doc), lambda k: kind_of_member(k) IS NOT NULL)) > 0 THEN ''
      ELSE 'the document lists neither objects nor events of Kubernetes' END AS problem
  FROM documents
  WHERE position NOT IN (SELECT position FROM items)
)
FROM states UNION ALL BY NAME FROM events UNION ALL BY NAME FROM others
