-- name: okta
-- reads: json
-- class: authentication account_change group_management entity_management api_activity
-- product: Okta / Okta
-- sniff: "eventType"\s*:
-- sniff: "displayMessage"\s*:
-- sniff: "authenticationContext"\s*:
-- https://developer.okta.com/docs/reference/api/system-log/
-- Version 0 of the System Log's events: one a line, a list, an event hook's data or EventBridge's
-- detail. The class is that of the event's type; what no other takes is API activity.
WITH documents AS (
  SELECT position, ingested_at, unnest(coalesce(
    nullif(json_extract(doc, '$.data.events[*]'), []), [coalesce(doc->'$.detail', doc)])) AS doc
  FROM raw
),
parsed AS (
  SELECT *, from_json(doc, '{
    "uuid": "VARCHAR", "published": "VARCHAR", "eventType": "VARCHAR", "version": "VARCHAR",
    "severity": "VARCHAR", "displayMessage": "VARCHAR",
    "actor": {"id": "VARCHAR", "type": "VARCHAR", "alternateId": "VARCHAR",
      "displayName": "VARCHAR"},
    "client": {"id": "VARCHAR", "device": "VARCHAR", "ipAddress": "VARCHAR",
      "userAgent": {"rawUserAgent": "VARCHAR", "os": "VARCHAR"},
      "geographicalContext": {"city": "VARCHAR", "country": "VARCHAR", "postalCode": "VARCHAR",
        "geolocation": {"lat": "DOUBLE", "lon": "DOUBLE"}}},
    "device": {"platform": "VARCHAR"},
    "authenticationContext": {"externalSessionId": "VARCHAR", "rootSessionId": "VARCHAR",
      "credentialType": "VARCHAR", "issuer": {"id": "VARCHAR", "type": "VARCHAR"}},
    "outcome": {"result": "VARCHAR", "reason": "VARCHAR"},
    "target": [{"id": "VARCHAR", "type": "VARCHAR", "alternateId": "VARCHAR",
      "displayName": "VARCHAR"}],
    "transaction": {"id": "VARCHAR"},
    "debugContext": {"debugData": "JSON"},
    "securityContext": {"asNumber": "INTEGER", "asOrg": "VARCHAR", "isp": "VARCHAR",
      "domain": "VARCHAR"}}') AS e
  FROM documents
),
classed AS (
  SELECT *,
    okta_class(e."eventType")                              AS class_name,
    e."debugContext"."debugData"                           AS debug,
    coalesce(list_filter(e.target, lambda t: t.type = 'User')[1],
      list_filter(e.target, lambda t: t.type = 'AppUser')[1]) AS target_user,
    list_filter(e.target, lambda t: t.type IN ('UserGroup', 'AppGroup', 'Group'))[1]
                                                           AS target_group,
    list_filter(e.target, lambda t: t.type LIKE 'App%' AND t.type NOT IN ('AppUser', 'AppGroup'))[1]
                                                           AS app,
    upper(coalesce(
      TRY_CAST(e."debugContext"."debugData"->>'$.logOnlySecurityData' AS JSON)->>'$.risk.level',
      regexp_extract(e."debugContext"."debugData"->>'$.risk', 'level=(\w+)', 1))) AS risk_level
  FROM parsed
),
told AS (
  SELECT *,
    CASE coalesce(e.device.platform, regexp_extract(e.client."userAgent".os,
        '(?i)iphone|ipad|ios|mac|windows|android|linux|chrome ?os'))
      WHEN 'OSX' THEN 300 WHEN 'MACOS' THEN 300 WHEN 'Mac' THEN 300 WHEN 'IOS' THEN 301
      WHEN 'iOS' THEN 301 WHEN 'iPhone' THEN 301 WHEN 'iPad' THEN 302 WHEN 'WINDOWS' THEN 100
      WHEN 'Windows' THEN 100 WHEN 'ANDROID' THEN 201 WHEN 'Android' THEN 201
      WHEN 'LINUX' THEN 200 WHEN 'Linux' THEN 200 END      AS os_id,
    coalesce(target_user, CASE WHEN class_name <> 'group_management' THEN e.actor END) AS subject,
    e.target[1]                                            AS entity
  FROM classed
)
SELECT
  position,
  ingested_at,
  any_time(e.published)                                    AS "time",
  class_name,
  okta_activity_id(class_name, e."eventType")              AS activity_id,
  CASE e.severity WHEN 'DEBUG' THEN 1 WHEN 'INFO' THEN 1 WHEN 'WARN' THEN 3 WHEN 'ERROR' THEN 4
    ELSE 0 END                                             AS severity_id,
  CASE WHEN e.outcome.result IN ('SUCCESS', 'ALLOW') THEN 1
    WHEN e.outcome.result IN ('FAILURE', 'DENY', 'ABANDONED', 'RATE_LIMIT', 'SCHEDULED_FAILURE')
      THEN 2
    WHEN e.outcome.result IS NULL OR e.outcome.result = 'UNKNOWN' THEN 0 ELSE 99 END AS status_id,
  CASE WHEN e.outcome.result NOT IN ('SUCCESS', 'ALLOW', 'FAILURE', 'DENY', 'ABANDONED',
    'RATE_LIMIT', 'UNKNOWN') THEN e.outcome.result END     AS status,
  e.outcome.reason                                         AS status_detail,
  CASE WHEN e.outcome.result IN ('SUCCESS', 'ALLOW') THEN 1
    WHEN e.outcome.result IN ('FAILURE', 'DENY') THEN 2 END AS action_id,
  CASE WHEN e.outcome.result IN ('SUCCESS', 'ALLOW') THEN 1
    WHEN e.outcome.result IN ('FAILURE', 'DENY') THEN 2 WHEN e.outcome.result = 'CHALLENGE' THEN 23
  END                                                      AS disposition_id,
  coalesce(try_cast(debug->>'$.threatSuspected' AS BOOLEAN), false) AS is_alert,
  debug->>'$.behaviors'                                    AS risk_details,
  CASE risk_level WHEN 'LOW' THEN 1 WHEN 'MEDIUM' THEN 2 WHEN 'HIGH' THEN 3 END AS risk_level_id,
  e."displayMessage"                                       AS message,
  {'uid': e.uuid, 'event_code': e."eventType", 'log_provider': 'Okta',
   'loggers': [{'name': 'Okta', 'event_uid': e.uuid}],
   'product': {'version': e."version"}}                    AS metadata,
  {'provider': 'Okta'}                                     AS cloud,
  {'user': struct_concat(okta_user(e.actor), {'domain':
      nullif(regexp_extract(e.actor."alternateId", '^[^@\s]+@([^@\s]+)$', 1), '')}),
   'session': {'uid': e."authenticationContext"."externalSessionId",
     'uid_alt': e."authenticationContext"."rootSessionId"},
   'idp': {'uid': e."authenticationContext".issuer.id,
     'name': e."authenticationContext".issuer.type}}
                                                           AS actor,
  CASE WHEN class_name IN ('authentication', 'account_change', 'group_management')
    THEN okta_user(subject) END                            AS "user",
  CASE WHEN class_name = 'authentication' THEN
    {'uid': e."authenticationContext"."externalSessionId"} END AS session,
  CASE WHEN class_name = 'authentication' THEN
    {'name': coalesce(app."displayName", 'Okta'), 'uid': app.id} END AS service,
  CASE WHEN class_name = 'authentication' THEN
    CASE WHEN debug->>'$.signOnMode' LIKE 'SAML%' THEN 5
      WHEN debug->>'$.signOnMode' LIKE 'OpenID%' THEN 4
      WHEN e."eventType" LIKE 'app.oauth2.%' THEN 6
      WHEN e."eventType" LIKE '%ldap%' THEN 12 WHEN e."eventType" LIKE '%radius%' THEN 10 END
  END                                                      AS auth_protocol_id,
  CASE WHEN class_name = 'group_management' THEN
    {'uid': target_group.id, 'name': target_group."displayName"} END AS "group",
  CASE WHEN class_name = 'entity_management' THEN
    {'uid': entity.id, 'name': entity."displayName", 'type': entity.type} END AS entity,
  CASE WHEN class_name = 'api_activity' THEN
    {'operation': e."eventType", 'service': {'name': 'Okta'}} END AS api,
  CASE WHEN class_name = 'api_activity' THEN nullif(list_transform(list_filter(e.target,
    lambda t: coalesce(t.id, t."displayName") IS NOT NULL), lambda t:
      {'uid': t.id, 'name': t."displayName", 'type': t.type}), []) END AS resources,
  {'uid': coalesce(debug->>'$.requestId', e.transaction.id),
   'user_agent': e.client."userAgent"."rawUserAgent",
   'url': CASE WHEN debug->>'$.url' <> '' OR debug->>'$.requestUri' <> '' THEN
     {'path': coalesce(debug->>'$.url', debug->>'$.requestUri'),
      'hostname': nullif(regexp_extract(debug->>'$.origin', '^https?://([^/:]+)', 1), '')} END}
                                                           AS http_request,
  {'ip': e.client."ipAddress", 'uid': e.client.id, 'domain': e."securityContext".domain,
   'svc_name': CASE WHEN class_name = 'api_activity' AND e.client."ipAddress" IS NULL
     THEN 'Okta' END,
   'isp': CASE WHEN e.client."geographicalContext".country IS NULL
     THEN e."securityContext".isp END,
   'autonomous_system': {'number': e."securityContext"."asNumber",
     'name': e."securityContext"."asOrg"},
   'location': CASE WHEN coalesce(e.client."geographicalContext".city,
       e.client."geographicalContext".country, e.client."geographicalContext"."postalCode")
       IS NOT NULL THEN {
     'city': e.client."geographicalContext".city,
     'country': e.client."geographicalContext".country,
     'postal_code': e.client."geographicalContext"."postalCode", 'isp': e."securityContext".isp,
     'lat': e.client."geographicalContext".geolocation.lat,
     'long': e.client."geographicalContext".geolocation.lon} END,
   'os': CASE WHEN os_id IS NOT NULL THEN {'type_id': os_id, 'name': MAP {100: 'Windows',
     200: 'Linux', 201: 'Android', 300: 'macOS', 301: 'iOS', 302: 'iPadOS'}[os_id]} END,
   'type_id': CASE e.client.device WHEN 'Computer' THEN 2 WHEN 'Mobile' THEN 5 WHEN 'Tablet' THEN 4
     WHEN 'Unknown' THEN 0 END}                            AS src_endpoint,
  remaining(doc, '{"uuid": null, "published": null, "eventType": null, "version": null,
    "displayMessage": null, "severity": null,
    "actor": {"id": null, "displayName": null},
    "client": {"id": null, "ipAddress": null, "userAgent": {"rawUserAgent": null},
      "geographicalContext": {"city": null, "country": null, "postalCode": null,
        "geolocation": null}},
    "authenticationContext": {"externalSessionId": null, "rootSessionId": null, "issuer": null},
    "outcome": {"reason": null}, "securityContext": {"asNumber": null, "asOrg": null, "isp": null,
      "domain": null},
    "debugContext": {"debugData": {"behaviors": null, "url": null, "requestId": null,
      "threatSuspected": null}}}')                         AS unmapped,
  CASE
    WHEN e."eventType" IS NULL OR e.uuid IS NULL
      THEN 'the document is no event of Okta''s System Log'
    WHEN class_name = 'group_management' AND coalesce(target_group.id, target_group."displayName")
      IS NULL THEN 'the event is of a group and its target names none'
    WHEN class_name = 'entity_management' AND coalesce(entity.id, entity."displayName") IS NULL
      THEN 'the event is of a thing that Okta manages and its target names none'
  END                                                      AS problem
FROM told
