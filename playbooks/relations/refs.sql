-- Every reference from one object of the cluster to another before $end: one row a reference.
-- `relation` is owns, mounts, uses, runs as, runs on, selects, scales, routes to, calls, binds,
-- creates, grants, grants to, manages or lies in; `detail` the key, port or selector that is meant.
-- Selected are pods, and what makes pods with such labels.
-- `is_there` is NULL where absence would say nothing: no object of the target's kind was listed in
-- its namespace, or the referring object is ready without it. What is optional, or made by the
-- cluster itself, counts as there. `missing` says what is not: object, key, port or match.
WITH whole AS (
  SELECT kind, namespace, name, seen_at, object, described, labels, service, node, zone, is_ready,
    owner_kind, owner_name,
    coalesce(object->'$.spec.jobTemplate.spec.template', object->'$.spec.template',
      CASE WHEN kind = 'Pod' THEN object END) AS template
  FROM objects
),
pods AS (   -- what is to run, of a pod or of what makes pods
  SELECT * EXCLUDE (object, described, labels, template), from_json(template->'$.spec', '{
    "containers": [{"env": [{"valueFrom": {
        "configMapKeyRef": {"name": "VARCHAR", "key": "VARCHAR", "optional": "BOOLEAN"},
        "secretKeyRef": {"name": "VARCHAR", "key": "VARCHAR", "optional": "BOOLEAN"}}}],
      "envFrom": [{"configMapRef": {"name": "VARCHAR", "optional": "BOOLEAN"},
        "secretRef": {"name": "VARCHAR", "optional": "BOOLEAN"}}]}],
    "initContainers": [{"env": [{"valueFrom": {
        "configMapKeyRef": {"name": "VARCHAR", "key": "VARCHAR", "optional": "BOOLEAN"},
        "secretKeyRef": {"name": "VARCHAR", "key": "VARCHAR", "optional": "BOOLEAN"}}}],
      "envFrom": [{"configMapRef": {"name": "VARCHAR", "optional": "BOOLEAN"},
        "secretRef": {"name": "VARCHAR", "optional": "BOOLEAN"}}]}],
    "volumes": [{
      "configMap": {"name": "VARCHAR", "optional": "BOOLEAN", "items": [{"key": "VARCHAR"}]},
      "secret": {"secretName": "VARCHAR", "optional": "BOOLEAN", "items": [{"key": "VARCHAR"}]},
      "persistentVolumeClaim": {"claimName": "VARCHAR"},
      "projected": {"sources": [{
        "configMap": {"name": "VARCHAR", "optional": "BOOLEAN", "items": [{"key": "VARCHAR"}]},
        "secret": {"name": "VARCHAR", "optional": "BOOLEAN", "items": [{"key": "VARCHAR"}]}}]}}],
    "imagePullSecrets": [{"name": "VARCHAR"}],
    "serviceAccountName": "VARCHAR", "priorityClassName": "VARCHAR", "runtimeClassName": "VARCHAR"
  }') AS p
  FROM whole WHERE template IS NOT NULL
),
volumes AS (
  SELECT kind, namespace, name, seen_at, is_ready, unnest(p.volumes) AS v FROM pods
),
mounted AS (
  SELECT kind, namespace, name, seen_at, is_ready, unnest(list_concat(
    [{'of': 'ConfigMap', 'called': v.configMap.name, 'optional': v.configMap.optional,
        'items': v.configMap.items},
      {'of': 'Secret', 'called': v.secret.secretName, 'optional': v.secret.optional,
        'items': v.secret.items},
      {'of': 'PersistentVolumeClaim', 'called': v.persistentVolumeClaim.claimName,
        'optional': false, 'items': NULL}],
    list_transform(v.projected.sources, lambda s: {'of': 'ConfigMap', 'called': s.configMap.name,
      'optional': s.configMap.optional, 'items': s.configMap.items}),
    list_transform(v.projected.sources, lambda s: {'of': 'Secret', 'called': s.secret.name,
      'optional': s.secret.optional, 'items': s.secret.items}))) AS m
  FROM volumes
),
env AS (
  SELECT kind, namespace, name, seen_at, is_ready,
    unnest(list_concat(p.containers, p.initContainers)) AS c FROM pods
),
used AS (
  SELECT kind, namespace, name, seen_at, is_ready, unnest(list_concat(
    list_transform(c.env, lambda e: {'of': 'ConfigMap', 'called': e.valueFrom.configMapKeyRef.name,
      'key': e.valueFrom.configMapKeyRef.key, 'optional': e.valueFrom.configMapKeyRef.optional}),
    list_transform(c.env, lambda e: {'of': 'Secret', 'called': e.valueFrom.secretKeyRef.name,
      'key': e.valueFrom.secretKeyRef.key, 'optional': e.valueFrom.secretKeyRef.optional}),
    list_transform(c.envFrom, lambda e: {'of': 'ConfigMap', 'called': e.configMapRef.name,
      'key': NULL, 'optional': e.configMapRef.optional}),
    list_transform(c.envFrom, lambda e: {'of': 'Secret', 'called': e.secretRef.name,
      'key': NULL, 'optional': e.secretRef.optional}))) AS u
  FROM env
),
described_parts AS (   -- what `kubectl describe` writes of volumes and environment
  SELECT kind, namespace, name, seen_at, is_ready, unnest(regexp_extract_all(
    concat_ws(chr(10), described->>'$.Containers', described->>'$."Init Containers"',
      described->>'$.Volumes', described->>'$."Pod Template"'),
    '(?:\S+ +(?:ConfigMap|Secret) +(?:with prefix ''[^'']*'' +)?Optional: +\w+|set to the key ''[^'']+'' (?:of config map|in secret) ''[^'']+''>(?: +Optional: +\w+)?|Type: +ConfigMap [^\n]*\n\s+Name: +\S+(?:\n\s+Optional: +\w+)?|(?:SecretName|ConfigMapName): +\S+(?:\n\s+\w*Optional\w*: +\S+)?|ClaimName: +\S+)'
  )) AS part
  FROM whole WHERE described IS NOT NULL AND object IS NULL
),
ports AS (   -- the services that routes of any sort name
  SELECT kind, namespace, name, seen_at, is_ready, unnest(CASE kind WHEN 'Ingress' THEN
      list_concat(json_extract(object, '$.spec.rules[*].http.paths[*].backend.service'),
        [object->'$.spec.defaultBackend.service'])
    ELSE list_concat(json_extract(object, '$.spec.rules[*].backendRefs[*]'),
      json_extract(object, '$.spec.routes[*].services[*]')) END) AS r
  FROM whole WHERE kind IN ('Ingress', 'IngressRoute', 'HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute')
),
selectors AS (
  SELECT kind, namespace, name, seen_at, selector, list_concat(
    list_transform(map_entries(from_json(pairs, '"MAP(VARCHAR, VARCHAR)"')),
      lambda e: {'key': e.key, 'options': [e.value]}),
    list_transform(list_filter(from_json(asked, '[{"key": "VARCHAR", "operator": "VARCHAR",
        "values": ["VARCHAR"]}]'), lambda x: x.operator IN ('In', 'Exists')),
      lambda x: {'key': x.key, 'options': CASE WHEN x.operator = 'In' THEN x."values" END}),
    list_transform(regexp_extract_all(told, '[^,=\s]+=[^,\s]*'),
      lambda t: {'key': split_part(t, '=', 1), 'options': [split_part(t, '=', 2)]})) AS terms
  FROM (
    SELECT *,
      coalesce(object->'$.spec.podSelector', object->'$.spec.selector') AS selector,
      CASE WHEN kind IN ('Service', 'ReplicationController') THEN object->'$.spec.selector'
        ELSE coalesce(object->'$.spec.podSelector.matchLabels',
          object->'$.spec.selector.matchLabels') END AS pairs,
      coalesce(object->'$.spec.podSelector.matchExpressions',
        object->'$.spec.selector.matchExpressions') AS asked,
      CASE WHEN kind = 'Service' AND object IS NULL THEN described->>'$.Selector' END AS told
    FROM whole
    WHERE kind IN ('Service', 'PodDisruptionBudget', 'NetworkPolicy', 'Deployment', 'StatefulSet',
      'DaemonSet')
  )
),
labelled AS (   -- pods, and what makes pods by what they will be labelled
  SELECT kind, namespace, name,
    CASE WHEN kind = 'Pod' THEN labels ELSE template->'$.metadata.labels' END AS labels
  FROM whole
  WHERE (kind = 'Pod' AND (labels IS NOT NULL OR object IS NOT NULL))
    OR (kind <> 'Pod' AND kind <> 'ReplicaSet' AND template IS NOT NULL)
),
hits AS (
  SELECT t.kind, t.namespace, t.name, l.kind AS to_kind, l.name AS to_name
  FROM (SELECT *, len(terms) AS wanted, unnest(terms) AS term FROM selectors) t
  JOIN (SELECT kind, namespace, name,
      unnest(map_entries(from_json(labels, '"MAP(VARCHAR, VARCHAR)"'))) AS label FROM labelled) l
    ON l.namespace = t.namespace AND l.label.key = t.term.key
      AND (t.term.options IS NULL OR list_contains(t.term.options, l.label.value))
  GROUP BY t.kind, t.namespace, t.name, l.kind, l.name, t.wanted
  HAVING count(*) = t.wanted
),
selected AS (
  SELECT s.kind, s.namespace, s.name, s.seen_at, s.selector::VARCHAR AS detail,
    coalesce(h.to_kind, 'Pod') AS to_kind, h.to_name,
    CASE WHEN h.to_name IS NOT NULL THEN true
      WHEN EXISTS (FROM labelled l WHERE l.namespace = s.namespace) THEN false END AS is_there
  FROM selectors s LEFT JOIN hits h USING (kind, namespace, name)
  WHERE len(s.terms) > 0
),
raw AS (
  SELECT kind, namespace, name, 'mounts' AS relation, m."of" AS to_kind, namespace AS to_namespace,
    m.called AS to_name, unnest(coalesce(nullif(list_transform(m.items, lambda i: i.key), []),
      [NULL])) AS detail, 'key' AS part, coalesce(m.optional, false) AS is_optional, seen_at, is_ready
  FROM mounted WHERE m.called <> ''
  UNION ALL
  SELECT kind, namespace, name, 'uses', u."of", namespace, u.called, u.key, 'key',
    coalesce(u.optional, false), seen_at, is_ready
  FROM used WHERE u.called <> ''
  UNION ALL
  SELECT kind, namespace, name,
    CASE WHEN regexp_matches(part, '^set to|^\S+ +(ConfigMap|Secret) +(with|Optional)')
      THEN 'uses' ELSE 'mounts' END,
    CASE WHEN part LIKE 'ClaimName%' THEN 'PersistentVolumeClaim'
      WHEN regexp_matches(part, '(?i)config ?map') THEN 'ConfigMap' ELSE 'Secret' END,
    namespace,
    coalesce(nullif(regexp_extract(part, '(?:config map|secret) ''([^'']+)''', 1), ''),
      nullif(regexp_extract(part, 'Name: +(\S+)', 1), ''), regexp_extract(part, '^(\S+)', 1)),
    nullif(regexp_extract(part, 'the key ''([^'']+)''', 1), ''), 'key',
    regexp_matches(part, 'Optional\w*: +true'), seen_at, is_ready
  FROM described_parts
  UNION ALL
  SELECT kind, namespace, name, 'runs as', 'ServiceAccount', namespace,
    nullif(p.serviceAccountName, ''), NULL, NULL, false, seen_at, is_ready FROM pods
  UNION ALL
  SELECT kind, namespace, name, 'runs as', 'ServiceAccount', namespace,
    described->>'$."Service Account"', NULL, NULL, false, seen_at, is_ready
  FROM whole WHERE kind = 'Pod' AND object IS NULL
  UNION ALL
  SELECT kind, namespace, name, 'uses', 'PriorityClass', '', nullif(p.priorityClassName, ''),
    NULL, NULL, starts_with(p.priorityClassName, 'system-'), seen_at, is_ready FROM pods
  UNION ALL
  SELECT kind, namespace, name, 'uses', 'RuntimeClass', '', nullif(p.runtimeClassName, ''),
    NULL, NULL, false, seen_at, is_ready FROM pods
  UNION ALL
  SELECT kind, namespace, name, 'uses', 'Secret', namespace, unnest(p.imagePullSecrets).name,
    'image pull', NULL, false, seen_at, is_ready FROM pods
  UNION ALL
  SELECT kind, namespace, name, 'runs on', 'Node', '', nullif(node, ''), NULL, NULL, false, seen_at,
    is_ready
  FROM whole WHERE kind = 'Pod'
  UNION ALL
  SELECT kind, namespace, name, 'lies in', 'Zone', '', zone, NULL, NULL, true, seen_at, NULL
  FROM whole WHERE kind = 'Node'
  UNION ALL
  SELECT owner_kind, CASE WHEN owner_kind = 'Node' THEN '' ELSE namespace END, owner_name, 'owns',
    kind, namespace, name, NULL, NULL, true, seen_at, NULL
  FROM whole WHERE owner_name <> ''
  UNION ALL   -- by its name, where who stands between was not listed
  SELECT maker.kind, maker.namespace, maker.name, 'owns', pod.kind, pod.namespace, pod.name,
    'by its name', NULL, true, pod.seen_at, NULL
  FROM whole pod JOIN whole maker ON maker.namespace = pod.namespace AND maker.name = pod.service
  WHERE pod.kind = 'Pod' AND maker.kind IN ('Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'Rollout')
    AND starts_with(pod.name, maker.name || '-')
    AND NOT EXISTS (FROM whole o WHERE o.kind = pod.owner_kind AND o.namespace = pod.namespace
      AND o.name = pod.owner_name)
  UNION ALL
  SELECT kind, namespace, name, 'scales',
    coalesce(target->>'$.kind', 'Deployment'), namespace, target->>'$.name', NULL, NULL, false,
    seen_at, NULL
  FROM (SELECT *, coalesce(object->'$.spec.scaleTargetRef', object->'$.spec.targetRef') AS target
    FROM whole WHERE kind IN ('HorizontalPodAutoscaler', 'ScaledObject', 'VerticalPodAutoscaler'))
  UNION ALL
  SELECT kind, namespace, name, 'routes to', coalesce(r->>'$.kind', 'Service'),
    coalesce(r->>'$.namespace', namespace), r->>'$.name',
    coalesce(r->>'$.port.number', r->>'$.port.name',
      CASE WHEN json_type(r, '$.port') <> 'OBJECT' THEN r->>'$.port' END), 'port', false, seen_at, NULL
  FROM ports
  UNION ALL
  SELECT kind, namespace, name, 'uses', 'Secret', namespace,
    unnest(json_extract_string(object, '$.spec.tls[*].secretName')), 'tls', NULL, false, seen_at, NULL
  FROM whole WHERE kind = 'Ingress'
  UNION ALL
  SELECT kind, namespace, name, 'uses', 'Secret', coalesce(c->>'$.namespace', namespace),
    c->>'$.name', 'tls', NULL, false, seen_at, NULL
  FROM (SELECT *, unnest(json_extract(object, '$.spec.listeners[*].tls.certificateRefs[*]')) AS c
    FROM whole WHERE kind = 'Gateway')
  UNION ALL
  SELECT kind, namespace, name, 'uses', 'IngressClass', '', coalesce(
    object->>'$.spec.ingressClassName',
    object->>'$.metadata.annotations."kubernetes.io/ingress.class"'), NULL, NULL,
    -- what a managed load balancer takes without any such object
    coalesce(object->>'$.spec.ingressClassName',
      object->>'$.metadata.annotations."kubernetes.io/ingress.class"') IN ('gce', 'gce-internal'),
    seen_at, NULL
  FROM whole WHERE kind = 'Ingress'
  UNION ALL
  SELECT kind, namespace, name, 'uses', 'GatewayClass', '', object->>'$.spec.gatewayClassName',
    NULL, NULL, false, seen_at, NULL
  FROM whole WHERE kind = 'Gateway'
  UNION ALL
  SELECT kind, namespace, name, 'uses', coalesce(g->>'$.kind', 'Gateway'),
    coalesce(g->>'$.namespace', namespace), g->>'$.name', g->>'$.sectionName', NULL, false, seen_at,
    NULL
  FROM (SELECT *, unnest(json_extract(object, '$.spec.parentRefs[*]')) AS g FROM whole)
  UNION ALL
  SELECT kind, namespace, name, 'binds', 'StorageClass', '', nullif(coalesce(
    object->>'$.spec.storageClassName', described->>'$.StorageClass'), ''), NULL, NULL,
    -- a volume that was bound by hand needs no class of its name
    coalesce(object->>'$.spec.volumeName', described->>'$.Volume', '') <> '', seen_at, is_ready
  FROM whole WHERE kind = 'PersistentVolumeClaim'
  UNION ALL
  SELECT kind, namespace, name, 'binds', 'PersistentVolume', '', nullif(coalesce(
    object->>'$.spec.volumeName', described->>'$.Volume'), ''), NULL, NULL, false, seen_at, NULL
  FROM whole WHERE kind = 'PersistentVolumeClaim'
  UNION ALL
  SELECT kind, namespace, name, 'binds', 'StorageClass', '',
    unnest(json_extract_string(object, '$.spec.volumeClaimTemplates[*].spec.storageClassName')),
    NULL, NULL, false, seen_at, is_ready
  FROM whole WHERE kind = 'StatefulSet'
  UNION ALL
  SELECT kind, namespace, name, 'uses', 'Service', namespace, object->>'$.spec.serviceName',
    'headless', NULL, false, seen_at, NULL
  FROM whole WHERE kind = 'StatefulSet'
  UNION ALL
  SELECT kind, namespace, name, 'calls', 'Service', coalesce(c->>'$.namespace', ''), c->>'$.name',
    coalesce(c->>'$.port', '443'), 'port', false, seen_at, NULL
  FROM (SELECT *, unnest(list_concat(
      json_extract(object, '$.webhooks[*].clientConfig.service'),
      [object->'$.spec.conversion.webhook.clientConfig.service',
        CASE WHEN kind = 'APIService' THEN object->'$.spec.service' END])) AS c
    FROM whole WHERE kind IN ('ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration',
      'CustomResourceDefinition', 'APIService'))
  UNION ALL
  SELECT kind, namespace, name, 'grants', object->>'$.roleRef.kind',
    CASE WHEN object->>'$.roleRef.kind' = 'Role' THEN namespace ELSE '' END,
    object->>'$.roleRef.name', NULL, NULL,
    starts_with(object->>'$.roleRef.name', 'system:')
      OR object->>'$.roleRef.name' IN ('cluster-admin', 'admin', 'edit', 'view'), seen_at, NULL
  FROM whole WHERE kind IN ('RoleBinding', 'ClusterRoleBinding')
  UNION ALL
  SELECT kind, namespace, name, 'grants to', 'ServiceAccount', coalesce(s->>'$.namespace', namespace),
    s->>'$.name', NULL, NULL, false, seen_at, NULL
  FROM (SELECT *, unnest(json_extract(object, '$.subjects[*]')) AS s FROM whole
    WHERE kind IN ('RoleBinding', 'ClusterRoleBinding'))
  WHERE s->>'$.kind' = 'ServiceAccount'
  UNION ALL   -- Argo CD
  SELECT kind, namespace, name, 'manages', r->>'$.kind', coalesce(r->>'$.namespace', ''),
    r->>'$.name', r->>'$.status', NULL, false, seen_at, NULL
  FROM (SELECT *, unnest(json_extract(object, '$.status.resources[*]')) AS r FROM whole
    WHERE kind = 'Application')
  UNION ALL
  SELECT kind, namespace, name, 'manages', 'Namespace', '',
    object->>'$.spec.destination.namespace', 'destination', NULL,
    contains(coalesce((object->'$.spec.syncPolicy.syncOptions')::VARCHAR, ''),
      'CreateNamespace=true'), seen_at, NULL
  FROM whole WHERE kind = 'Application'
  UNION ALL   -- who writes a secret: cert-manager, External Secrets, Sealed Secrets
  SELECT kind, namespace, name, 'creates', 'Secret', namespace, CASE kind
      WHEN 'Certificate' THEN object->>'$.spec.secretName'
      WHEN 'ExternalSecret' THEN coalesce(object->>'$.spec.target.name', name) ELSE name END,
    NULL, NULL, true, seen_at, NULL
  FROM whole WHERE kind IN ('Certificate', 'ExternalSecret', 'SealedSecret')
  UNION ALL
  SELECT kind, namespace, name, 'uses', coalesce(s->>'$.kind', of_kind),
    CASE WHEN starts_with(coalesce(s->>'$.kind', of_kind), 'Cluster') THEN '' ELSE namespace END,
    s->>'$.name', NULL, NULL, false, seen_at, NULL
  FROM (SELECT *, coalesce(object->'$.spec.issuerRef', object->'$.spec.secretStoreRef') AS s,
      CASE kind WHEN 'Certificate' THEN 'Issuer' ELSE 'SecretStore' END AS of_kind
    FROM whole WHERE kind IN ('Certificate', 'ExternalSecret'))
),
targets AS (
  SELECT kind, namespace, name,
    CASE WHEN object IS NULL THEN NULL
      WHEN kind IN ('ConfigMap', 'Secret') THEN list_concat(json_keys(object, '$.data'),
        json_keys(object, '$.binaryData'), json_keys(object, '$.stringData'))
      WHEN kind = 'Service' AND object->>'$.spec.type' IS DISTINCT FROM 'ExternalName' THEN
        list_concat(json_extract_string(object, '$.spec.ports[*].port'),
          json_extract_string(object, '$.spec.ports[*].name')) END AS parts
  FROM whole
),
judged AS (
  SELECT r.* EXCLUDE (part, is_optional, is_ready),
    CASE
      WHEN r.to_kind = 'Zone' THEN NULL
      WHEN t.name IS NOT NULL THEN CASE
        WHEN r.part IS NULL OR r.detail IS NULL OR t.parts IS NULL
          OR list_contains(t.parts, r.detail) THEN true
        WHEN r.is_optional THEN true
        WHEN r.is_ready THEN NULL
        ELSE false END
      WHEN r.is_optional OR (r.to_kind = 'ServiceAccount' AND r.to_name = 'default')
        OR (r.to_kind = 'ConfigMap' AND r.to_name IN ('kube-root-ca.crt',
          'openshift-service-ca.crt')) THEN true
      WHEN r.is_ready THEN NULL
      WHEN l.kind IS NOT NULL THEN false END AS is_there,
    CASE WHEN t.name IS NULL THEN 'object' ELSE r.part END AS missing
  FROM raw r
  LEFT JOIN targets t
    ON t.kind = r.to_kind AND t.namespace = r.to_namespace AND t.name = r.to_name
  LEFT JOIN (SELECT DISTINCT kind, namespace FROM whole) l
    ON l.kind = r.to_kind AND l.namespace = r.to_namespace
  WHERE r.to_name <> '' AND r.name <> '' AND r.to_kind <> ''
)
SELECT DISTINCT kind, namespace, name, relation, to_kind, to_namespace, to_name, detail, is_there,
  CASE WHEN NOT is_there THEN missing END AS missing, seen_at
FROM judged
UNION ALL
SELECT kind, namespace, name, 'selects', to_kind, namespace, to_name, detail, is_there,
  CASE WHEN NOT is_there THEN 'match' END, seen_at
FROM selected
WHERE (kind, name) IS DISTINCT FROM (to_kind, to_name)
