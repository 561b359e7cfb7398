-- name: github_audit
-- reads: json
-- class: api_activity
-- product: GitHub / GitHub Audit Log
-- sniff: "action"\s*:\s*"[a-z0-9_]+\.[a-z0-9_.]+"
-- sniff: "(@timestamp|created_at)"\s*:\s*\d{13}
-- sniff: "(actor|actor_id|org|org_id|business|_document_id)"\s*:
-- https://docs.github.com/en/enterprise-cloud@latest/admin/monitoring-activity-in-your-enterprise/reviewing-audit-logs-for-your-enterprise/audit-log-events-for-your-enterprise
-- Web, Git and API events of an organisation's or enterprise's log, from the API, an export or a
-- stream. Where GitHub does not tell who or from where, it is GitHub itself that is named.
WITH parsed AS (
  SELECT position, ingested_at, doc, from_json(doc, '{
    "@timestamp": "VARCHAR", "created_at": "VARCHAR", "_document_id": "VARCHAR",
    "action": "VARCHAR", "operation_type": "VARCHAR", "actor": "VARCHAR", "actor_id": "VARCHAR",
    "actor_ip": "VARCHAR", "actor_is_bot": "BOOLEAN", "actor_session": "VARCHAR",
    "actor_location": {"country_code": "VARCHAR", "region": "VARCHAR", "city": "VARCHAR",
      "postal_code": "VARCHAR", "location": {"lat": "DOUBLE", "lon": "DOUBLE"}},
    "external_identity_nameid": "VARCHAR", "org": "JSON", "org_id": "JSON", "business": "VARCHAR",
    "business_id": "VARCHAR", "repo": "VARCHAR", "repository": "VARCHAR",
    "repository_id": "VARCHAR", "user_agent": "VARCHAR", "request_id": "VARCHAR",
    "request_method": "VARCHAR", "url_path": "VARCHAR", "query_string": "VARCHAR",
    "referrer": "VARCHAR", "status_code": "INTEGER", "oauth_application": "VARCHAR"}') AS e
  FROM raw
),
told AS (
  SELECT *,
    coalesce(e.org->>'$[0]', e.org->>'$')                  AS org,
    coalesce(e.org_id->>'$[0]', e.org_id->>'$')            AS org_id,
    any_time(coalesce(e."@timestamp", e.created_at))       AS at
  FROM parsed
)
SELECT
  position,
  ingested_at,
  "at"                                                     AS "time",
  strftime("at", '%Y-%m-%dT%H:%M:%S.%gZ')                  AS time_dt,
  CASE e.operation_type WHEN 'create' THEN 1 WHEN 'access' THEN 2 WHEN 'modify' THEN 3
    WHEN 'remove' THEN 4 ELSE coalesce(verb_activity_id(e.action), 99) END AS activity_id,
  1                                                        AS severity_id,
  CASE WHEN e.status_code < 400 THEN 1 WHEN e.status_code >= 400 THEN 2 END AS status_id,
  {'uid': e."_document_id", 'event_code': e.action}        AS metadata,
  {'operation': e.action,
   'request': CASE WHEN e.request_id <> '' THEN {'uid': e.request_id} END} AS api,
  {'app_name': CASE WHEN coalesce(nullif(e.actor, ''), e.actor_id) IS NULL
     THEN coalesce(nullif(e.oauth_application, ''), 'GitHub') END,
   'session': CASE WHEN e.actor_session IS NOT NULL THEN {'uid': e.actor_session} END,
   'user': CASE WHEN coalesce(nullif(e.actor, ''), e.actor_id) IS NOT NULL THEN {
     'name': nullif(e.actor, ''), 'uid': e.actor_id,
     'type_id': CASE WHEN e.actor_is_bot THEN 4 ELSE 0 END,
     'email_addr': CASE WHEN regexp_full_match(e.external_identity_nameid,
       '[^@\s]+@[^@\s]+\.[^@\s]+') THEN e.external_identity_nameid END,
     'account': CASE WHEN coalesce(org, org_id) <> '' THEN
       {'name': org, 'uid': org_id, 'type_id': 99} END} END} AS actor,
  {'ip': nullif(e.actor_ip, ''),
   'svc_name': CASE WHEN coalesce(e.actor_ip, '') = '' THEN 'GitHub' END,
   'location': CASE WHEN coalesce(e.actor_location.country_code, e.actor_location.city) <> '' THEN {
     'country': e.actor_location.country_code, 'region': e.actor_location.region,
     'city': e.actor_location.city, 'postal_code': e.actor_location.postal_code,
     'lat': e.actor_location."location".lat, 'long': e.actor_location."location".lon} END}
                                                           AS src_endpoint,
  {'user_agent': nullif(e.user_agent, ''), 'referrer': e.referrer,
   'http_method': CASE WHEN http_activity_id(e.request_method) <> 99 THEN e.request_method END,
   'url': CASE WHEN e.url_path <> '' THEN {'path': e.url_path, 'query_string': e.query_string} END}
                                                           AS http_request,
  CASE WHEN e.status_code IS NOT NULL THEN {'code': e.status_code} END AS http_response,
  CASE WHEN coalesce(nullif(e.repo, ''), nullif(e.repository, ''), e.repository_id) IS NOT NULL THEN
    [{'name': coalesce(nullif(e.repo, ''), nullif(e.repository, '')), 'uid': e.repository_id}] END
                                                           AS resources,
  remaining(CASE WHEN json_type(doc, '$.org') = 'ARRAY' OR coalesce(nullif(e.actor, ''), e.actor_id)
    IS NULL THEN doc
    ELSE json_merge_patch(doc, '{"org": null, "org_id": null}') END, '{
    "@timestamp": null, "_document_id": null, "action": null, "actor": null, "actor_id": null,
    "actor_ip": null, "actor_location": null, "repo": null, "repository": null,
    "repository_id": null, "user_agent": null,
    "request_id": null, "url_path": null, "query_string": null, "referrer": null,
    "status_code": null, "actor_session": null}')          AS unmapped,
  CASE WHEN e.action IS NULL OR e.action NOT LIKE '%.%'
    THEN 'the document is no event of GitHub''s audit log' END AS problem
FROM told
