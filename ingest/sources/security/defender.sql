-- name: defender
-- reads: json
-- class: detection_finding incident_finding
-- product: Microsoft / Microsoft Defender
-- sniff: "(providerAlertId|detectorId|redirectIncidentId|alertWebUrl|incidentWebUrl|determination)"\s*:
-- sniff: "lastUpdateDateTime"\s*:
-- https://learn.microsoft.com/en-us/graph/api/resources/security-alert
-- https://learn.microsoft.com/en-us/graph/api/resources/security-incident
-- Alerts (alerts_v2) and incidents of Microsoft Graph's security API v1.0, one a document or in the
-- `value` of a page. An incident's own alerts, where they are expanded, are its related events.
WITH listed AS (
  SELECT position, ingested_at, unnest(coalesce(graph_objects(doc), [NULL])) AS doc FROM raw
),
parsed AS (
  SELECT *, from_json(doc, '{
    "id": "VARCHAR", "tenantId": "VARCHAR", "createdDateTime": "VARCHAR",
    "lastUpdateDateTime": "VARCHAR", "resolvedDateTime": "VARCHAR", "severity": "VARCHAR",
    "status": "VARCHAR", "classification": "VARCHAR", "determination": "VARCHAR",
    "assignedTo": "VARCHAR", "description": "VARCHAR", "displayName": "VARCHAR",
    "summary": "VARCHAR", "customTags": ["VARCHAR"], "systemTags": ["VARCHAR"],
    "priorityScore": "INTEGER", "redirectIncidentId": "VARCHAR", "incidentWebUrl": "VARCHAR",
    "title": "VARCHAR", "providerAlertId": "VARCHAR", "incidentId": "VARCHAR",
    "serviceSource": "VARCHAR", "detectionSource": "VARCHAR", "productName": "VARCHAR",
    "detectorId": "VARCHAR", "mitreTechniques": ["VARCHAR"], "firstActivityDateTime": "VARCHAR",
    "lastActivityDateTime": "VARCHAR", "alertWebUrl": "VARCHAR", "recommendedActions": "VARCHAR",
    "evidence": ["JSON"], "alerts": [{"id": "VARCHAR", "title": "VARCHAR"}]}') AS e
  FROM listed
),
classed AS (
  SELECT *,
    coalesce(doc->>'$."@odata.type"' = '#microsoft.graph.security.incident',
      false) OR (e.title IS NULL AND e.displayName IS NOT NULL) AS is_incident,
    nullif(nullif(e.determination, 'unknown'), 'notAvailable') AS determination,
    e.status IN ('resolved', 'redirected')                 AS is_closed
  FROM parsed
)
SELECT
  position,
  ingested_at,
  CASE WHEN is_incident THEN 'incident_finding' ELSE 'detection_finding' END AS class_name,
  any_time(e.createdDateTime)                              AS "time",
  any_time(e.lastUpdateDateTime)                           AS end_time,
  CASE WHEN is_closed THEN 3 WHEN e.status IN ('new', 'active') THEN 1 ELSE 2 END AS activity_id,
  coalesce(graph_severity_id(e.severity), 0)               AS severity_id,
  CASE e.status
    WHEN 'new' THEN 1 WHEN 'active' THEN 1 WHEN 'inProgress' THEN 2 WHEN 'awaitingAction' THEN 3
    WHEN 'resolved' THEN 4 WHEN 'redirected' THEN 5 ELSE 0 END AS status_id,
  CASE WHEN is_incident THEN e.displayName END             AS message,
  {'original_event_uid': e.id, 'tenant_uid': e.tenantId, 'labels': e.customTags,
   'log_name': CASE WHEN is_incident THEN 'security/incidents' ELSE 'security/alerts_v2' END,
   'profiles': ['cloud', 'incident', 'inquest/telemetry', 'security_control'],
   'product': {'feature': {'name': 'Microsoft Graph'}}}    AS metadata,
  {'provider': 'Azure'}                                    AS cloud,
  {'account': e.tenantId,
   'node': (list_transform(e.evidence, lambda v: v->>'$.deviceDnsName')).list_filter(
     lambda n: n IS NOT NULL)[1]}                          AS workload,
  CASE WHEN NOT is_incident THEN {
    'uid': e.id, 'uid_alt': e.providerAlertId, 'title': e.title, 'desc': e.description,
    'types': CASE WHEN determination IS NOT NULL THEN [determination] END,
    'modified_time': epoch_ms(any_time(e.lastUpdateDateTime)),
    'first_seen_time': any_time(e.firstActivityDateTime),
    'last_seen_time': any_time(e.lastActivityDateTime),
    'analytic': CASE WHEN e.detectorId IS NOT NULL THEN {'uid': e.detectorId, 'type_id': 0} END,
    'product': CASE WHEN coalesce(e.serviceSource, e.productName) IS NOT NULL THEN {
      'name': coalesce(e.serviceSource, e.productName), 'vendor_name': 'Microsoft',
      'feature': {'name': e.detectionSource}} END,
    'related_events': CASE WHEN e.incidentId IS NOT NULL THEN [{'uid': e.incidentId}] END} END
                                                           AS finding_info,
  CASE WHEN is_incident THEN [{
    'uid': e.id, 'title': e.displayName, 'desc': nullif(coalesce(e.summary, e.description), ''),
    'types': CASE WHEN determination IS NOT NULL THEN [determination] END,
    'related_events': coalesce(
      CASE WHEN e.redirectIncidentId IS NOT NULL
        THEN [{'uid': e.redirectIncidentId, 'title': NULL}] END,
      list_transform(e.alerts, lambda a: {'uid': a.id, 'title': a.title}))}] END
                                                           AS finding_info_list,
  CASE WHEN is_incident THEN nullif(e.description, '') END AS "desc",
  coalesce(e.alertWebUrl, e.incidentWebUrl)                AS src_url,
  graph_verdict_id(e.classification)                       AS verdict_id,
  graph_user(e.assignedTo, NULL, NULL, 1)                   AS assignee,
  CASE WHEN is_incident AND e.assignedTo IS NULL           -- OCSF wants one of them
    THEN {'name': 'unassigned'} END                        AS assignee_group,
  CASE WHEN is_incident THEN CASE e.severity WHEN 'low' THEN 1 WHEN 'medium' THEN 2
    WHEN 'high' THEN 3 END END                             AS priority_id,
  e.priorityScore                                          AS risk_score,
  CASE WHEN NOT is_incident THEN true END                  AS is_alert,
  CASE WHEN len(e.mitreTechniques) > 0 THEN list_transform(e.mitreTechniques, lambda t:
    CASE WHEN contains(t, '.') THEN {'technique': {'uid': split_part(t, '.', 1)},
      'sub_technique': {'uid': t}} ELSE {'technique': {'uid': t}, 'sub_technique': NULL} END) END
                                                           AS attacks,
  CASE WHEN NOT is_incident THEN
    list_transform(e.evidence, lambda v: {'name': v->>'$."@odata.type"', 'data': v}) END
                                                           AS evidences,
  CASE WHEN e.recommendedActions <> '' AND NOT is_incident
    THEN {'desc': e.recommendedActions} END                AS remediation,
  remaining(doc, '{"id": null, "tenantId": null, "createdDateTime": null, "status": null,
    "lastUpdateDateTime": null, "severity": null, "classification": null, "assignedTo": null,
    "description": null, "displayName": null, "summary": null, "customTags": null,
    "priorityScore": null, "redirectIncidentId": null, "incidentWebUrl": null, "title": null,
    "providerAlertId": null, "incidentId": null, "serviceSource": null, "detectionSource": null,
    "detectorId": null,
    "mitreTechniques": null, "firstActivityDateTime": null, "lastActivityDateTime": null,
    "alertWebUrl": null, "recommendedActions": null, "evidence": null, "alerts": null}')
                                                           AS unmapped,
  CASE
    WHEN doc IS NULL THEN ''                               -- a page without objects
    WHEN e.id IS NULL OR e.createdDateTime IS NULL OR coalesce(e.title, e.displayName) IS NULL
      THEN 'the document is no alert and no incident of Microsoft Graph'
  END                                                      AS problem
FROM classed
