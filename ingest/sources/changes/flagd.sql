-- name: flagd
-- reads: json
-- class: application_lifecycle log_record
-- product: OpenFeature / flagd
-- sniff: "msg":\s*"(filepath event|kube sync notifier event|watching filepath|store resync triggered):
-- https://flagd.dev/reference/monitoring/
-- https://github.com/open-feature/flagd/tree/main/core/pkg/sync
-- Log lines of flagd (0.4 and later, `--log-format json`). That a file or a resource of flag
-- definitions was written, or a flag deleted, is a change of kind flag; which of its flags changed
-- flagd does not say. Every other line is a log record.
WITH told AS (
  SELECT position, ingested_at, doc, from_json(doc, '{"level": "VARCHAR", "ts": "VARCHAR",
      "caller": "VARCHAR", "logger": "VARCHAR", "msg": "VARCHAR", "component": "VARCHAR",
      "stacktrace": "VARCHAR", "error": "VARCHAR"}')       AS l
  FROM raw
),
named AS (
  SELECT *,
    regexp_extract(l.msg, '^filepath event: (.+) "?([A-Z|]+)"?$', ['name', 'event']) AS file,
    regexp_extract(l.msg, '^kube sync notifier event: (add|update|delete):? (.+)$',
      ['event', 'name'])                                   AS resource,
    regexp_extract(l.msg, '^store resync triggered: flag (.+) has been deleted from source (.+)$',
      ['flag', 'source'])                                  AS deleted
  FROM told
),
changes AS (
  SELECT *,
    coalesce(nullif(file.name, ''), nullif(resource.name, ''), nullif(deleted.source, ''))
                                                           AS source,
    coalesce(nullif(file.event, ''), upper(nullif(resource.event, '')),
      CASE WHEN deleted.flag <> '' THEN 'DELETE' END)      AS event,
    source IS NOT NULL AND event NOT IN ('CHMOD', 'ADD')   AS is_change,
    source || '@' || l.ts                                  AS uid
  FROM named
)
SELECT
  position,
  ingested_at,
  any_time(l.ts)                                           AS "time",
  CASE WHEN is_change THEN 'application_lifecycle' ELSE 'log_record' END AS class_name,
  CASE WHEN NOT is_change THEN 1 WHEN deleted.flag <> '' OR event = 'DELETE' THEN 2 ELSE 8
  END                                                      AS activity_id,
  level_severity_id(l.level)                               AS severity_id,
  CASE WHEN NOT is_change THEN l.level END                 AS severity,
  CASE WHEN is_change THEN 1 END                           AS status_id,
  l.msg                                                    AS message,
  CASE WHEN is_change THEN {'uid': uid, 'correlation_uid': uid} END AS metadata,
  {'service': 'flagd'}                                     AS workload,
  CASE WHEN is_change THEN {'name': 'flagd', 'feature': {'name': nullif(deleted.flag, '')}}
  END                                                      AS app,
  CASE WHEN is_change THEN {'uid': uid, 'kind': 'flag', 'state': 'success'} END AS change,
  CASE WHEN NOT is_change THEN coalesce(l.logger, l.component) END AS scope,
  CASE WHEN NOT is_change THEN {'message': l.error, 'stacktrace': l.stacktrace} END AS exception,
  CASE WHEN NOT is_change THEN filled(json_merge_patch(doc, '{"level": null, "ts": null,
    "msg": null, "logger": null, "stacktrace": null, "error": null}')) END AS attributes,
  CASE WHEN is_change THEN filled({'source': source, 'event': event, 'component': l.component,
    'caller': l.caller}) END                               AS unmapped,
  CASE WHEN l.msg IS NULL OR l.level IS NULL THEN 'the document is no log line of flagd'
  END                                                      AS problem
FROM changes
