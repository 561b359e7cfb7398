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

-- The latest time, up to a limit, that is anywhere in the metadata and status of an object.
CREATE MACRO latest_time(metadata, status, until) AS (list_max(list_filter(
  regexp_extract_all(concat(metadata, status),
    '"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z"', 1),
  lambda t: t <= strftime(until, '%Y-%m-%dT%H:%M:%S'))) || 'Z')::TIMESTAMPTZ;

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
      || CASE WHEN concat(container.lastState.terminated.exitCode,
          container.lastState.terminated.reason, container.lastState.terminated.finishedAt) <> ''
        THEN ', last ended with ' || told_end(container.lastState.terminated) ELSE '' END
  END;

-- https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
CREATE MACRO quantity(text) AS
  try_cast(regexp_extract(text, '^[+-]?[\d.]+(?:[eE][+-]?\d+)?') AS DOUBLE)
    * CASE regexp_extract(text, '^[+-]?[\d.]+(?:[eE][+-]?\d+)?([a-zA-Z]*)$', 1)
      WHEN '' THEN 1 WHEN 'n' THEN 1e-9 WHEN 'u' THEN 1e-6 WHEN 'm' THEN 1e-3 WHEN 'k' THEN 1e3
      WHEN 'M' THEN 1e6 WHEN 'G' THEN 1e9 WHEN 'T' THEN 1e12 WHEN 'P' THEN 1e15 WHEN 'E' THEN 1e18
      WHEN 'Ki' THEN 1024.0 WHEN 'Mi' THEN 1048576.0 WHEN 'Gi' THEN 1073741824.0
      WHEN 'Ti' THEN 1099511627776.0 WHEN 'Pi' THEN 1125899906842624.0
      WHEN 'Ei' THEN 1152921504606846976.0
    END;

-- What a pod's status tells of a container:
-- https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#ContainerStatus
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
    WHEN json_exists(object,
        '$.metadata.annotations."kubectl.kubernetes.io/last-applied-configuration"')
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

-- A ConfigMap or Secret with its values as digests; anything else, as a list of them, as one.
CREATE MACRO withheld(object) AS
  CASE
    WHEN object IS NULL THEN NULL
    WHEN json_type(object, '$.data') = 'OBJECT' OR json_type(object, '$.stringData') = 'OBJECT'
      OR json_type(object, '$.binaryData') = 'OBJECT'
      THEN json_merge_patch(unmanaged(object), json_object(
        'data', digests(json_extract(object, '$.data')),
        'stringData', digests(json_extract(object, '$.stringData')),
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

-- Events and logs ---------------------------------------------------------------------------------
CREATE MACRO object_reference() AS '{"kind": "VARCHAR", "name": "VARCHAR", "namespace": "VARCHAR",
  "uid": "VARCHAR", "apiVersion": "VARCHAR", "resourceVersion": "VARCHAR",
  "fieldPath": "VARCHAR"}';

CREATE MACRO event_severity_id(type) AS
  CASE type WHEN 'Normal' THEN 1 WHEN 'Warning' THEN 3 ELSE 0 END;

-- Whom an event concerns: `host` is where it was reported, which for a pod is its node.
CREATE MACRO event_workload(kind, namespace, name, host) AS {
  'service': CASE WHEN kind <> 'Pod' THEN kubernetes_service(kind, name) END,
  'pod': CASE WHEN kind = 'Pod' THEN name END,
  'node': CASE WHEN kind = 'Node' THEN name WHEN kind = 'Pod' THEN host END,
  'namespace': CASE WHEN kind = 'Namespace' THEN name WHEN kind <> 'Node' THEN namespace END};

-- The time that a line of a log tells in its beginning, or in JSON.
CREATE MACRO line_time(line) AS coalesce(
  any_time(nullif(regexp_extract(left(line, 64),
    '\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?'), '')),
  CASE WHEN line LIKE '{%' THEN any_time(coalesce(TRY(line->>'$.time'), TRY(line->>'$.ts'),
    TRY(line->>'$.timestamp'), TRY(line->>'$."@timestamp"'))) END);

-- The level that a line of a log names: klog's letter, a word in its beginning, or in JSON.
CREATE MACRO log_level(line) AS coalesce(
  nullif(regexp_extract(line, '^([IWEF])\d{4} \d\d:', 1), ''),
  nullif(regexp_extract(left(line, 120),
    '(?i)\b(trace|debug|info|notice|warn(?:ing)?|error|critical|fatal|panic)\b', 1), ''), '');

-- What of an object has a column of its own.
CREATE MACRO told_elsewhere(has_status) AS '{"kind": null, "apiVersion": null, "metadata": {
  "name": null, "namespace": null, "uid": null, "resourceVersion": null, "generation": null,
  "creationTimestamp": null, "labels": null}'
  || CASE WHEN has_status THEN ', "status": {"phase": null, "conditions": null,
    "containerStatuses": null, "initContainerStatuses": null}}' ELSE '}' END;

