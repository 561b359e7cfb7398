-- name: journald
-- reads: json
-- class: log_record
-- product: systemd / journald
-- sniff: "__REALTIME_TIMESTAMP"\s*:
-- https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format
-- What `journalctl -o json` prints. A message that is an array is one of bytes. A message that is
-- JSON is told as json_log would, and its own level goes before PRIORITY.
WITH entries AS (
  SELECT position, ingested_at, doc,
    from_json(doc, '{"__REALTIME_TIMESTAMP": "VARCHAR", "_SOURCE_REALTIME_TIMESTAMP": "VARCHAR",
      "__CURSOR": "VARCHAR", "PRIORITY": "VARCHAR", "MESSAGE": "VARCHAR", "_HOSTNAME": "VARCHAR",
      "SYSLOG_IDENTIFIER": "VARCHAR", "_SYSTEMD_UNIT": "VARCHAR", "_PID": "VARCHAR",
      "SYSLOG_FACILITY": "VARCHAR", "_EXE": "VARCHAR", "CODE_FILE": "VARCHAR",
      "CODE_LINE": "VARCHAR", "CODE_FUNC": "VARCHAR", "CONTAINER_NAME": "VARCHAR",
      "CONTAINER_ID_FULL": "VARCHAR", "IMAGE_NAME": "VARCHAR"}') AS j,
    CASE WHEN json_type(doc, '/MESSAGE') = 'ARRAY' THEN from_json(doc->'MESSAGE', '["UTINYINT"]')
      END                                                 AS bytes
  FROM raw
),
texts AS (
  SELECT *,
    coalesce(try(decode(unhex(array_to_string(list_transform(bytes,
      lambda b: lpad(to_hex(b), 2, '0')), '')))), j."MESSAGE") AS text,
    regexp_extract(j."CONTAINER_NAME", '^k8s_([^_]+)_([^_]+)_([^_]+)_([^_]+)_',
      ['container', 'pod', 'namespace', 'uid'])           AS k
  FROM entries
),
found AS (SELECT *, json_found(object_in(text)) AS f FROM texts),
firsts AS (SELECT *, json_firsts(f) AS i FROM found),
told AS (
  SELECT *, json_told(f, i) AS t, exception_in(coalesce(f.stack[i.stack], text)) AS e
  FROM firsts
),
leveled AS (
  SELECT *, coalesce(t.level, level_in(text), syslog_severity(j."PRIORITY")) AS level
  FROM told
)
SELECT
  position,
  ingested_at,
  coalesce(any_time(t."at"), any_time(j."_SOURCE_REALTIME_TIMESTAMP"),
    any_time(j."__REALTIME_TIMESTAMP"))                   AS "time",
  finer_ns(t."at")                                        AS time_ns,
  1                                                       AS activity_id,
  told_severity_id(level)                                 AS severity_id,
  0                                                       AS status_id,
  coalesce(t.message, without_trace(text, e.stacktrace))  AS message,
  {'uid': j."__CURSOR"}                                   AS metadata,
  {'service': coalesce(t.service, CASE WHEN coalesce(k.pod, '') = '' THEN coalesce(
      j."CONTAINER_NAME", nullif(regexp_extract(j."_SYSTEMD_UNIT", '^(.*)\.service$', 1), ''),
      j."SYSLOG_IDENTIFIER") END),
   'version': coalesce(t."version", image_version(j."IMAGE_NAME")),
   'pod': coalesce(nullif(k.pod, ''), t.pod), 'node': j."_HOSTNAME",
   'namespace': coalesce(nullif(k."namespace", ''), t."namespace")} AS workload,
  level                                                   AS severity,
  t.trace_uid                                             AS trace_uid,
  t.span_uid                                              AS span_uid,
  t.scope                                                 AS scope,
  told_exception(t, e)                                    AS exception,
  filled(json_merge_patch(
    coalesce(untold(object_in(text), t), '{}'),
    to_json({
      'process.pid': j."_PID", 'process.executable.path': j."_EXE",
      'syslog.facility': syslog_facility((try_cast(j."SYSLOG_FACILITY" AS INT) * 8)::VARCHAR),
      'code.file.path': j."CODE_FILE", 'code.line.number': try_cast(j."CODE_LINE" AS INT),
      'code.function.name': j."CODE_FUNC", 'container.name': coalesce(nullif(k.container, ''),
        j."CONTAINER_NAME"), 'container.id': j."CONTAINER_ID_FULL",
      'container.image.name': j."IMAGE_NAME", 'k8s.pod.uid': nullif(k.uid, '')}))) AS attributes,
  filled(json_merge_patch(json_merge_patch(doc, '{"MESSAGE": null, "__CURSOR": null,
    "_HOSTNAME": null, "_PID": null, "_EXE": null, "SYSLOG_FACILITY": null, "CODE_FILE": null,
    "CODE_LINE": null, "CODE_FUNC": null, "CONTAINER_ID_FULL": null, "IMAGE_NAME": null}'),
    to_json({'record_time': unread_time(t)})))            AS unmapped,
  CASE WHEN j."__REALTIME_TIMESTAMP" IS NULL THEN 'the document is no entry of journald' END
                                                          AS problem
FROM leveled
