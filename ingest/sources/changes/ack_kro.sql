-- name: ack_kro
-- reads: yaml
-- class: application_lifecycle
-- product: AWS / Controllers for Kubernetes
-- sniff: apiVersion"?:\s*"?([a-z0-9]+\.services\.k8s\.aws|kro\.run)/
-- over: kubernetes_objects
-- https://aws-controllers-k8s.github.io/community/docs/user-docs/resource-crud
-- https://kro.run/docs/concepts/instances
-- Resources of AWS Controllers for Kubernetes and of kro (definitions of resource graphs and their
-- instances), from kubectl, alone or in a list. A generation of a resource is a change: declared
-- when its specification was last written and by which manager, and at each condition's turn
-- synced, under way or failed.
WITH documents AS (
  SELECT position, ingested_at, coalesce(doc->'$.object', doc) AS told FROM raw
),
listed AS (
  SELECT position, ingested_at, told, unnest(CASE WHEN json_array_length(told, '$.items') > 0
    THEN told->'$.items[*]' ELSE [told] END) AS doc
  FROM documents
),
resources AS (
  SELECT *,
    from_json(doc, '{"apiVersion": "VARCHAR", "kind": "VARCHAR", "metadata": {"name": "VARCHAR",
      "namespace": "VARCHAR", "generation": "VARCHAR", "creationTimestamp": "VARCHAR",
      "labels": "JSON", "managedFields": [{"manager": "VARCHAR", "operation": "VARCHAR",
        "time": "VARCHAR", "subresource": "VARCHAR"}]}, "spec": "JSON",
      "status": {"state": "VARCHAR",
        "ackResourceMetadata": {"arn": "VARCHAR", "ownerAccountID": "VARCHAR", "region": "VARCHAR"},
        "conditions": [{"type": "VARCHAR", "status": "VARCHAR", "reason": "VARCHAR",
          "message": "VARCHAR", "lastTransitionTime": "VARCHAR"}]}}') AS r
  FROM listed
),
named AS (
  SELECT *,
    r."apiVersion" LIKE 'kro.run/%'                        AS is_kro,
    r.metadata.name                                        AS name,
    concat_ws('/', r.kind, r.metadata.namespace, name)
      || '.g' || coalesce(r.metadata.generation, '1')      AS uid,
    list_sort(list_transform(list_filter(r.metadata."managedFields",
      lambda f: f.subresource IS NULL AND f."time" IS NOT NULL),
      lambda f: {'at': f."time", 'manager': f.manager}), 'DESC')[1] AS written
  FROM resources
),
moments AS (
  SELECT *, unnest(happened(list_concat(
    [{'at': coalesce(written."at", r.metadata."creationTimestamp"), 'type': 'Declared',
      'status': 'True', 'reason': NULL, 'message': NULL}],
    list_transform(r.status.conditions, lambda c: {'at': c."lastTransitionTime", 'type': c.type,
      'status': c.status, 'reason': c.reason, 'message': c.message})))) AS m
  FROM named
),
stated AS (
  SELECT *,
    CASE
      WHEN m.type = 'Declared' THEN 'created'
      WHEN m.type = 'ACK.Terminal' THEN CASE WHEN m.status = 'True' THEN 'failure' END
      WHEN m.type = 'ACK.Recoverable' THEN CASE WHEN m.status = 'True' THEN 'error' END
      WHEN m.type IN ('ACK.ResourceSynced', 'Ready', 'InstanceSynced') THEN CASE
        WHEN m.status = 'True' THEN 'success'
        WHEN r.status.state IN ('FAILED', 'ERROR', 'Inactive') THEN 'failure' ELSE 'in_progress' END
      WHEN is_kro AND m.status = 'False' THEN 'in_progress'
    END                                                    AS state
  FROM moments
)
SELECT
  position,
  ingested_at,
  any_time(m."at")                                         AS "time",
  CASE WHEN coalesce(r.metadata.generation, '1') = '1' THEN 1 ELSE 8 END AS activity_id,
  1                                                        AS severity_id,
  change_status_id(state)                                  AS status_id,
  concat_ws('=', m.type, m.status)                         AS status_code,
  concat_ws(' ', r.kind, name)                             AS message,
  coalesce(nullif(m.message, ''), nullif(m.reason, ''))    AS status_detail,
  {'uid': uid || ':' || m.type, 'correlation_uid': uid, 'product': CASE WHEN is_kro
    THEN {'vendor_name': 'kro', 'name': 'kro'} END}        AS metadata,
  {'service': coalesce(r.metadata.labels->>'app.kubernetes.io/name', name),
   'namespace': r.metadata.namespace, 'region': r.status."ackResourceMetadata".region,
   'account': r.status."ackResourceMetadata"."ownerAccountID"} AS workload,
  {'name': coalesce(r.metadata.labels->>'app.kubernetes.io/name', name),
   'uid': r.status."ackResourceMetadata".arn}              AS app,
  {'app_name': CASE WHEN m.type = 'Declared' THEN written.manager END} AS actor,
  {'uid': uid, 'kind': 'infrastructure', 'state': state, 'revision': r.metadata.generation,
   'environment': r.metadata.namespace}                    AS change,
  filled({
    'apiVersion': r."apiVersion", 'kind': r.kind, 'reason': nullif(m.reason, ''),
    'state': r.status.state, 'spec': CASE WHEN m.type = 'Declared' THEN r.spec END}) AS unmapped,
  CASE
    WHEN json_array_length(told, '$.items') = 0 THEN ''
    WHEN name IS NULL OR NOT coalesce(regexp_matches(r."apiVersion",
      '\.services\.k8s\.aws/|^kro\.run/'), false)
      THEN 'the document is no resource of ACK or kro'
    WHEN state IS NULL THEN ''                             -- the condition says: nothing is wrong
  END                                                      AS problem
FROM stated