-- Texts for people --------------------------------------------------------------------------------
-- Seconds of an age as kubectl writes it: 44d, 3h44m, 2m25s.
CREATE MACRO age_seconds(age) AS
  CASE WHEN age <> '' AND regexp_full_match(age,
      '(?:\d+y)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?') THEN
    list_sum(list_transform(regexp_extract_all(age, '\d+[ydhms]'),
      lambda a: a[:-2]::BIGINT
        * MAP {'y': 31536000, 'd': 86400, 'h': 3600, 'm': 60, 's': 1}[a[-1]]))::BIGINT
  END;

-- A time so long before another, to the precision of the age.
CREATE MACRO time_before(moment, age) AS moment - to_seconds(age_seconds(age));

-- What an event's age column tells: '17s (x797 over 3h34m)' is the last, how many, the first.
CREATE MACRO event_ages(text) AS
  regexp_extract(text, '^(\S+)(?: \(x(\d+) over (\S+)\))?', ['last', 'count', 'first']);

CREATE MACRO kind_of_resource(word) AS coalesce(
  resource_kind(lower(word) || 's'), resource_kind(lower(word)),
  MAP {'ingress': 'Ingress', 'endpoints': 'Endpoints', 'networkpolicy': 'NetworkPolicy',
    'persistentvolumeclaim': 'PersistentVolumeClaim', 'persistentvolume': 'PersistentVolume',
    'endpointslice': 'EndpointSlice', 'resourcequota': 'ResourceQuota', 'event': 'Event',
    'serviceaccount': 'ServiceAccount'}[lower(word)], word);

-- The kind that a table of `kubectl get` lists, by the names of its columns.
CREATE MACRO kind_of_table(names) AS
  CASE
    WHEN list_has_all(names, ['LAST SEEN', 'REASON', 'OBJECT']) THEN 'Event'
    WHEN list_has_all(names, ['READY', 'STATUS', 'RESTARTS']) THEN 'Pod'
    WHEN list_has_all(names, ['DESIRED', 'NODE SELECTOR']) THEN 'DaemonSet'
    WHEN list_has_all(names, ['READY', 'UP-TO-DATE', 'AVAILABLE']) THEN 'Deployment'
    WHEN list_has_all(names, ['DESIRED', 'CURRENT', 'READY']) THEN 'ReplicaSet'
    WHEN list_has_all(names, ['STATUS', 'ROLES', 'VERSION']) THEN 'Node'
    WHEN list_contains(names, 'COMPLETIONS') THEN 'Job'
    WHEN list_has_all(names, ['SCHEDULE', 'SUSPEND']) THEN 'CronJob'
    WHEN list_contains(names, 'CLUSTER-IP') THEN 'Service'
    WHEN list_has_all(names, ['CLASS', 'HOSTS']) THEN 'Ingress'
    WHEN list_has_all(names, ['REFERENCE', 'TARGETS']) THEN 'HorizontalPodAutoscaler'
    WHEN list_contains(names, 'RECLAIM POLICY') THEN 'PersistentVolume'
    WHEN list_has_all(names, ['VOLUME', 'CAPACITY']) THEN 'PersistentVolumeClaim'
    WHEN list_contains(names, 'ADDRESSTYPE') THEN 'EndpointSlice'
    WHEN list_contains(names, 'ENDPOINTS') THEN 'Endpoints'
    WHEN list_contains(names, 'MIN AVAILABLE') THEN 'PodDisruptionBudget'
    WHEN list_contains(names, 'POD-SELECTOR') THEN 'NetworkPolicy'
    WHEN list_has_all(names, ['TYPE', 'DATA']) THEN 'Secret'
    WHEN list_contains(names, 'DATA') THEN 'ConfigMap'
    WHEN names[:3] = ['NAME', 'READY', 'AGE'] OR names[:4] = ['NAMESPACE', 'NAME', 'READY', 'AGE']
      THEN 'StatefulSet'
    WHEN names[:3] = ['NAME', 'STATUS', 'AGE'] THEN 'Namespace'
  END;

