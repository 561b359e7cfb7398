-- name: kubernetes_audit
-- reads: json
-- context: file
-- class: api_activity application_lifecycle
-- product: Kubernetes / kube-apiserver
-- sniff: "auditID"\s*:
-- sniff: "stage"\s*:\s*"(?:RequestReceived|ResponseStarted|ResponseComplete|Panic)"
-- https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
-- audit.k8s.io/v1 and v1beta1, of the log backend (one event a line) and of the webhook
-- (EventList). Every event is an api_activity; a write that the server took, which changes what
-- runs or how, is also a change: of a workload's template a deploy, of its replicas a scale, of a
-- ConfigMap or Secret a config, of a node's life or schedulability a node change. Controllers that
-- only carry out what was asked for are left aside, but not what scales. An update or patch of a
-- workload is a change only if it shows one: its generation, which rises with its spec, and its
-- template are compared with what the file tells of the object before. So where the policy logs no
-- bodies, only what creates, deletes or scales a workload is known to be a change. Bodies of
-- ConfigMaps, Secrets and tokens are kept as digests; what an event does not tell of who asked, and
-- from where, is unknown.
WITH listed AS (
  SELECT position, ingested_at, unnest(
    CASE WHEN json_array_length(doc, '$.items') > 0 THEN doc->'$.items[*]' ELSE [doc] END) AS doc
  FROM raw
),
parsed AS (
  SELECT position, ingested_at, doc,
    from_json(doc, '{"auditID": "VARCHAR", "stage": "VARCHAR", "level": "VARCHAR",
      "requestURI": "VARCHAR", "verb": "VARCHAR", "userAgent": "VARCHAR",
      "user": {"username": "VARCHAR", "uid": "VARCHAR", "groups": ["VARCHAR"], "extra": "JSON"},
      "impersonatedUser": "JSON", "sourceIPs": ["VARCHAR"],
      "objectRef": {"resource": "VARCHAR", "namespace": "VARCHAR", "name": "VARCHAR",
        "uid": "VARCHAR", "apiGroup": "VARCHAR", "apiVersion": "VARCHAR",
        "resourceVersion": "VARCHAR", "subresource": "VARCHAR"},
      "responseStatus": {"code": "INTEGER", "status": "VARCHAR", "reason": "VARCHAR",
        "message": "VARCHAR"},
      "requestReceivedTimestamp": "VARCHAR", "stageTimestamp": "VARCHAR", "timestamp": "VARCHAR",
      "annotations": "JSON"}')                             AS e,
    nullif(doc->'$.requestObject', 'null')                 AS request,
    nullif(doc->'$.responseObject', 'null')                AS response
  FROM listed
),
seen AS (
  SELECT *,
    coalesce(e.objectRef.subresource, '')                  AS subresource,
    coalesce(nullif(e.objectRef.name, ''), response->>'$.metadata.name',
      request->>'$.metadata.name')                         AS name,
    coalesce(response, request)                            AS body,
    resource_kind(e.objectRef.resource)                    AS kind,
    coalesce(e.stageTimestamp, e."timestamp", e.requestReceivedTimestamp) AS "at",
    json_exists(request, '$.spec.template')                AS has_template,
    e.verb IN ('create', 'update', 'patch', 'delete', 'deletecollection')
      AND e.stage = 'ResponseComplete' AND e.responseStatus.code BETWEEN 200 AND 299
      AND NOT coalesce(contains(e.requestURI, 'dryRun=All'), false)
      AND NOT regexp_matches(coalesce(e.user.username, ''),
        '^system:(?:serviceaccount:kube-system:\S+-controller$|kube-|node:|apiserver)') AS is_write
  FROM parsed
),
specified AS (
  SELECT *,
    CASE WHEN is_write THEN response END                   AS written,
    CASE WHEN is_write AND e.verb = 'update' THEN request END AS updated,
    try_cast(written->>'$.metadata.generation' AS BIGINT)  AS generation,
    coalesce(written->'$.spec', updated->'$.spec')         AS spec,
    (spec->'$.template')::VARCHAR                          AS template,
    spec->>'$.replicas'                                    AS replicas
  FROM seen
),
compared AS (
  SELECT *,
    generation > coalesce(try_cast(updated->>'$.metadata.generation' AS BIGINT),
      lag(generation IGNORE NULLS) OVER of_object,
      try_cast(written->>'$.status.observedGeneration' AS BIGINT)) AS is_new_spec,
    template <> lag(template IGNORE NULLS) OVER of_object  AS is_new_template,
    replicas <> lag(replicas IGNORE NULLS) OVER of_object  AS is_scaled
  FROM specified
  WINDOW of_object AS (PARTITION BY e.objectRef.resource, e.objectRef.namespace, name
    ORDER BY "at", position)
),
classed AS (
  SELECT *,
    CASE
      WHEN NOT is_write THEN NULL
      WHEN kind IN ('Deployment', 'StatefulSet', 'DaemonSet') AND subresource IN ('', 'scale')
        THEN CASE
        WHEN subresource = 'scale' THEN 'scale'
        WHEN e.verb IN ('create', 'delete', 'deletecollection') THEN 'deploy'
        WHEN NOT is_new_spec THEN NULL
        WHEN is_new_template THEN 'deploy'
        WHEN NOT is_new_template THEN CASE WHEN is_scaled THEN 'scale' END
        WHEN e.verb = 'update' THEN CASE WHEN is_new_spec THEN 'deploy' END
        WHEN has_template THEN 'deploy'
        WHEN json_exists(request, '$.spec.replicas') THEN 'scale'
        WHEN json_type(request) = 'ARRAY' AND regexp_matches(request::VARCHAR, '"/spec/template')
          THEN 'deploy'
        WHEN json_type(request) = 'ARRAY' AND contains(request::VARCHAR, '"/spec/replicas"')
          THEN 'scale'
      END
      WHEN kind IN ('ConfigMap', 'Secret') AND subresource = ''
        AND e.objectRef.namespace <> 'kube-system'
        AND NOT regexp_matches(name, '^sh\.helm\.release\.|lock|leader|election')
        THEN 'config'
      WHEN kind = 'Node' AND subresource = '' AND (e.verb IN ('create', 'delete')
        OR json_exists(request, '$.spec.unschedulable') OR json_exists(request, '$.spec.taints'))
        THEN 'node'
    END                                                    AS change_kind,
    coalesce(body->>'$.metadata.labels."app.kubernetes.io/name"', body->>'$.metadata.labels.app',
      kubernetes_service(kind, name),
      CASE WHEN kind IN ('ConfigMap', 'Secret') THEN
        regexp_replace(name,
          '-(?:config|configmap|conf|env|settings|secrets?)(?:-[a-z0-9]{10})?$', '')
      END)                                                 AS service,
    from_json(coalesce(request->'$.spec.template.spec.containers',
      response->'$.spec.template.spec.containers'), '[{"name": "VARCHAR", "image": "VARCHAR"}]')
                                                           AS wanted
  FROM compared
),
shown AS (
  SELECT *, image_version(main_container(wanted, service).image) AS "version",
    list_filter(e.sourceIPs, lambda ip: regexp_full_match(ip, '[0-9a-fA-F:.]+')) AS addresses,
    coalesce(kind IN ('Secret', 'ConfigMap'), false) OR subresource = 'token'
      OR coalesce(e.objectRef.resource = 'tokenreviews', false) AS is_secret,
    change_kind NOT IN ('deploy', 'scale') OR e.verb = 'delete' AS is_done,
    e.verb || ' ' || coalesce(nullif(concat_ws('/', e.objectRef.resource, nullif(subresource, ''),
        name), '') || coalesce(' in ' || nullif(e.objectRef.namespace, ''), ''),
      split_part(e.requestURI, '?', 1))                    AS operation,
    unnest(CASE WHEN change_kind IS NULL THEN ['api_activity']
      ELSE ['api_activity', 'application_lifecycle'] END)  AS class_name
  FROM classed
)
SELECT
  position,
  ingested_at,
  class_name,
  any_time("at")                                           AS "time",
  CASE
    WHEN class_name = 'application_lifecycle'
      THEN CASE e.verb WHEN 'create' THEN 1 WHEN 'delete' THEN 2 ELSE 8 END
    WHEN e.verb = 'create' THEN 1
    WHEN e.verb IN ('get', 'list', 'watch') THEN 2
    WHEN e.verb IN ('update', 'patch') THEN 3
    WHEN e.verb IN ('delete', 'deletecollection') THEN 4
    ELSE 99
  END                                                      AS activity_id,
  CASE WHEN class_name = 'api_activity' AND activity_id = 99 THEN e.verb END AS activity_name,
  CASE WHEN e.responseStatus.code >= 500 THEN 3 WHEN e.responseStatus.code >= 400 THEN 2 ELSE 1 END
                                                           AS severity_id,
  CASE WHEN e.stage = 'Panic' OR e.responseStatus.code >= 400 THEN 2
    WHEN class_name = 'application_lifecycle' AND NOT is_done THEN 0
    WHEN e.responseStatus.code > 0 THEN 1 ELSE 0 END       AS status_id,
  e.responseStatus.code::VARCHAR                           AS status_code,
  nullif(concat_ws(': ', e.responseStatus.reason, e.responseStatus.message), '') AS status_detail,
  concat_ws(' ', e.user.username, 'asked to', operation)
    || coalesce(': ' || e.responseStatus.code, '')         AS message,
  any_time(e.requestReceivedTimestamp)                     AS start_time,
  (epoch_us(any_time("at")) - epoch_us(any_time(e.requestReceivedTimestamp))) // 1000 AS duration,
  {'uid': e.auditID, 'event_code': e.stage,
   'correlation_uid': CASE WHEN class_name = 'application_lifecycle' THEN e.auditID END}
                                                           AS metadata,
  {'user': {'name': coalesce(e.user.username, CASE WHEN e.user.uid IS NULL THEN 'unknown' END),
    'uid': e.user.uid,
    'type_id': CASE WHEN e.user.username LIKE 'system:serviceaccount:%' THEN 4
      WHEN e.user.username LIKE 'system:%' THEN 3 WHEN e.user.username <> '' THEN 1 END,
    'groups': list_transform(e.user.groups, lambda g: {'name': g})}} AS actor,
  CASE WHEN class_name = 'api_activity' THEN {'operation': e.verb,
    'service': {'name': 'kube-apiserver'},
    'version': nullif(concat_ws('/', nullif(e.objectRef.apiGroup, ''), e.objectRef.apiVersion), ''),
    'request': {'uid': e.auditID},
    'response': {'code': e.responseStatus.code, 'error': nullif(e.responseStatus.reason, ''),
      'error_message': nullif(e.responseStatus.message, '')}} END AS api,
  CASE WHEN class_name = 'api_activity' THEN {'ip': addresses[1],
    'name': CASE WHEN len(addresses) > 0 THEN NULL ELSE coalesce(e.sourceIPs[1], 'unknown') END,
    'intermediate_ips': nullif(addresses[2:], [])} END     AS src_endpoint,
  CASE WHEN class_name = 'api_activity' THEN {'user_agent': e.userAgent,
    'url': {'path': split_part(e.requestURI, '?', 1),
      'query_string': nullif(split_part(e.requestURI, '?', 2), '')}} END AS http_request,
  CASE WHEN class_name = 'api_activity' AND e.objectRef IS NOT NULL AND name <> '' THEN
    [{'name': name, 'namespace': nullif(e.objectRef.namespace, ''), 'type': e.objectRef.resource,
      'uid': nullif(e.objectRef.uid, ''), 'version': nullif(e.objectRef.resourceVersion, '')}]
  END                                                      AS resources,
  {'service': service, 'version': "version",
   'pod': CASE WHEN kind = 'Pod' THEN name END, 'node': CASE WHEN kind = 'Node' THEN name END,
   'namespace': CASE WHEN kind = 'Namespace' THEN name ELSE e.objectRef.namespace END} AS workload,
  CASE WHEN class_name = 'application_lifecycle' THEN
    {'name': coalesce(service, name), 'version': "version"} END AS app,
  CASE WHEN class_name = 'application_lifecycle' THEN {'uid': e.auditID, 'kind': change_kind,
    'state': CASE WHEN is_done THEN 'success' ELSE 'in_progress' END,
    'revision': coalesce(response->>'$.metadata.generation', e.objectRef.resourceVersion),
    'environment': nullif(e.objectRef.namespace, '')} END  AS change,
  filled({
    'level': e.level, 'apiVersion': doc->>'$.apiVersion', 'extra': e.user.extra,
    'impersonatedUser': e.impersonatedUser, 'annotations': e.annotations,
    'subresource': nullif(subresource, ''),
    'requestObject': CASE WHEN is_secret THEN withheld(request) ELSE unmanaged(request) END,
    'responseObject': CASE WHEN class_name = 'application_lifecycle' THEN NULL
      WHEN is_secret THEN withheld(response) ELSE unmanaged(response) END}) AS unmapped,
  CASE
    WHEN json_array_length(doc, '$.items') = 0 THEN ''
    WHEN e.auditID IS NULL OR e.verb IS NULL THEN 'the document is no audit event of Kubernetes'
  END                                                      AS problem
FROM shown
