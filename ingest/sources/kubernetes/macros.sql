-- Expressions that the sources of Kubernetes share.

-- Who an object is ------------------------------------------------------------------------------
-- The name of what made another object: of a ReplicaSet its Deployment, of a Job its CronJob.
CREATE MACRO kubernetes_maker(kind, name) AS
  CASE kind
    WHEN 'ReplicaSet' THEN regexp_replace(name,
      '-(?:[bcdf-hj-np-tv-xz2456789]{6,10}|[0-9a-f]{6,10})$', '')
    WHEN 'Job' THEN regexp_replace(name, '-\d{8,10}$', '')
    ELSE name
  END;

-- The service that an object is, or belongs to, by its kind and name alone. What serves others only
-- by its name (a Service, an Ingress, a claim) has the name that its own service most often has.
CREATE MACRO kubernetes_service(kind, name) AS
  CASE
    WHEN kind IN ('Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController',
      'Job', 'CronJob', 'Service', 'Endpoints', 'Ingress', 'HorizontalPodAutoscaler',
      'PodDisruptionBudget', 'Rollout', 'ScaledObject') THEN kubernetes_maker(kind, name)
    WHEN kind = 'Pod' THEN pod_service(name)
  END;

-- An object's own workload: what its pods run is the tag of their image, before what labels say.
CREATE MACRO object_workload(o, kind, service, image, labels) AS {
  'service': service,
  'version': coalesce(image_version(image), labels->>'app.kubernetes.io/version',
    labels->>'version'),
  'pod': CASE WHEN kind = 'Pod' THEN o.metadata.name END,
  'node': CASE WHEN kind = 'Node' THEN o.metadata.name ELSE o.spec.nodeName END,
  'namespace': CASE WHEN kind = 'Namespace' THEN o.metadata.name ELSE o.metadata.namespace END,
  'zone': coalesce(labels->>'topology.kubernetes.io/zone',
    labels->>'failure-domain.beta.kubernetes.io/zone',
    nullif(regexp_extract(o.spec.providerID, '^aws:///([^/]+)/', 1), '')),
  'region': coalesce(labels->>'topology.kubernetes.io/region',
    labels->>'failure-domain.beta.kubernetes.io/region')};

-- Of containers the one that is meant by its pod: named as the service, else the first.
CREATE MACRO main_container(containers, service) AS
  coalesce(list_filter(containers, lambda c: c.name = service)[1], containers[1]);

-- How an object is ------------------------------------------------------------------------------
-- Whether a condition says that something is not well: most do when they are not True, those that
-- are named after trouble when they are. What only repeats another condition is left out, and what
-- is so because the work is done.
CREATE MACRO is_bad_condition(kind, condition) AS
  CASE
    WHEN condition.type IN ('ContainersReady', 'PodReadyToStartContainers')
      OR condition.reason IN ('PodCompleted', 'ScalingDisabled') THEN false
    WHEN condition.type IN ('Ready', 'Available', 'Initialized', 'PodScheduled', 'Progressing',
      'AbleToScale', 'ScalingActive', 'Established', 'NamesAccepted', 'Healthy', 'Synced',
      'Reconciled', 'Accepted', 'Programmed', 'ResolvedRefs', 'Launched', 'Registered',
      'DisruptionAllowed')
      THEN condition.status IN ('False', 'Unknown')
    WHEN condition.type IN ('Failed', 'FailureTarget', 'ReplicaFailure', 'NetworkUnavailable',
      'Degraded', 'Stalled', 'Unhealthy', 'OutOfDisk', 'KernelDeadlock', 'ReadonlyFilesystem',
      'CorruptDockerOverlay2', 'DisruptionTarget', 'NamespaceDeletionContentFailure')
      OR (kind = 'Node' AND condition.type LIKE '%Pressure')
      OR (condition.type = 'ScalingLimited' AND condition.reason = 'TooManyReplicas')
      THEN condition.status = 'True'
    ELSE false
  END;

CREATE MACRO told_condition(condition) AS
  condition.type || ' is ' || condition.status
    || CASE WHEN condition.reason <> '' OR condition.message <> ''
      THEN ' (' || concat_ws(': ', nullif(condition.reason, ''), nullif(condition.message, ''))
        || ')' ELSE '' END;

CREATE MACRO told_end(ended) AS
  concat_ws(', ', coalesce(nullif(ended.reason, ''), 'an unnamed reason'),
    'exit code ' || ended.exitCode, 'signal ' || nullif(ended.signal, '0'),
    'at ' || ended.finishedAt, nullif(ended.message, ''));

-- What is wrong with a container now, if anything.
CREATE MACRO container_ill(container) AS
  CASE
    WHEN container.state.waiting.reason NOT IN ('ContainerCreating', 'PodInitializing')
      THEN container.name || ' waits: '
        || concat_ws(': ', container.state.waiting.reason, container.state.waiting.message)
    WHEN container.state.terminated.exitCode <> '0'
      THEN container.name || ' ended with ' || told_end(container.state.terminated)
  END;