-- The columns that a row has whose header was cut off, by what stands in it; NULL if they cannot be
-- told.
CREATE MACRO columns_of_row(cells) AS list_transform(
  [coalesce(list_position(list_transform(cells,
    lambda c: regexp_full_match(c, '\d+/\d+')), true), 0)],
  lambda share: CASE
    WHEN age_seconds(event_ages(cells[1])."last") >= 0 AND cells[2] IN ('Normal', 'Warning')
      THEN ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']
    WHEN cells[2] IN ('Active', 'Terminating') AND age_seconds(cells[3]) >= 0
      THEN ['NAME', 'STATUS', 'AGE', 'LABELS']
    WHEN age_seconds(event_ages(cells[2])."last") >= 0 AND cells[3] IN ('Normal', 'Warning')
      THEN ['NAMESPACE', 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']
    WHEN share IN (2, 3) AND regexp_matches(cells[share + 2], '^\d+(?: \(|$)')
      AND age_seconds(cells[share + 3]) >= 0
      THEN list_concat(CASE WHEN share = 3 THEN ['NAMESPACE'] ELSE [] END,
        CASE WHEN regexp_full_match(cells[share + 1], '\d+')
          THEN ['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE', 'CONTAINERS', 'IMAGES',
            'SELECTOR', 'LABELS']
          ELSE ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE', 'IP', 'NODE', 'NOMINATED NODE',
            'READINESS GATES', 'LABELS'] END)
    WHEN share IN (3, 4) AND age_seconds(cells[share + 2]) >= 0
      THEN list_concat(CASE WHEN share = 4 THEN ['NAMESPACE'] ELSE [] END,
        ['NAME', 'STATUS', 'COMPLETIONS', 'DURATION', 'AGE', 'CONTAINERS', 'IMAGES', 'SELECTOR',
         'LABELS'])
  END)[1];

-- What a column holds: nothing where kubectl writes that there is nothing.
CREATE MACRO cell(names, cells, name) AS
  nullif(nullif(nullif(cells[list_position(names, name)], '<none>'), ''), '<unknown>');

-- A field of what `kubectl describe` prints; NULL where it prints that there is none.
CREATE MACRO described(fields, name) AS nullif(nullif(
  list_filter(fields, lambda f: f.key = name)[1].value, '<none>'), '');

-- What begins with the values of a ConfigMap or Secret, with a digest in their stead.
CREATE MACRO digested(part) AS list_transform(
  [regexp_extract(part, '(?s)^(.*?)(\nEvents:[ ]*(?:<none>)?(?:\n.*)?|\n\n\nName: .*)?$',
    ['data', 'rest'])],
  lambda p: 'Data:  sha256:' || sha256(p.data) || p.rest)[1];

CREATE MACRO labelled(labels, name) AS nullif(list_filter(labels,
  lambda l: starts_with(l, name || '='))[1][len(name) + 2:], '');

