-- name: terraform_apply
-- reads: json
-- class: application_lifecycle
-- product: HashiCorp / Terraform
-- sniff: "@module":\s*"(terraform|tofu)\.ui"
-- context: file
-- https://developer.hashicorp.com/terraform/internals/machine-readable-ui
-- What `terraform apply -json` (and plan, refresh, destroy) prints, a message a line: Terraform
-- 0.15.3 to 1.13, messages of version 0.1 to 1.2, and OpenTofu 1.6 and later. Each resource is a
-- change of its own: planned, begun, complete or errored; so is what Terraform finds changed by
-- others. A run begins with its message of its version. Outputs may be secrets and are left alone,
-- and of a refresh, of progress and of sums there is nothing to map.
WITH told AS (
  SELECT position, ingested_at, doc, path, from_json(doc, '{"@level": "VARCHAR",
      "@message": "VARCHAR", "@module": "VARCHAR", "@timestamp": "VARCHAR", "type": "VARCHAR",
      "terraform": "VARCHAR", "tofu": "VARCHAR",
      "hook": {"resource": "JSON", "action": "VARCHAR", "id_key": "VARCHAR",
        "id_value": "VARCHAR", "elapsed_seconds": "VARCHAR"},
      "change": {"resource": "JSON", "previous_resource": "JSON", "action": "VARCHAR",
        "reason": "VARCHAR"},
      "diagnostic": {"severity": "VARCHAR", "summary": "VARCHAR", "detail": "VARCHAR",
        "address": "VARCHAR"}}')                           AS m
  FROM raw
),
named AS (
  SELECT *,
    m."@timestamp"                                         AS logged_at,
    coalesce(last_value(CASE WHEN m.type = 'version' THEN logged_at END IGNORE NULLS) OVER in_order,
      first_value(logged_at) OVER in_order)                AS run,
    coalesce(m.hook.resource, m.change.resource)           AS resource,
    coalesce(resource->>'$.addr', m.diagnostic.address)    AS address,
    coalesce(m.hook.action, m.change.action)               AS action,
    coalesce(resource->>'$.resource_name',
      regexp_extract(address, '([^.\[\]]+)(?:\[.*\])?$', 1), 'terraform') AS service,
    CASE m.type
      WHEN 'planned_change' THEN 'created' WHEN 'apply_start' THEN 'in_progress'
      WHEN 'apply_complete' THEN 'success' WHEN 'apply_errored' THEN 'failure'
      WHEN 'resource_drift' THEN 'success'
      WHEN 'diagnostic' THEN CASE WHEN m.diagnostic.severity = 'error' THEN 'failure' END
    END                                                    AS state,
    coalesce(address, 'terraform') || '@' || run
      || CASE WHEN m.type = 'resource_drift' THEN '/drift' ELSE '' END AS uid
  FROM told
  WINDOW in_order AS (PARTITION BY path ORDER BY position)
)
SELECT
  position,
  ingested_at,
  any_time(logged_at)                                      AS "time",
  CASE action WHEN 'create' THEN 1 WHEN 'delete' THEN 2 ELSE 8 END AS activity_id,
  level_severity_id(m."@level")                            AS severity_id,
  change_status_id(state)                                  AS status_id,
  m.type                                                   AS status_code,
  m."@message"                                             AS message,
  CASE WHEN m.type = 'resource_drift' THEN 'changed outside of Terraform; when is not told'
    ELSE nullif(m.diagnostic.detail, '') END               AS status_detail,
  {'uid': uid || ':' || m.type, 'correlation_uid': run}    AS metadata,
  {'service': service}                                     AS workload,
  {'name': service, 'uid': address}                        AS app,
  {'app_name': CASE WHEN m."@module" LIKE 'tofu%' THEN 'OpenTofu' ELSE 'Terraform' END} AS actor,
  {'uid': uid, 'kind': 'infrastructure', 'state': state}   AS change,
  filled({
    'action': action, 'reason': m.change.reason, 'resource': resource,
    'previous_resource': m.change.previous_resource, 'diagnostic': m.diagnostic,
    'id_key': m.hook.id_key, 'id_value': m.hook.id_value,
    'elapsed_seconds': m.hook.elapsed_seconds})            AS unmapped,
  CASE
    WHEN m."@module" IS NULL OR m."@message" IS NULL THEN 'the document is no message of Terraform'
    WHEN state IS NULL OR action IN ('no-op', 'noop', 'read') THEN ''
  END                                                      AS problem
FROM named
