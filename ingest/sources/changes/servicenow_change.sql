-- name: servicenow_change
-- reads: json
-- class: application_lifecycle
-- product: ServiceNow / Change Management
-- sniff: "sys_id":
-- sniff: "(cab_required|cab_date|work_start|close_code|backout_plan|chg_model)":
-- https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/change-management-api.html
-- Records of change_request from the Table API and the Change Management API, asked with
-- sysparm_display_value=false or all: their values are in UTC. With =true the times are in the zone
-- of whoever asked, which no record tells: such a record is set aside. A change is planned when
-- it is created, and goes on from its actual start to its actual end; the planned start stands in,
-- as queued, where no actual one is given and it is past.
WITH documents AS (
  SELECT position, ingested_at, unnest(CASE json_type(doc, '$.result')
    WHEN 'ARRAY' THEN CASE WHEN json_array_length(doc, '$.result') > 0
      THEN doc->'$.result[*]' ELSE [NULL] END
    WHEN 'OBJECT' THEN [doc->'$.result'] ELSE [doc] END) AS doc
  FROM raw
),
records AS (
  SELECT position, ingested_at, doc, from_json(doc, '{"sys_id": "JSON", "number": "JSON",
      "state": "JSON", "type": "JSON", "short_description": "JSON", "description": "JSON",
      "category": "JSON", "risk": "JSON", "impact": "JSON", "priority": "JSON", "approval": "JSON",
      "phase": "JSON", "on_hold": "JSON", "cmdb_ci": "JSON", "business_service": "JSON",
      "service_offering": "JSON", "assigned_to": "JSON", "assignment_group": "JSON",
      "requested_by": "JSON", "opened_by": "JSON", "sys_created_by": "JSON",
      "sys_updated_by": "JSON", "sys_created_on": "JSON", "opened_at": "JSON",
      "sys_updated_on": "JSON", "start_date": "JSON", "end_date": "JSON", "work_start": "JSON",
      "work_end": "JSON", "closed_at": "JSON", "close_code": "JSON", "close_notes": "JSON",
      "cab_required": "JSON", "cab_date": "JSON", "cab_recommendation": "JSON",
      "conflict_status": "JSON", "backout_plan": "JSON", "implementation_plan": "JSON",
      "justification": "JSON", "correlation_id": "JSON", "unauthorized": "JSON"}') AS r
  FROM documents
),
named AS (
  SELECT *,
    servicenow_value(r.state)                              AS state,
    servicenow_value(r.number)                             AS uid,
    coalesce(MAP {'-5': 'New', '-4': 'Assess', '-3': 'Authorize', '-2': 'Scheduled',
      '-1': 'Implement', '0': 'Review', '3': 'Closed', '4': 'Canceled'}[state],
      servicenow_caption(r.state))                         AS phase,
    try_cast(state AS INT) IS NULL                         AS is_display,
    servicenow_value(r.close_code)                         AS result,
    servicenow_value(r.work_start)                         AS work_start,
    servicenow_value(r.start_date)                         AS start_date,
    coalesce(servicenow_caption(r.cmdb_ci), servicenow_caption(r.business_service),
      servicenow_caption(r.service_offering))              AS item,
    CASE WHEN NOT regexp_full_match(item, '[0-9a-f]{32}') THEN item END AS service,
    list_filter([r.requested_by, r.assigned_to, r.opened_by], lambda p:
      NOT regexp_full_match(servicenow_caption(p), '[0-9a-f]{32}')).list_transform(
      lambda p: servicenow_caption(p))                     AS people,
    regexp_extract(doc::VARCHAR, '"link":"(https://[^/"]+)/api/', 1) AS instance
  FROM records
),
moments AS (
  SELECT *, unnest(CASE WHEN is_display OR uid IS NULL THEN [NULL] ELSE happened([
    {'at': coalesce(servicenow_value(r.sys_created_on), servicenow_value(r.opened_at)),
     'state': 'planned', 'detail': NULL},
    {'at': CASE WHEN work_start IS NULL AND any_time(start_date) < ingested_at
       AND state IS DISTINCT FROM '4' THEN start_date END,
     'state': 'queued', 'detail': 'planned start; no actual start is told'},
    {'at': work_start, 'state': 'in_progress', 'detail': NULL},
    {'at': coalesce(servicenow_value(r.work_end),
       CASE WHEN state IN ('3', '4') THEN coalesce(servicenow_value(r.closed_at),
         servicenow_value(r.sys_updated_on)) END),
     'state': CASE
       WHEN state = '4' THEN CASE WHEN work_start IS NULL THEN 'inactive' ELSE 'failure' END
       WHEN result LIKE 'successful%' THEN 'success'
       WHEN result LIKE 'unsuccessful%' THEN 'failure'
       ELSE 'in_progress' END,
     'detail': coalesce(servicenow_caption(r.close_notes),
       CASE WHEN result IS NULL AND state <> '4' THEN 'ended; how is not told' END)}]) END) AS m
  FROM named
)
SELECT
  position,
  ingested_at,
  any_time(m."at")                                         AS "time",
  8                                                        AS activity_id,
  1                                                        AS severity_id,
  change_status_id(m.state)                                AS status_id,
  servicenow_value(r.short_description)                    AS message,
  m.detail                                                 AS status_detail,
  {'uid': uid || ':' || m.state, 'correlation_uid': uid}   AS metadata,
  {'service': service}                                     AS workload,
  {'name': coalesce(service, CASE WHEN servicenow_value(r.cmdb_ci) IS NULL THEN uid END),
   'uid': servicenow_value(r.cmdb_ci)}                     AS app,
  {'user': change_user(coalesce(people[1], servicenow_value(r.sys_created_by)), NULL, NULL)}
                                                           AS actor,
  {'uid': uid,
   'kind': CASE WHEN regexp_matches(servicenow_value(r.category), '(?i)application|^software')
     THEN 'deploy' ELSE 'infrastructure' END,
   'state': m.state,
   'url': nullif(instance, '') || '/nav_to.do?uri=change_request.do%3Fsys_id%3D'
     || servicenow_value(r.sys_id)}                        AS change,
  filled({
    'sys_id': servicenow_value(r.sys_id), 'type': servicenow_value(r.type), 'state': state,
    'phase': coalesce(servicenow_value(r.phase), phase), 'category': servicenow_value(r.category),
    'risk': servicenow_caption(r.risk), 'impact': servicenow_caption(r.impact),
    'priority': servicenow_caption(r.priority), 'approval': servicenow_value(r.approval),
    'on_hold': servicenow_value(r.on_hold), 'unauthorized': servicenow_value(r.unauthorized),
    'start_date': start_date, 'end_date': servicenow_value(r.end_date),
    'work_start': work_start, 'work_end': servicenow_value(r.work_end),
    'closed_at': servicenow_value(r.closed_at), 'close_code': result,
    'cab_required': servicenow_value(r.cab_required), 'cab_date': servicenow_value(r.cab_date),
    'cab_recommendation': servicenow_value(r.cab_recommendation),
    'conflict_status': servicenow_value(r.conflict_status),
    'description': servicenow_value(r.description),
    'justification': servicenow_value(r.justification),
    'implementation_plan': servicenow_value(r.implementation_plan),
    'backout_plan': servicenow_value(r.backout_plan),
    'business_service': servicenow_caption(r.business_service),
    'requested_by': servicenow_value(r.requested_by),
    'assigned_to': servicenow_caption(r.assigned_to),
    'assignment_group': servicenow_caption(r.assignment_group),
    'sys_created_by': servicenow_value(r.sys_created_by),
    'sys_updated_on': servicenow_value(r.sys_updated_on),
    'sys_updated_by': servicenow_value(r.sys_updated_by),
    'correlation_id': servicenow_value(r.correlation_id)}) AS unmapped,
  CASE
    WHEN doc IS NULL THEN ''
    WHEN uid IS NULL OR state IS NULL THEN 'the document is no change request of ServiceNow'
    WHEN is_display THEN 'its times are display values, in a zone that is not told: '
      || 'ask for it with sysparm_display_value=all'
  END                                                      AS problem
FROM moments
