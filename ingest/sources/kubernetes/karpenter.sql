-- name: karpenter
-- reads: json
-- class: log_record application_lifecycle
-- product: Karpenter / Karpenter
-- sniff: "(?:controllerGroup"\s*:\s*"karpenter\.|controller"\s*:\s*"(?:nodeclaim|nodepool|nodeclass|provisioner|disruption|deprovisioning)\b|logger"\s*:\s*"controller\.(?:provisioner|machine|deprovisioning|interruption))
-- sniff: "(?:level)"\s*:
-- https://karpenter.sh/docs/concepts/nodeclaims/
-- The controller's JSON log, of v1 (node claims) and of v0 (machines). Every line is a log record;
-- one that tells a step in a node's life, from the claim to its removal, is also a change of kind
-- node.
WITH parsed AS (
  SELECT position, ingested_at, doc,
    from_json(doc, '{"level": "VARCHAR", "time": "VARCHAR", "ts": "VARCHAR", "logger": "VARCHAR",
      "message": "VARCHAR", "msg": "VARCHAR", "controller": "VARCHAR", "error": "VARCHAR",
      "stacktrace": "VARCHAR", "reconcileID": "VARCHAR", "command-id": "VARCHAR",
      "reason": "VARCHAR", "provider-id": "VARCHAR", "zone": "VARCHAR",
      "NodeClaim": {"name": "VARCHAR"}, "machine": "VARCHAR", "NodePool": {"name": "VARCHAR"},
      "provisioner": "VARCHAR"}')                           AS e
  FROM raw
),
told AS (
  SELECT *,
    coalesce(e.message, e.msg)                             AS said,
    coalesce(e."NodeClaim".name, e.machine)                AS claim,
    coalesce(e."NodePool".name, e.provisioner)             AS pool,
    coalesce(doc->>'$.Node.name', doc->>'$.node')                       AS node,
    coalesce(e.zone, nullif(regexp_extract(e."provider-id", '^aws:///([^/]+)/', 1), '')) AS zone,
    CASE
      WHEN regexp_matches(said, '^(?:created|launched|registered) (?:nodeclaim|machine)') THEN 'up'
      WHEN regexp_matches(said, '^initialized (?:nodeclaim|machine)') THEN 'ready'
      WHEN regexp_matches(said, '^(?:disrupting|deprovisioning via|initiating delete|tainted node|'
        || 'annotated nodeclaim|deleted node(?:$| ))') THEN 'down'
      WHEN regexp_matches(said, '^deleted (?:nodeclaim|machine)') THEN 'gone'
      WHEN level_severity_id(e.level) >= 4
        AND regexp_matches(concat(said, e.error),
          '(?i)(?:launch|creat)\w* (?:nodeclaim|machine|instance)|insufficient capacity')
        THEN 'failed'
    END                                                    AS step
  FROM parsed
),
rows AS (   -- a disruption of several nodes is a change of each
  SELECT * REPLACE (node_of.name AS node), node_of.class_name FROM (
    SELECT *, unnest(list_append(
      CASE WHEN step IS NULL THEN [] ELSE list_transform(
        coalesce(nullif(json_extract_string(doc, '$."disrupted-nodes"[*].Node.name'), []), [node]),
        lambda n: {'name': n, 'class_name': 'application_lifecycle'}) END,
      {'name': node, 'class_name': 'log_record'}))         AS node_of
    FROM told
  )
)
SELECT
  position,
  ingested_at,
  class_name,
  any_time(coalesce(e."time", e.ts))                       AS "time",
  CASE WHEN class_name = 'log_record' OR step IN ('up', 'ready', 'failed') THEN 1 ELSE 2 END
                                                           AS activity_id,
  level_severity_id(e.level)                               AS severity_id,
  CASE WHEN class_name = 'log_record' THEN e.level END     AS severity,
  CASE WHEN class_name = 'log_record' OR step IN ('up', 'down') THEN 0
    WHEN step = 'failed' THEN 2 ELSE 1 END                 AS status_id,
  said                                                     AS message,
  {'correlation_uid': CASE WHEN class_name = 'log_record' THEN e."reconcileID" END} AS metadata,
  {'service': CASE WHEN class_name = 'log_record' THEN 'karpenter' END, 'node': node, 'zone': zone}
                                                           AS workload,
  CASE WHEN class_name = 'log_record' THEN coalesce(e.controller, e.logger) END AS scope,
  CASE WHEN class_name = 'log_record' THEN
    {'message': e.error, 'stacktrace': e.stacktrace} END   AS exception,
  CASE WHEN class_name = 'log_record' THEN json_merge_patch(doc, '{"level": null, "time": null,
    "ts": null, "message": null, "msg": null, "reconcileID": null, "error": null,
    "stacktrace": null}')::VARCHAR END                     AS attributes,
  CASE WHEN class_name = 'application_lifecycle' THEN {'name': coalesce(pool, claim, 'karpenter')}
  END                                                      AS app,
  CASE WHEN class_name = 'application_lifecycle' THEN e.error END AS status_detail,
  CASE WHEN class_name = 'application_lifecycle' THEN {
    'uid': CASE WHEN step IN ('down', 'gone')
      THEN 'disruption/' || coalesce(node, claim, e."command-id", e."reconcileID")
      ELSE 'launch/' || coalesce(claim, node, e."reconcileID") END,
    'kind': 'node',
    'state': CASE step WHEN 'up' THEN 'in_progress' WHEN 'down' THEN 'in_progress'
      WHEN 'failed' THEN 'failure' ELSE 'success' END} END AS change,
  CASE WHEN class_name = 'application_lifecycle' THEN filled({'NodeClaim': claim, 'NodePool': pool,
    'reason': e.reason, 'provider-id': e."provider-id"}) END AS unmapped,
  CASE WHEN said IS NULL OR e.level IS NULL THEN 'the document is no line of Karpenter''s log' END
                                                           AS problem
FROM rows