-- The kind of an object, by the fields that describe prints of no other.
CREATE MACRO kind_of_description(keys, section) AS
  CASE
    WHEN list_contains(keys, 'Kind') THEN regexp_extract(section, '(?m)^Kind: +(\S+)', 1)
    WHEN list_contains(keys, 'QoS Class') OR list_has_all(keys, ['Node', 'Containers'])
      OR list_has_all(keys, ['Status', 'IP']) THEN 'Pod'
    WHEN list_contains(keys, 'StrategyType') THEN 'Deployment'
    WHEN list_contains(keys, 'Desired Number of Nodes Scheduled') THEN 'DaemonSet'
    WHEN list_contains(keys, 'Roles') OR list_contains(keys, 'Allocated resources') THEN 'Node'
    WHEN list_contains(keys, 'Schedule') THEN 'CronJob'
    WHEN list_contains(keys, 'Parallelism') THEN 'Job'
    WHEN list_contains(keys, 'Update Strategy') THEN 'StatefulSet'
    WHEN list_contains(keys, 'Reference') THEN 'HorizontalPodAutoscaler'
    WHEN list_contains(keys, 'Session Affinity') THEN 'Service'
    WHEN list_contains(keys, 'Subsets') THEN 'Endpoints'
    WHEN list_contains(keys, 'Ingress Class') OR list_has_all(keys, ['Rules', 'Address'])
      THEN 'Ingress'
    WHEN list_contains(keys, 'Reclaim Policy') THEN 'PersistentVolume'
    WHEN list_contains(keys, 'Used By') OR list_has_all(keys, ['StorageClass', 'Volume'])
      THEN 'PersistentVolumeClaim'
    WHEN list_contains(keys, 'Allowed disruptions') THEN 'PodDisruptionBudget'
    WHEN list_has_all(keys, ['Replicas', 'Pods Status']) THEN 'ReplicaSet'
    WHEN list_has_all(keys, ['Type', 'Data']) THEN 'Secret'
    WHEN list_contains(keys, 'Data') THEN 'ConfigMap'
    WHEN keys[:3] = ['Name', 'Labels', 'Annotations'] AND list_contains(keys, 'Status')
      THEN 'Namespace'
  END;

-- A container as describe prints it, in the form that the API has.
CREATE MACRO described_state(text, label) AS list_transform([regexp_extract(text,
  '\n\s+' || label || ': +(\w+)(?:\n\s+Reason: +([^\n]+))?(?:\n\s+Message: +([^\n]*))?'
    || '(?:\n\s+Exit Code: +(\d+))?(?:\n\s+Signal: +(\d+))?(?:\n\s+Started: +([^\n]+))?'
    || '(?:\n\s+Finished: +([^\n]+))?',
  ['state', 'reason', 'message', 'code', 'signal', 'started', 'finished'])],
  lambda s: {
    'waiting': CASE WHEN s.state = 'Waiting' THEN
      {'reason': nullif(s.reason, ''), 'message': nullif(s.message, '')} END,
    'running': CASE WHEN s.state = 'Running' THEN {'startedAt': nullif(s.started, '')} END,
    'terminated': CASE WHEN s.state = 'Terminated' THEN
      {'exitCode': nullif(s.code, ''), 'signal': nullif(s.signal, ''),
       'reason': nullif(s.reason, ''), 'message': nullif(s.message, ''),
       'startedAt': nullif(s.started, ''), 'finishedAt': nullif(s.finished, '')} END})[1];

CREATE MACRO described_container(text) AS {
  'name': regexp_extract(text, '^\s*([^:\s]+)', 1),
  'image': nullif(regexp_extract(text, '\n\s+Image: +(\S+)', 1), ''),
  'ready': nullif(regexp_extract(text, '\n\s+Ready: +(True|False)', 1), '') = 'True',
  'restartCount': try_cast(regexp_extract(text, '\n\s+Restart Count: +(\d+)', 1) AS BIGINT),
  'state': described_state(text, 'State'),
  'lastState': described_state(text, 'Last State')};

