-- name: terraform_plan
-- reads: json
-- class: application_lifecycle
-- product: HashiCorp / Terraform
-- sniff: "format_version":
-- sniff: "(resource_changes|planned_values)":
-- https://developer.hashicorp.com/terraform/internals/json-format
-- What `terraform show -json PLANFILE` prints (format 1.x; Terraform 1.5 and later and OpenTofu
-- tell the time). Each resource that is to be changed is a planned change, with the attributes
-- that differ before and after; a sensitive one is named, its values are not. What was changed
-- outside of Terraform is there as well, as drifted. Of a resource that stays there is nothing to
-- map.
WITH plans AS (
  SELECT position, ingested_at, doc, doc->>'$.timestamp' AS planned_at, unnest(list_concat(
    list_transform(json_extract(doc, '$.resource_changes[*]'),
       lambda r: {'resource': r, 'is_drift': false}),
    list_transform(json_extract(doc, '$.resource_drift[*]'),
       lambda r: {'resource': r, 'is_drift': true}),
    CASE WHEN coalesce(json_array_length(doc, '$.resource_changes'), 0)
      + coalesce(json_array_length(doc, '$.resource_drift'), 0) = 0
      THEN [{'resource': NULL, 'is_drift': false}] END)) AS one
  FROM raw
),
resources AS (
  SELECT *,
    one.is_drift                                           AS is_drift,
    from_json(one.resource, '{"address": "VARCHAR", "previous_address": "VARCHAR",
      "module_address": "VARCHAR", "mode": "VARCHAR", "type": "VARCHAR", "name": "VARCHAR",
      "index": "JSON", "provider_name": "VARCHAR", "action_reason": "VARCHAR", "deposed": "VARCHAR",
      "change": {"actions": ["VARCHAR"], "before": "JSON", "after": "JSON",
        "before_sensitive": "JSON", "after_sensitive": "JSON",
        "replace_paths": "JSON", "importing": "JSON"}}')   AS r
  FROM plans
),
compared AS (
  SELECT *,
    list_sort(list_distinct(list_concat(json_keys(r.change.before), json_keys(r.change.after))))
                                                           AS keys,
    from_json(r.change.before, '"MAP(VARCHAR, JSON)"')     AS before,
    from_json(r.change.after, '"MAP(VARCHAR, JSON)"')      AS after,
    [from_json(r.change.before_sensitive, '"MAP(VARCHAR, JSON)"'),
     from_json(r.change.after_sensitive, '"MAP(VARCHAR, JSON)"')] AS sensitive,
    coalesce('true' IN (r.change.before_sensitive::VARCHAR, r.change.after_sensitive::VARCHAR),
      false)                                               AS is_sensitive
  FROM resources
),
named AS (
  SELECT *,
    r.address || '@' || planned_at || CASE WHEN is_drift THEN '/drift' ELSE '' END AS uid,
    coalesce(json_extract_string(coalesce(nullif(r.change.after, 'null'), r.change.before),
      ['$.tags.service', '$.tags.Service', '$.labels.app']), []) AS tagged,
    list_transform(list_filter(keys, lambda k: map_extract_value(before, k)
        IS DISTINCT FROM map_extract_value(after, k)),
      lambda k: CASE
        WHEN is_sensitive OR contains(concat_ws(' ', map_extract_value(sensitive[1], k),
          map_extract_value(sensitive[2], k)), 'true')
          THEN {'attribute': k, 'before': '"(sensitive)"'::JSON, 'after': '"(sensitive)"'::JSON}
        ELSE {'attribute': k, 'before': map_extract_value(before, k),
          'after': map_extract_value(after, k)}
      END)                                                 AS differences
  FROM compared
)
SELECT
  position,
  ingested_at,
  any_time(planned_at)                                     AS "time",
  CASE WHEN r.change.actions = ['create'] THEN 1 WHEN r.change.actions = ['delete'] THEN 2 ELSE 8
  END                                                      AS activity_id,
  1                                                        AS severity_id,
  0                                                        AS status_id,
  array_to_string(r.change.actions, ', ')                  AS status_code,
  concat_ws(' ', r.address, array_to_string(r.change.actions, ', '),
    list_transform(differences, lambda d: d.attribute))    AS message,
  CASE WHEN is_drift THEN 'changed outside of Terraform; when is not told' ELSE r.action_reason
  END                                                      AS status_detail,
  {'uid': uid, 'correlation_uid': planned_at}              AS metadata,
  {'service': coalesce(tagged[1], tagged[2], tagged[3], r.name)} AS workload,
  {'name': coalesce(tagged[1], tagged[2], tagged[3], r.name), 'uid': r.address} AS app,
  {'app_name': 'Terraform'}                                AS actor,
  {'uid': uid, 'kind': 'infrastructure',
   'state': CASE WHEN is_drift THEN 'drifted' ELSE 'planned' END} AS change,
  filled({
    'terraform_version': doc->>'$.terraform_version', 'mode': r.mode, 'type': r.type,
    'index': r."index", 'provider_name': r.provider_name, 'module_address': r.module_address,
    'previous_address': r.previous_address, 'deposed': r.deposed,
    'replace_paths': r.change.replace_paths, 'importing': r.change.importing,
    'differences': differences})                           AS unmapped,
  CASE
    WHEN NOT json_exists(doc, '$.format_version') THEN 'the document is no plan of Terraform'
    WHEN r.address IS NULL OR r.change.actions IN (['no-op'], ['read']) THEN ''
    WHEN planned_at IS NULL THEN 'the plan does not tell when it was made'
  END                                                      AS problem
FROM named
