-- name: terraform_run
-- reads: json
-- class: application_lifecycle
-- product: HashiCorp / HCP Terraform
-- sniff: "notification_configuration_id":
-- https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#run-notification-payload
-- Notifications of runs, payload version 1, by HCP Terraform and Terraform Enterprise. A run that
-- found nothing to change, or was discarded, is inactive. To verify its URL is nothing to map.
WITH bodies AS (
  SELECT position, ingested_at, doc, from_json(doc, '{"payload_version": "VARCHAR",
      "notification_configuration_id": "VARCHAR", "run_url": "VARCHAR", "run_id": "VARCHAR",
      "run_message": "VARCHAR", "run_created_at": "VARCHAR", "run_created_by": "VARCHAR",
      "workspace_id": "VARCHAR", "workspace_name": "VARCHAR", "organization_name": "VARCHAR",
      "notifications": [{"message": "VARCHAR", "trigger": "VARCHAR", "run_status": "VARCHAR",
        "run_updated_at": "VARCHAR", "run_updated_by": "VARCHAR"}]}') AS run
  FROM raw
),
told AS (
  SELECT *, unnest(CASE WHEN len(run.notifications) > 0 THEN run.notifications ELSE [NULL] END) AS n
  FROM bodies
),
stated AS (
  SELECT *, CASE
    WHEN n.run_status = 'pending' THEN 'created'
    WHEN n.run_status = 'applying' THEN 'in_progress'
    WHEN n.run_status = 'applied' THEN 'success'
    WHEN n.run_status IN ('errored', 'canceled', 'force_canceled') THEN 'failure'
    WHEN n.run_status IN ('planned_and_finished', 'discarded', 'planned_and_saved') THEN 'inactive'
    ELSE 'queued' END                                      AS state
  FROM told
)
SELECT
  position,
  ingested_at,
  any_time(CASE WHEN n.run_status = 'pending' THEN coalesce(n.run_updated_at, run.run_created_at)
    ELSE n.run_updated_at END)                             AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  change_status_id(state)                                  AS status_id,
  n.run_status                                             AS status_code,
  nullif(run.run_message, '')                              AS message,
  n.message                                                AS status_detail,
  {'uid': run.run_id || ':' || n.run_status, 'correlation_uid': run.run_id} AS metadata,
  {'service': run.workspace_name}                          AS workload,
  {'name': run.workspace_name, 'uid': run.workspace_id}    AS app,
  {'user': {'name': coalesce(n.run_updated_by, run.run_created_by)},
   'app_name': 'HCP Terraform'}                            AS actor,
  {'uid': run.run_id, 'kind': 'infrastructure', 'state': state, 'url': run.run_url} AS change,
  filled({
    'trigger': n.trigger, 'organization_name': run.organization_name,
    'run_created_at': run.run_created_at, 'run_created_by': run.run_created_by,
    'notification_configuration_id': run.notification_configuration_id}) AS unmapped,
  CASE
    WHEN n.trigger = 'verification' THEN ''
    WHEN run.run_id IS NULL OR n.run_status IS NULL
      THEN 'the document is no notification of a run of HCP Terraform'
  END                                                      AS problem
FROM stated
