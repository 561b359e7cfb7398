-- name: kubernetes_describe
-- reads: text
-- class: kubernetes_object kubernetes_event
-- product: Kubernetes / Kubernetes
-- sniff: ^(?:[ "]{0,2}Name: {2,}\S| *Type {2,}Reason {2,}Age )
-- sniff: ^ *(?:Namespace:|Labels:|Roles:|Annotations:|Type {2,}Reason {2,}Age )
-- https://kubernetes.io/docs/reference/kubectl/generated/kubectl_describe/
-- What `kubectl describe` prints, of one object or of many, or the events of it alone. It does not
-- say of what kind an object is: its fields do. The time of an object is the latest that it tells,
-- with the zone that it names; that of an event is the capture less its age, to the age's precision
-- (`relative`). What a ConfigMap holds is kept as a digest.
WITH texts AS (
  SELECT position, captured_at, ingested_at, array_to_string(list_transform(
    string_split(text, chr(10) || 'Data' || chr(10) || '====' || chr(10)),
    lambda part, i: CASE WHEN i = 1 THEN part ELSE digested(part) END), chr(10)) AS text
  FROM raw
),
sections AS (   -- an object begins with its name
  SELECT position, captured_at, ingested_at, unnest(string_split(regexp_replace(
    regexp_replace(text, '(?m)^(?:stdout:|stderr:|kubectl .*|\$ .*|# .*)$', '', 'g'),
    '(?m)^[ "]{0,2}(Name: {2,})', chr(1) || '\1', 'g'), chr(1))) AS section
  FROM texts
),
blocks AS (     -- a field begins where a line does
  SELECT *, list_transform(
    string_split(regexp_replace(trim(section, chr(10)), '\n([^\s"])', chr(2) || '\1', 'g'), chr(2)),
    lambda b: {'key': regexp_extract(b, '^([^:\n]+)', 1),
      'value': trim(regexp_replace(b, '^[^:\n]+:?', ''), chr(10) || ' ')}) AS fields
  FROM sections
  WHERE trim(section, chr(10) || ' "') <> ''
),
parsed AS (
  SELECT *,
    described(fields, 'Name')                              AS name,
    described(fields, 'Namespace')                         AS "namespace",
    kind_of_description(list_transform(fields, lambda f: f.key), section) AS kind,
    nullif(regexp_extract(described(fields, 'Controlled By'), '^(\w+)/', 1), '') AS owner_kind,
    regexp_extract(described(fields, 'Controlled By'), '/(\S+)', 1) AS owner_name,
    regexp_extract_all(described(fields, 'Labels'), '(?:^|\n)\s*(\S+=\S*)', 1) AS labels,
    regexp_extract_all(
      concat(' ', described(fields, 'Containers'), described(fields, 'Pod Template')),
      '\n\s+Image: +(\S+)', 1)                             AS images,
    list_transform(
      list_filter(string_split(regexp_replace(chr(10) || '  ' || described(fields, 'Containers'),
        '\n  (\S+):[ ]*\n', chr(2) || '\1' || chr(10), 'g'), chr(2)), lambda c: trim(c) <> ''),
      lambda c: described_container(c))                    AS containers,
    coalesce(list_transform(
        list_filter(string_split(described(fields, 'Conditions'), chr(10)),
          lambda l: regexp_matches(l, ' (?:True|False|Unknown)\b')),
        lambda l: described_condition(regexp_split_to_array(trim(l), ' {2,}'))),
      nullif(nested_conditions(described(fields, 'Status')), [])) AS conditions,
    try_cast(coalesce(
      nullif(regexp_extract(described(fields, 'Replicas'), '(\d+) desired', 1), ''),
      described(fields, 'Desired Number of Nodes Scheduled')) AS INT) AS desired,
    try_cast(coalesce(
      nullif(regexp_extract(described(fields, 'Replicas'), '(\d+) available', 1), ''),
      nullif(regexp_extract(described(fields, 'Pods Status'), '(\d+) Running', 1), ''),
      described(fields, 'Number of Nodes Scheduled with Available Pods')) AS INT) AS available,
    regexp_extract(described(fields, 'Pods Statuses'), '(\d+) Failed', 1) AS failed,
    regexp_extract(described(fields, 'Status'), '^(\w+)(?:[^\w:]|$)', 1) AS status,
    list_max(list_transform(regexp_extract_all(
      regexp_replace(section, '(?m)^CreationTimestamp:.*$', ''),
      '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}'),
      lambda t: any_time(t)))                              AS changed_at,
    list_transform(
      list_filter(string_split(section, chr(10)),
        lambda l: regexp_matches(l, '^\s*(?:Normal|Warning) {2,}\S+ {2,}\S')),
      lambda l: regexp_split_to_array(trim(l), ' {2,}'))   AS events
  FROM blocks
),
judged AS (
  SELECT *,
    list_filter(conditions, lambda c: is_bad_condition(kind, c)) AS bad,
    coalesce(kubernetes_maker(owner_kind, CASE WHEN owner_kind <> 'Node' THEN owner_name END),
      CASE WHEN kind <> 'Pod' THEN kubernetes_service(kind, name) END,
      labelled(labels, 'app.kubernetes.io/name'), labelled(labels, 'app'),
      labelled(labels, 'k8s-app'))                         AS service,
    list_concat(
      CASE WHEN status IN ('Failed', 'Unknown', 'Lost')
          OR (status = 'Pending' AND kind = 'PersistentVolumeClaim')
        THEN [concat_ws(': ', 'phase is ' || status, described(fields, 'Reason'),
          described(fields, 'Message'))] END,
      CASE WHEN available < desired
        THEN [available || ' of ' || desired || ' replicas are available'] END,
      CASE WHEN status IS DISTINCT FROM 'Succeeded'
        THEN list_transform(containers, lambda c: container_ill(c)) END,
      list_transform(bad, lambda c: told_condition(c)),
      CASE WHEN try_cast(failed AS INT) > 0 THEN ['pods failed: ' || failed] END)
      .list_filter(lambda said: said IS NOT NULL)          AS ills,
    list_concat(
      list_transform(containers, lambda c: container_past(c)),
      CASE WHEN described(fields, 'Unschedulable') = 'true' THEN ['it is cordoned'] END)
      .list_filter(lambda said: said IS NOT NULL)          AS cautions
  FROM parsed
),
states AS (
  SELECT
    position,
    ingested_at,
    'kubernetes_object'                                    AS class_name,
    least(coalesce(changed_at, CASE WHEN conditions IS NULL AND available IS NULL
      THEN any_time(described(fields, 'CreationTimestamp')) END, captured_at), captured_at)
                                                           AS "time",
    1                                                      AS activity_id,
    CASE WHEN len(ills) > 0 THEN 4 WHEN len(cautions) > 0 THEN 3 ELSE 1 END AS severity_id,
    CASE WHEN len(ills) > 0 THEN 2
      WHEN conditions IS NOT NULL OR status <> '' OR available IS NOT NULL THEN 1 ELSE 0 END
                                                           AS status_id,
    concat_ws(': ', concat_ws(' ', kind, concat_ws('/', "namespace", name)),
      nullif(array_to_string(list_concat(ills, cautions), '; '), '')) AS message,
    {'logged_time': epoch_ms(captured_at)}                 AS metadata,
    {'service': service,
     'version': image_version(coalesce(
       list_filter(containers, lambda c: c.name = service)[1].image, images[1])),
     'pod': CASE WHEN kind = 'Pod' THEN name END,
     'node': CASE WHEN kind = 'Node' THEN name
       WHEN kind = 'Pod' THEN split_part(described(fields, 'Node'), '/', 1) END,
     'namespace': CASE WHEN kind = 'Namespace' THEN name ELSE "namespace" END,
     'zone': labelled(labels, 'topology.kubernetes.io/zone'),
     'region': labelled(labels, 'topology.kubernetes.io/region')} AS workload,
    {'kind': kind, 'name': name, 'namespace': "namespace",
     'created_time': any_time(coalesce(described(fields, 'CreationTimestamp'),
       described(fields, 'Start Time'))),
     'owner': {'kind': owner_kind, 'name': nullif(owner_name, '')}} AS object,
    nullif(status, '')                                     AS phase,
    coalesce(list_filter(conditions, lambda c: c.type IN ('Ready', 'Available'))
      .list_transform(lambda c: c.status = 'True')[1], available >= desired) AS is_ready,
    coalesce(
      list_filter(containers, lambda c: c.state.waiting.reason <> '')[1].state.waiting.reason,
      described(fields, 'Reason'), bad[1].reason)          AS reason,
    {'desired': desired, 'available': available,
     'current': regexp_extract(described(fields, 'Replicas'), '(\d+) (?:total|current)', 1),
     'updated': regexp_extract(described(fields, 'Replicas'), '(\d+) updated', 1)} AS replicas,
    list_sum(list_transform(containers, lambda c: c.restartCount))::BIGINT AS restart_count,
    nullif(images, [])                                     AS images,
    to_json(list_transform(conditions, lambda c: filled(c)::JSON))::VARCHAR AS conditions,
    to_json(list_transform(containers, lambda c: filled(c)::JSON))::VARCHAR AS container_states,
    filled(map_from_entries(nullif(list_transform(labels, lambda l:
      {'key': split_part(l, '=', 1), 'value': regexp_extract(l, '=(.*)', 1)}), []))) AS attributes,
    filled({
      'described': map_from_entries(list_transform(list_filter(fields, lambda f, i:
        f.key NOT IN ('Events', 'Labels', 'Conditions')
        AND list_position(list_transform(fields, lambda g: g.key), f.key) = i),
        lambda f: {'key': f.key, 'value': f.value})),
      'undated': CASE WHEN changed_at IS NULL THEN true END}) AS unmapped,
    CASE WHEN name IS NULL THEN CASE WHEN len(events) > 0 THEN ''
      ELSE 'the text describes no object: ' || left(trim(section, chr(10)), 80) END END AS problem
  FROM judged
),
listed AS (
  SELECT *, unnest(events) AS e FROM judged
),
reports AS (
  SELECT
    position,
    ingested_at,
    'kubernetes_event'                                     AS class_name,
    time_before(captured_at, event_ages(e[3])."last")      AS "time",
    1                                                      AS activity_id,
    event_severity_id(e[1])                                AS severity_id,
    0                                                      AS status_id,
    nullif(array_to_string(e[5:], '  '), '')               AS message,
    {'logged_time': epoch_ms(captured_at)}                 AS metadata,
    event_workload(kind, "namespace", name,
      split_part(described(fields, 'Node'), '/', 1))       AS workload,
    {'kind': kind, 'name': name, 'namespace': "namespace"} AS object,
    e[2]                                                   AS reason,
    e[1]                                                   AS event_type,
    try_cast(event_ages(e[3]).count AS BIGINT)             AS count,
    time_before(captured_at, coalesce(nullif(event_ages(e[3])."first", ''),
      event_ages(e[3])."last"))                            AS first_seen_time,
    time_before(captured_at, event_ages(e[3])."last")      AS last_seen_time,
    e[4]                                                   AS reporting_controller,
    filled({'age': e[3], 'relative': true})                AS unmapped,
    CASE WHEN age_seconds(event_ages(e[3])."last") IS NULL
      THEN 'the event tells no age that can be read: ' || array_to_string(e[:3], ' ') END AS problem
  FROM listed
)
FROM states UNION ALL BY NAME FROM reports
