-- name: cluster_autoscaler
-- reads: text
-- class: log_record application_lifecycle
-- product: Kubernetes / Cluster Autoscaler
-- sniff: (?:\b(?:static_autoscaler|scale_up|scale_down|orchestrator|executor|actuator|planner|eligibility|clusterstate|auto_scaling_groups|event_sink_logging_wrapper)\.go:\d+\]|"caller":"\w+/(?:static_autoscaler|orchestrator|actuator|planner)\.go)
-- https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md
-- klog's lines, or its JSON (--logging-format=json). Every line is a log record; the setting of a
-- group's size and the removal of a node are changes of kind node as well. klog writes neither year
-- nor zone: the time is that before the line (kubectl logs --timestamps, CRI), else klog's in UTC,
-- as a container has it, in the year before the file's capture (`year` is `inferred`).
WITH numbered AS (
  SELECT position, captured_at, ingested_at, unnest(string_split(text, chr(10))) AS line,
    unnest(range(1, len(string_split(text, chr(10))) + 1)) AS number
  FROM raw
),
parsed AS (
  SELECT *,
    regexp_extract(line, '^(?:(\d{4}-\d\d-\d\dT\S+) )?(?:std(?:out|err) [FP] )?'
      || '(?:([IWEF])(\d{4} \d\d:\d\d:\d\d\.\d+) +(\d+) ([^\]]+)\] )?(.*)$',
      ['at', 'level', 'when', 'thread', 'caller', 'said']) AS p
  FROM numbered
  WHERE trim(line) <> ''
),
decoded AS (
  SELECT *, CASE WHEN p.said LIKE '{%' AND json_valid(p.said) THEN from_json(p.said,
      '{"ts": "VARCHAR", "caller": "VARCHAR", "msg": "VARCHAR", "v": "INTEGER", "err": "VARCHAR"}')
    END                                                    AS j
  FROM parsed
),
read AS (
  SELECT *,
    coalesce(j.msg, p.said)                                AS said,
    coalesce(nullif(p.level, ''), CASE WHEN j.err IS NOT NULL THEN 'E' WHEN j.msg IS NOT NULL
      THEN 'I' END)                                        AS level,
    klog_time(p."when", captured_at)                       AS klog_at,
    coalesce(any_time(nullif(p."at", '')), any_time(j.ts), klog_at) AS "at",
    regexp_extract(said, '^Scale-up: (?:setting )?group (\S+) size (?:set )?to (\d+)',
      ['name', 'size'])                                    AS grown,
    regexp_extract(said, '^Scale-down: removing (?:empty )?node (?:"|)([^\s",]+)', 1) AS removed
  FROM decoded
),
rows AS (
  SELECT *, unnest(CASE WHEN grown.name <> '' OR removed <> ''
    THEN ['log_record', 'application_lifecycle'] ELSE ['log_record'] END) AS class_name
  FROM read
)
SELECT
  position,
  ingested_at,
  class_name,
  "at"                                                     AS "time",
  CASE WHEN class_name = 'log_record' THEN 1 WHEN removed <> '' THEN 2 ELSE 1 END AS activity_id,
  CASE WHEN class_name = 'log_record' THEN level_severity_id(level) ELSE 1 END AS severity_id,
  CASE WHEN class_name = 'log_record' THEN level END       AS severity,
  0                                                        AS status_id,
  said                                                     AS message,
  {'service': CASE WHEN class_name = 'log_record' THEN 'cluster-autoscaler' END,
   'node': nullif(removed, '')}                            AS workload,
  CASE WHEN class_name = 'log_record' THEN coalesce(nullif(p.caller, ''), j.caller) END AS scope,
  CASE WHEN class_name = 'log_record' THEN {'message': j.err} END AS exception,
  CASE WHEN class_name = 'log_record' AND j.msg IS NOT NULL THEN nullif(json_merge_patch(p.said,
    '{"ts": null, "caller": null, "msg": null, "err": null}')::VARCHAR, '{}') END AS attributes,
  CASE WHEN class_name = 'application_lifecycle'
    THEN {'name': coalesce(nullif(grown.name, ''), removed)} END AS app,
  CASE WHEN class_name = 'application_lifecycle' THEN {
    'uid': CASE WHEN removed <> '' THEN 'scale-down/' || removed
      ELSE concat_ws('/', 'scale-up', grown.name, grown.size) END,
    'kind': 'node', 'state': 'in_progress', 'revision': nullif(grown.size, '')} END AS change,
  filled({'thread': nullif(p.thread, ''),
    'year': CASE WHEN "at" = klog_at AND p."at" = '' THEN 'inferred' END}) AS unmapped,
  CASE WHEN level IS NULL AND p."at" = '' OR "at" IS NULL
    THEN 'line ' || number || ' is none that klog writes: ' || left(line, 80) END AS problem
FROM rows