-- A condition as describe prints it: of a node with its two times, else with its reason.
CREATE MACRO described_condition(cells) AS {
  'type': cells[1], 'status': cells[2],
  'reason': CASE WHEN len(cells) > 4 THEN cells[5] ELSE cells[3] END,
  'message': CASE WHEN len(cells) > 4 THEN cells[6] ELSE cells[4] END,
  'lastTransitionTime': CASE WHEN len(cells) > 4 THEN cells[4] END};

-- The conditions of a custom resource, whose members describe prints by their names, `Type` last.
CREATE MACRO nested_conditions(status) AS list_transform(
  regexp_extract_all(regexp_extract(status, '(?s)(?:^|\n) *Conditions:\n(.*)', 1),
    '(?s)(.*?\n +Type: +\S+)(?:\n|$)', 1),
  lambda one: {
    'type': regexp_extract(one, '\n +Type: +(\S+)', 1),
    'status': regexp_extract(one, '(?:^|\n) +Status: +(True|False|Unknown)', 1),
    'reason': nullif(regexp_extract(one, '(?:^|\n) +Reason: +([^\n]+)', 1), ''),
    'message': nullif(regexp_extract(one, '(?:^|\n) +Message: +([^\n]+)', 1), ''),
    'lastTransitionTime': nullif(regexp_extract(one, 'Last Transition Time: +([^\n]+)', 1), '')});

-- The network -------------------------------------------------------------------------------------
CREATE MACRO endpoint_name(side) AS coalesce(nullif(concat_ws('/',
  nullif(side.who.namespace, ''), nullif(side.who.pod_name, '')), ''), side.ip, '?')
  || coalesce(':' || side.port, '');

-- https://www.iana.org/assignments/dns-parameters/dns-parameters.xhtml#dns-parameters-6
CREATE MACRO known_rcode(code) AS
  CASE WHEN code BETWEEN 0 AND 11 OR code BETWEEN 16 AND 23 THEN code ELSE 99 END;


-- The time of klog, `0211 09:44:44.821999`, in the last year in which it is not after a moment.
CREATE MACRO klog_time(text, moment) AS list_transform(
  [try_strptime(year(moment) || text, '%Y%m%d %H:%M:%S.%f'),
   try_strptime((year(moment) - 1) || text, '%Y%m%d %H:%M:%S.%f')],
  lambda t: t AT TIME ZONE 'UTC').list_filter(lambda t: t <= moment + INTERVAL 1 DAY)[1];

-- Summaries -------------------------------------------------------------------------------------
-- The first member of a JSON object at some paths that says anything, as text.
CREATE MACRO member(doc, paths) AS
  list_filter(json_extract_string(doc, paths), lambda v: v <> '')[1];

CREATE MACRO member_object(doc, name) AS
  CASE WHEN json_type(doc, '/' || name) = 'OBJECT' THEN json_extract(doc, '/' || name) END;

-- The kind that a member of a summary lists, by its name: failing_pods, deployments, hpas.
CREATE MACRO kind_of_member(name) AS CASE
  WHEN regexp_matches(name, '(?i)pods?$') THEN 'Pod'
  WHEN regexp_matches(name, '(?i)deployments?$') THEN 'Deployment'
  WHEN regexp_matches(name, '(?i)replica_?sets?$') THEN 'ReplicaSet'
  WHEN regexp_matches(name, '(?i)stateful_?sets?$') THEN 'StatefulSet'
  WHEN regexp_matches(name, '(?i)daemon_?sets?$') THEN 'DaemonSet'
  WHEN regexp_matches(name, '(?i)cron_?jobs?$') THEN 'CronJob'
  WHEN regexp_matches(name, '(?i)(?:^|_|failed)jobs?$') THEN 'Job'
  WHEN regexp_matches(name, '(?i)nodes?(?:_?health|_?status)?$') THEN 'Node'
  WHEN regexp_matches(name, '(?i)events?$') THEN 'Event'
  WHEN regexp_matches(name, '(?i)(?:^|_)services?$') THEN 'Service'
  WHEN regexp_matches(name, '(?i)ingress(?:es)?$') THEN 'Ingress'
  WHEN regexp_matches(name, '(?i)(?:hpas?|horizontal_?pod_?autoscalers?)$')
    THEN 'HorizontalPodAutoscaler'
  WHEN regexp_matches(name, '(?i)(?:pvcs?|persistent_?volume_?claims?)$')
    THEN 'PersistentVolumeClaim'
  WHEN regexp_matches(name, '(?i)(?:pvs?|persistent_?volumes?)$') THEN 'PersistentVolume'
  WHEN regexp_matches(name, '(?i)config_?maps?$') THEN 'ConfigMap'
  WHEN regexp_matches(name, '(?i)secrets?$') THEN 'Secret'
  WHEN regexp_matches(name, '(?i)(?:^|_)namespaces$') THEN 'Namespace'
  WHEN regexp_matches(name, '(?i)(?:resource_?)?quotas?$') THEN 'ResourceQuota'
  WHEN regexp_matches(name, '(?i)network_?polic(?:y|ies)$') THEN 'NetworkPolicy'
  WHEN regexp_matches(name, '(?i)(?:^|_)endpoints$') THEN 'Endpoints'
