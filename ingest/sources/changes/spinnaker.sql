-- name: spinnaker
-- reads: json
-- class: application_lifecycle
-- product: Spinnaker / Spinnaker
-- sniff: "(pipelineConfigId|orca:pipeline:[a-z]+)"
-- https://spinnaker.io/docs/reference/api/docs.html
-- https://spinnaker.io/docs/setup/other_config/features/notifications/
-- Executions of pipelines as Gate's REST API lists them, and as Echo's webhooks wrap them. Each
-- tells when it was asked for, began and ended, as far as it has come.
WITH bodies AS (
  SELECT position, ingested_at, doc, coalesce(doc->'$.content.execution', doc) AS told FROM raw
),
executions AS (
  SELECT *, from_json(told, '{"id": "VARCHAR", "application": "VARCHAR", "name": "VARCHAR",
      "status": "VARCHAR", "pipelineConfigId": "VARCHAR", "buildTime": "VARCHAR",
      "startTime": "VARCHAR", "endTime": "VARCHAR", "canceledBy": "VARCHAR",
      "cancellationReason": "VARCHAR", "authentication": {"user": "VARCHAR"},
      "trigger": {"type": "VARCHAR", "user": "VARCHAR", "tag": "VARCHAR", "hash": "VARCHAR",
        "parameters": "JSON", "artifacts": "JSON", "isRebake": "JSON",
        "buildInfo": {"scm": [{"sha1": "VARCHAR"}]}}}')    AS e
  FROM bodies
),
moments AS (
  SELECT *,
    coalesce(e.trigger.hash, e.trigger."buildInfo".scm[1].sha1) AS revision,
    coalesce(e.trigger.parameters->>'$.version', ref_version(e.trigger.tag)) AS version,
    unnest(happened([
      {'at': e."buildTime", 'word': 'not_started'},
      {'at': e."startTime", 'word': 'running'},
      {'at': e."endTime", 'word': lower(e.status)}]))     AS m
  FROM executions
),
stated AS (
  SELECT *, CASE WHEN m.word = 'canceled' AND e."startTime" IS NULL THEN 'inactive'
    ELSE change_state(m.word) END                          AS state
  FROM moments
)
SELECT
  position,
  ingested_at,
  any_time(m."at")                                         AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  change_status_id(state)                                  AS status_id,
  upper(m.word)                                            AS status_code,
  e.name                                                   AS message,
  e."cancellationReason"                                   AS status_detail,
  {'uid': e.id || ':' || m.word, 'correlation_uid': e.id}  AS metadata,
  {'service': e.application, 'version': version}           AS workload,
  {'name': e.application, 'version': version}              AS app,
  {'user': {'name': coalesce(nullif(e.trigger.user, '[anonymous]'), e.authentication.user)},
   'app_name': 'Spinnaker'} AS actor,
  {'uid': e.id, 'kind': 'deploy', 'state': state, 'revision': revision,
   'environment': e.trigger.parameters->>'$.environment'}  AS change,
  filled({
    'type': doc->>'$.details.type', 'pipelineConfigId': e."pipelineConfigId", 'status': e.status,
    'trigger': told->'$.trigger', 'canceledBy': e."canceledBy",
    'stages': list_transform(json_extract(told, '$.stages[*]'), lambda s: {
      'name': s->>'$.name', 'type': s->>'$.type', 'status': s->>'$.status',
      'startTime': s->'$.startTime', 'endTime': s->'$.endTime'})}) AS unmapped,
  CASE WHEN e.id IS NULL OR e.application IS NULL OR e.status IS NULL
    THEN 'the document is no execution of a pipeline of Spinnaker' END AS problem
FROM stated
