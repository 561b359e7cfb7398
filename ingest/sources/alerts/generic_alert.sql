-- name: generic_alert
-- reads: yaml
-- class: detection_finding
-- product: Generic / Alert
-- sniff: (?:^[ \t]*-?[ \t]*|")(?:title|alert|alert_?[nN]ame|aggregation_key|issue_type|ask|question)"?[ \t]*:
-- sniff: (?:^[ \t]*-?[ \t]*|")(?:subject|subject_name|labels|commonLabels|annotations|commonAnnotations|starts?_?[aA]t|active_?[aA]t|fired_?[aA]t|alert_source|alert|alert_?[nN]ame|fingerprint|generatorURL|resource"[ \t]*:[ \t]*\{|monitor_?[iI]d)"?[ \t]*:?
-- over: json_log text_log plain_log logfmt
-- generic: yes
-- An alert of any tool, in JSON, in YAML or as `key: value`: what Alertmanager, Prometheus and
-- Robusta tell and what looks like it, alone or in a list, and the rule of an alert. It has a name
-- (`alertname`, `title`, `alert`), perhaps a description, labels, annotations, a subject (or a
-- resource) and a time; without one its time is that of the file's capture (`undated`). An alert
-- says whom it is about by its subject, else by its labels; those of an exporter are not its.
WITH documents AS (
  SELECT position, captured_at, ingested_at, doc, unnest(CASE
    WHEN json_type(doc) = 'ARRAY' THEN doc->'$[*]'
    WHEN json_type(doc, '$.alerts') = 'ARRAY' THEN doc->'$.alerts[*]'
    WHEN json_type(doc, '$.data.alerts') = 'ARRAY' THEN doc->'$.data.alerts[*]'
    WHEN json_type(doc, '$.spec.groups') = 'ARRAY' THEN doc->'$.spec.groups[*].rules[*]'
    WHEN json_type(doc, '$.groups') = 'ARRAY' THEN doc->'$.groups[*].rules[*]'
    ELSE [doc] END) AS one
  FROM raw
),
opened AS (   -- what a tool keeps of the alert as it came is the alert
  SELECT *,
    merged([doc->'$.commonLabels', one->'$.commonLabels', one->'$.raw.labels', one->'$.alert.labels',
      one->'$.labels'])                                    AS labels,
    merged([doc->'$.commonAnnotations', one->'$.commonAnnotations', one->'$.raw.annotations',
      one->'$.alert.annotations', one->'$.annotations'])   AS annotations
  FROM documents
),
listed AS (
  SELECT *,
    list_filter(json_extract_string(one, ['/title', '/alertname', '/alert_name', '/alertName',
      '/name', '/rule_name', '/monitor_name', '/aggregation_key', '/context/issue_type']),
      lambda v: v <> '')                                   AS names,
    list_concat(json_extract_string(one, ['/description', '/message', '/details', '/text', '/body',
      '/summary', '/ask', '/question']), json_extract_string(annotations, ['/description',
      '/message', '/summary', '/error'])).list_filter(lambda v: v <> '') AS descriptions,
    list_filter(json_extract_string(one, ['/startsAt', '/starts_at', '/activeAt', '/active_at',
      '/firedAt', '/fired_at', '/triggered_at', '/triggeredAt', '/started_at', '/startedAt',
      '/raw/startsAt', '/alert/startsAt', '/timestamp', '/time', '/date', '/created_at',
      '/createdAt', '/creation_date']), lambda v: any_time(v) > TIMESTAMPTZ '1990-01-01 00:00Z')
                                                           AS begins,
    list_filter(json_extract_string(one, ['/resolved_at', '/resolvedAt', '/endsAt', '/ends_at',
      '/raw/endsAt', '/alert/endsAt', '/updated_at', '/updatedAt']),
      lambda v: any_time(v) > TIMESTAMPTZ '1990-01-01 00:00Z') AS ends,
    lower(coalesce(one->>'$.status.state', one->>'$.status', one->>'$.state', one->>'$.raw.status',
      one->>'$.alert.status', doc->>'$.status'))           AS state,
    list_filter([labels->>'$.severity', one->>'$.severity', one->>'$.priority', one->>'$.level'],
      lambda v: v <> '')                                   AS severities,
    coalesce(one->'$.subject', one->'$.resource')          AS subject
  FROM opened
),
named AS (
  SELECT *,
    coalesce(labels->>'$.alertname', CASE WHEN json_type(one, '$.alert') = 'VARCHAR'
      THEN one->>'$.alert' END, names[1], CASE WHEN subject IS NOT NULL THEN descriptions[1] END)
                                                           AS title,
    lower(coalesce(subject->>'$.kind', subject->>'$.subject_type', subject->>'$.type',
      one->>'$.subject_type', one->>'$.subject_kind'))     AS kind,
    coalesce(subject->>'$.name', one->>'$.subject_name')   AS subject_name,
    regexp_matches(concat_ws(' ', labels->>'$.job', labels->>'$.service'),
      '(?i)kube-state-metrics|node-exporter|cadvisor|blackbox')  AS is_exporter
  FROM listed
),
who AS (
  SELECT *, json_extract_string(labels, ['/pod', '/kube_pod', '/pod_name', '/kubernetes_pod_name'])
      .list_concat(json_extract_string(annotations, ['/kube_pod', '/pod', '/pod_name']))
      .list_filter(lambda v: v <> '')[1]                   AS pod,
    json_extract_string(labels, ['/deployment', '/statefulset', '/daemonset', '/kube_deployment',
      '/kube_stateful_set', '/kube_daemon_set', '/workload', '/workload_name', '/owner_name',
      '/job_name', '/cronjob', '/horizontalpodautoscaler', '/db_instance_identifier',
      '/dbinstanceidentifier', '/db_instance'])
      .list_concat(json_extract_string(annotations, ['/kube_deployment', '/deployment',
        '/db_instance_identifier', '/db_instance', '/dbinstance_identifier']))
      .list_filter(lambda v: v <> '')[1]                   AS workload_name,
    CASE WHEN NOT is_exporter THEN json_extract_string(labels, ['/service', '/service_name', '/app',
      '/app_kubernetes_io_name', '/application', '/destination_service_name', '/job'])
      .list_concat([one->>'$.service', one->>'$.service_name'])
      .list_filter(lambda v: v <> '')[1] END               AS service
  FROM named
),
placed AS (
  SELECT *,
    any_time(begins[1])                                    AS begun_at,
    state IN ('resolved', 'ok', 'normal', 'inactive', 'closed', 'recovered', 'cleared')
                                                           AS is_resolved,
    CASE WHEN is_resolved THEN coalesce(any_time(ends[1]), begun_at) ELSE begun_at END AS "at"
  FROM who
)
SELECT
  position,
  ingested_at,
  coalesce("at", captured_at)                              AS "time",
  CASE WHEN is_resolved THEN 3 ELSE 1 END                  AS activity_id,
  coalesce(nullif(alert_severity_id(severities[1]), 0), priority_severity_id(severities[1]))
                                                           AS severity_id,
  CASE WHEN is_resolved THEN 4 WHEN state IN ('suppressed', 'silenced', 'muted') THEN 3 ELSE 1 END
                                                           AS status_id,
  coalesce(nullif(names[1], ''), descriptions[1], title)   AS message,
  {'service': coalesce(CASE WHEN kind NOT IN ('pod', 'node', 'namespace') THEN subject_name END,
      workload_name, CASE WHEN kind IN ('pod', 'node') OR pod <> '' THEN NULL ELSE service END),
   'pod': coalesce(CASE WHEN kind = 'pod' THEN subject_name END, pod),
   'node': coalesce(CASE WHEN kind = 'node' THEN subject_name END, subject->>'$.node',
     one->>'$.subject_node', labels->>'$.node', labels->>'$.kube_node', labels->>'$.nodename'),
   'namespace': coalesce(CASE WHEN kind = 'namespace' THEN subject_name END,
     subject->>'$.namespace', one->>'$.subject_namespace', one->>'$.namespace',
     labels->>'$.exported_namespace', labels->>'$.namespace', labels->>'$.kube_namespace',
     annotations->>'$.kube_namespace'),
   'cluster': coalesce(subject->>'$.cluster', one->>'$.cluster', labels->>'$.cluster',
     labels->>'$.cluster_name', labels->>'$.kube_cluster_name'),
   'region': coalesce(labels->>'$.region', annotations->>'$.cloudwatch_region'),
   'zone': labels->>'$.zone'}                              AS workload,
  {'uid': coalesce(one->>'$.fingerprint', one->>'$.id', one->>'$.raw.fingerprint',
     'sha256:' || sha256(concat_ws(' ', title, sorted_object(labels), subject))),
   'title': title, 'desc': descriptions[1], 'first_seen_time': begun_at,
   'last_seen_time': CASE WHEN is_resolved THEN "at" END,
   'src_url': list_filter(json_extract_string(one, ['/generatorURL', '/generator_url', '/url',
     '/raw/generatorURL']), lambda v: v LIKE 'http%')[1]}  AS finding_info,
  filled({'labels': nullif(labels, '{}'), 'annotations': nullif(annotations, '{}'),
    'subject': subject})                                   AS attributes,
  filled({'alert': json_merge_patch(one, '{"labels": null, "annotations": null, "subject": null,
      "commonLabels": null, "commonAnnotations": null}'),
    'undated': CASE WHEN "at" IS NULL THEN true END})      AS unmapped,
  CASE
    WHEN one IS NULL THEN ''
    WHEN json_type(one) <> 'OBJECT' OR title IS NULL OR (labels->>'$.alertname' IS NULL
        AND json_exists(one, '$.alert') IS NOT true AND coalesce(subject_name, state, severities[1],
          begins[1], kind, one->>'$.source', one->>'$.alertname') IS NULL)
      THEN 'the document is no alert: it has no name, or nothing that an alert has'
  END                                                      AS problem
FROM placed