END;

-- The latest time, up to a limit, that is anywhere in a document.
CREATE MACRO latest_told(doc, until) AS list_max(list_filter(list_transform(
  regexp_extract_all(doc::VARCHAR,
    '"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)"', 1),
  lambda t: any_time(t)), lambda t: t <= until));

-- A container's state in the API's form, from {"waiting": true, "reason": ...}, a word with its
-- reason beside it, or that form itself; `beside` holds what stands beside a word.
CREATE MACRO summary_state(state, beside) AS list_transform([{
    'word': CASE WHEN json_type(state) = 'VARCHAR' THEN json_extract_string(state, '$') END,
    'told': CASE WHEN json_type(state) = 'OBJECT' THEN state ELSE beside END}],
  lambda s: {'word': s.word, 'which': CASE
    WHEN lower(s.word) IN ('waiting', 'running', 'terminated') THEN lower(s.word)
    WHEN s.word IN ('Completed', 'Error', 'OOMKilled', 'ContainerCannotRun', 'DeadlineExceeded',
      'Evicted') THEN 'terminated'
    WHEN s.word <> '' THEN 'waiting'
    WHEN coalesce(member(s.told, ['/waiting']), 'false') <> 'false' THEN 'waiting'
    WHEN coalesce(member(s.told, ['/running']), 'false') <> 'false' THEN 'running'
    WHEN coalesce(member(s.told, ['/terminated']), 'false') <> 'false'
      OR (json_type(state) = 'OBJECT' AND member(s.told, ['/exit_code',
        '/exitCode']) <> '') THEN 'terminated'
  END, 'told': s.told})
  .list_transform(lambda s: {'word': s.word, 'which': s.which,
    'told': CASE WHEN json_type(s.told, '/' || s.which) = 'OBJECT'
      THEN json_extract(s.told, '/' || s.which) ELSE s.told END})
  .list_transform(lambda s: {
    'waiting': CASE WHEN s.which = 'waiting' THEN {
      'reason': coalesce(member(s.told, ['/reason', '/state_reason', '/stateReason',
        '/waiting_reason', '/waitingReason']),
        CASE WHEN lower(s.word) <> 'waiting' THEN s.word END),
      'message': member(s.told, ['/message', '/state_message', '/stateMessage'])} END,
    'running': CASE WHEN s.which = 'running' THEN {'startedAt': member(s.told, ['/started_at',
      '/startedAt'])} END,
    'terminated': CASE WHEN s.which = 'terminated' THEN {
      'exitCode': member(s.told, ['/exit_code', '/exitCode', '/last_exit_code', '/lastExitCode']),
      'signal': member(s.told, ['/signal']),
      'reason': coalesce(
        member(s.told, ['/reason', '/state_reason', '/stateReason', '/terminated_reason',
          '/terminatedReason', '/termination_reason', '/terminationReason']),
        CASE WHEN lower(s.word) <> 'terminated' THEN s.word END),
      'message': member(s.told, ['/message']), 'startedAt': member(s.told, ['/started_at',
        '/startedAt']),
      'finishedAt': member(s.told, ['/finished_at', '/finishedAt'])} END})[1];