-- What happened to a container before, if anything.
CREATE MACRO container_past(container) AS
  CASE WHEN try_cast(container.restartCount AS BIGINT) > 0
      OR container.lastState.terminated.exitCode <> '0'
    THEN container.name || ' restarted ' || coalesce(container.restartCount, '?') || ' times'
      || coalesce(', last ended with ' || told_end(container.lastState.terminated), '')
  END;

CREATE MACRO quantity(text) AS   -- https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
  try_cast(regexp_extract(text, '^[+-]?[\d.]+(?:[eE][+-]?\d+)?') AS DOUBLE)
    * CASE regexp_extract(text, '^[+-]?[\d.]+(?:[eE][+-]?\d+)?([a-zA-Z]*)$', 1)
      WHEN '' THEN 1 WHEN 'n' THEN 1e-9 WHEN 'u' THEN 1e-6 WHEN 'm' THEN 1e-3 WHEN 'k' THEN 1e3
      WHEN 'M' THEN 1e6 WHEN 'G' THEN 1e9 WHEN 'T' THEN 1e12 WHEN 'P' THEN 1e15 WHEN 'E' THEN 1e18
      WHEN 'Ki' THEN 1024.0 WHEN 'Mi' THEN 1048576.0 WHEN 'Gi' THEN 1073741824.0
      WHEN 'Ti' THEN 1099511627776.0 WHEN 'Pi' THEN 1125899906842624.0
      WHEN 'Ei' THEN 1152921504606846976.0
    END;

-- What a pod's status tells of a container: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#ContainerStatus
CREATE MACRO container_statuses() AS '[{"name": "VARCHAR", "image": "VARCHAR",
  "imageID": "VARCHAR", "containerID": "VARCHAR", "ready": "BOOLEAN", "restartCount": "BIGINT",
  "state": {"waiting": {"reason": "VARCHAR", "message": "VARCHAR"},
    "running": {"startedAt": "VARCHAR"},
    "terminated": {"exitCode": "VARCHAR", "signal": "VARCHAR", "reason": "VARCHAR",
      "message": "VARCHAR", "startedAt": "VARCHAR", "finishedAt": "VARCHAR"}},
  "lastState": {"terminated": {"exitCode": "VARCHAR", "signal": "VARCHAR", "reason": "VARCHAR",
      "message": "VARCHAR", "startedAt": "VARCHAR", "finishedAt": "VARCHAR"}}}]';

-- Objects without what is long and says nothing new, and without what must not be told ------------
CREATE MACRO unmanaged(object) AS
  CASE
    WHEN json_exists(object, '$.metadata.annotations."kubectl.kubernetes.io/last-applied-configuration"')
      THEN json_merge_patch(object, '{"metadata": {"managedFields": null,
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": null}}}')
    WHEN json_exists(object, '$.metadata.managedFields')
      THEN json_merge_patch(object, '{"metadata": {"managedFields": null}}')
    ELSE object
  END;

-- The values of a ConfigMap or Secret as digests: whether one changed can be told, not what it is.
CREATE MACRO digests(data) AS to_json(map_from_entries(list_transform(
  map_entries(from_json(data, '"MAP(VARCHAR, JSON)"')),
  lambda e: {'key': e.key, 'value': 'sha256:' || sha256(coalesce(e.value->>'$', ''))})));

-- A ConfigMap or Secret with its values as digests; anything else, as a list of them, as one digest.
CREATE MACRO withheld(object) AS
  CASE
    WHEN object IS NULL THEN NULL
    WHEN json_type(object, '$.data') = 'OBJECT' OR json_type(object, '$.stringData') = 'OBJECT'
      OR json_type(object, '$.binaryData') = 'OBJECT'
      THEN json_merge_patch(unmanaged(object), json_object(
        'data', digests(json_extract(object, '$.data')), 'stringData', digests(json_extract(object, '$.stringData')),
        'binaryData', digests(json_extract(object, '$.binaryData'))))
    ELSE to_json('sha256:' || sha256(object::VARCHAR))
  END;

CREATE MACRO resource_kind(resource) AS MAP {
  'pods': 'Pod', 'nodes': 'Node', 'deployments': 'Deployment', 'replicasets': 'ReplicaSet',
  'statefulsets': 'StatefulSet', 'daemonsets': 'DaemonSet', 'jobs': 'Job', 'cronjobs': 'CronJob',
  'services': 'Service', 'endpoints': 'Endpoints', 'ingresses': 'Ingress', 'secrets': 'Secret',
  'horizontalpodautoscalers': 'HorizontalPodAutoscaler', 'configmaps': 'ConfigMap',
  'poddisruptionbudgets': 'PodDisruptionBudget', 'namespaces': 'Namespace',
  'replicationcontrollers': 'ReplicationController'}[resource];