CREATE MACRO summary_before(container) AS coalesce(json_extract(container, '$.last_state'),
  json_extract(container, '$.lastState'), json_extract(container, '$.previous_state'));

-- How a container ended before: by a state of its own, by members named last_..., or, since one
-- that runs cannot have ended, by the exit code that stands beside its running state.
CREATE MACRO summary_last_state(container) AS CASE
  WHEN summary_before(container) IS NOT NULL THEN summary_state(summary_before(container),
    container)
  WHEN coalesce(
      member(container, ['/last_exit_code', '/lastExitCode', '/last_termination_reason',
        '/lastTerminationReason', '/last_state_reason', '/lastStateReason']),
      CASE WHEN member(json_extract(container, '$.state'), ['/running']) <> 'false'
        THEN member(json_extract(container, '$.state'), ['/exit_code', '/exitCode']) END) <> ''
    THEN {'waiting': NULL, 'running': NULL, 'terminated': {
      'exitCode': coalesce(member(container, ['/last_exit_code', '/lastExitCode']),
        member(json_extract(container, '$.state'), ['/exit_code', '/exitCode'])), 'signal': NULL,
      'reason': member(container, ['/last_termination_reason', '/lastTerminationReason',
        '/last_state_reason', '/lastStateReason']),
      'message': member(container, ['/last_termination_message', '/lastTerminationMessage']),
        'startedAt': NULL,
      'finishedAt': member(container, ['/last_finished_at', '/lastFinishedAt',
        '/last_terminated_at', '/lastTerminatedAt'])}} END;

CREATE MACRO summary_container(container) AS {
  'name': member(container, ['/name', '/container_name', '/containerName', '/container']),
  'image': member(container, ['/image']),
  'ready': try_cast(member(container, ['/ready']) AS BOOLEAN),
  'restartCount': try_cast(member(container, ['/restart_count', '/restartCount',
    '/restarts']) AS BIGINT),
  'state': summary_state(coalesce(json_extract(container, '$.state'), json_extract(container,
    '$.status')), container),
  'lastState': summary_last_state(container)};

-- Conditions in the API's form, of a list or of an object from type to status.
CREATE MACRO summary_conditions(conditions) AS CASE json_type(conditions)
  WHEN 'ARRAY' THEN list_transform(json_extract(conditions, '$[*]'), lambda c: {
    'type': member(c, ['/type']), 'status': member(c, ['/status']), 'reason': member(c,
      ['/reason']),
    'message': member(c, ['/message']),
    'lastTransitionTime': member(c, ['/last_transition_time', '/lastTransitionTime',
      '/last_update_time', '/lastUpdateTime'])})
  WHEN 'OBJECT' THEN list_transform(map_entries(from_json(conditions, '"MAP(VARCHAR, JSON)"')),
    lambda e: {'type': e.key, 'status': coalesce(member(e."value", ['/status']),
      json_extract_string(e."value", '$')),
      'reason': member(e."value", ['/reason']), 'message': member(e."value", ['/message']),
      'lastTransitionTime': member(e."value", ['/last_transition_time', '/lastTransitionTime'])})
END;

-- A condition that a summary tells as a member of its own: ready, memory_pressure.
CREATE MACRO summary_condition(type, told) AS CASE
  WHEN lower(told) IN ('true', 'false', 'unknown', 'ready', 'notready') THEN [{
    'type': type, 'status': CASE lower(told) WHEN 'true' THEN 'True' WHEN 'ready' THEN 'True'
      WHEN 'unknown' THEN 'Unknown' ELSE 'False' END, 'reason': NULL::VARCHAR,
    'message': NULL::VARCHAR, 'lastTransitionTime': NULL::VARCHAR}]
  ELSE [] END;
