-- name: zabbix
-- reads: json
-- class: detection_finding
-- product: Zabbix / Zabbix
-- sniff: (?i)"event[_.]?id"\s*:\s*"\d+"
-- sniff: (?i)"(r_eventid|event[_.]?n?severity|trigger[_.]?(id|name)|event[_.]?value)"\s*:
-- https://www.zabbix.com/documentation/current/en/manual/config/notifications/media/webhook
-- https://www.zabbix.com/documentation/current/en/manual/api/reference/problem/object
-- Webhooks whose keys are the names of Zabbix' macros in any spelling ({EVENT.ID} as event_id,
-- EventID, EVENT.ID), and answers of problem.get, of which one problem tells when it began and when
-- it ended. {EVENT.DATE} and {EVENT.TIME} have no zone and are taken for UTC, unless
-- {EVENT.TIMESTAMP} is given.
WITH documents AS (
  SELECT position, ingested_at, doc, unnest(CASE
    WHEN json_array_length(doc, '$.result') > 0 THEN doc->'$.result[*]'
    WHEN json_type(doc) = 'OBJECT' THEN [doc] ELSE [NULL] END) AS one
  FROM raw
),
spelled AS (   -- letters and digits alone, in lower case
  SELECT *, '{' || array_to_string(map_entries(from_json(one, '"MAP(VARCHAR, JSON)"'))
    .list_transform(lambda e: to_json(regexp_replace(lower(e.key), '[^a-z0-9]', '', 'g'))::VARCHAR
      || ':' || e."value"), ',') || '}' AS plain
  FROM documents
),
parsed AS (
  SELECT *,
    from_json(plain, '{"eventid": "VARCHAR", "eventvalue": "VARCHAR", "value": "VARCHAR",
      "eventupdatestatus": "VARCHAR", "eventnseverity": "VARCHAR", "eventseverity": "VARCHAR",
      "severity": "VARCHAR", "eventname": "VARCHAR", "triggername": "VARCHAR", "name": "VARCHAR",
      "alertsubject": "VARCHAR", "subject": "VARCHAR", "alertmessage": "VARCHAR",
      "message": "VARCHAR", "opdata": "VARCHAR", "eventopdata": "VARCHAR", "hostname": "VARCHAR",
      "hosthost": "VARCHAR", "host": "VARCHAR", "hostip": "VARCHAR", "eventtags": "VARCHAR",
      "eventtagsjson": "JSON", "tags": "JSON", "triggerid": "VARCHAR", "objectid": "VARCHAR",
      "triggerurl": "VARCHAR", "eventtimestamp": "VARCHAR", "timestamp": "VARCHAR",
      "eventdate": "VARCHAR", "eventtime": "VARCHAR", "eventrecoverytimestamp": "VARCHAR",
      "eventrecoverydate": "VARCHAR", "eventrecoverytime": "VARCHAR",
      "eventupdatetimestamp": "VARCHAR", "eventupdatedate": "VARCHAR",
      "eventupdatetime": "VARCHAR", "clock": "VARCHAR", "ns": "VARCHAR", "rclock": "VARCHAR",
      "rns": "VARCHAR", "suppressed": "VARCHAR", "eventackstatus": "VARCHAR",
      "hosts": [{"host": "VARCHAR", "name": "VARCHAR"}]}') AS e
  FROM spelled
),
told AS (
  SELECT *,
    coalesce(
      from_json(CASE WHEN json_type(e.tags) = 'ARRAY' THEN e.tags ELSE e.eventtagsjson END,
        '[{"tag": "VARCHAR", "value": "VARCHAR"}]')
        .list_transform(lambda t: t.tag || ':' || t."value"),
      string_split_regex(coalesce(e.eventtags, e.tags->>'$'), ', *')) AS tags,
    coalesce(e.eventnseverity, e.severity, e.eventseverity) AS severity,
    coalesce(e.hostname, e.hosthost, e.host, e.hosts[1].name, e.hosts[1].host) AS host,
    coalesce(e.clock || '.' || lpad(e.ns, 9, '0'), e.clock, e.eventtimestamp, e."timestamp",
      zabbix_time(e.eventdate, e.eventtime))               AS began,
    coalesce(e.rclock || '.' || lpad(e.rns, 9, '0'), e.rclock, e.eventrecoverytimestamp,
      zabbix_time(e.eventrecoverydate, e.eventrecoverytime)) AS ended
  FROM parsed
),
moments AS (
  SELECT *, unnest(CASE
    WHEN e.clock IS NOT NULL AND coalesce(e.rclock, '0') <> '0'
      THEN [{'at': began, 'state': 'problem'}, {'at': ended, 'state': 'ok'}]
    WHEN e.clock IS NOT NULL AND e."value" = '0' THEN [{'at': began, 'state': 'ok'}]
    WHEN e.clock IS NOT NULL THEN [{'at': began, 'state': 'problem'}]
    WHEN coalesce(e.eventvalue, e."value") = '0' THEN [{'at': ended, 'state': 'ok'}]
    WHEN e.eventupdatestatus = '1' THEN [{'at': coalesce(e.eventupdatetimestamp,
      zabbix_time(e.eventupdatedate, e.eventupdatetime)), 'state': 'update'}]
    ELSE [{'at': began, 'state': 'problem'}]
  END) AS m
  FROM told
)
SELECT
  position,
  ingested_at,
  any_time(m."at")                                         AS "time",
  CASE m.state WHEN 'problem' THEN 1 WHEN 'update' THEN 2 ELSE 3 END AS activity_id,
  CASE lower(severity)
    WHEN 'information' THEN 1 WHEN 'warning' THEN 2 WHEN 'average' THEN 3 WHEN 'high' THEN 4
    WHEN 'disaster' THEN 5
    ELSE CASE WHEN try_cast(severity AS INT) BETWEEN 1 AND 5 THEN severity::INT ELSE 0 END
  END                                                      AS severity_id,
  CASE
    WHEN m.state = 'ok' THEN 4 WHEN e.suppressed = '1' THEN 3
    WHEN m.state = 'update' AND lower(e.eventackstatus) = 'yes' THEN 2 ELSE 1
  END                                                      AS status_id,
  coalesce(e.eventname, e.name, e.alertsubject, e.subject, e.triggername) AS message,
  {'service': coalesce(tag(tags, 'service'), tag(tags, 'Service'), tag(tags, 'application'),
     tag(tags, 'Application')), 'node': host}              AS workload,
  CASE WHEN host IS NOT NULL THEN [{'name': host,
    'ip': CASE WHEN regexp_full_match(e.hostip, '[0-9.]+|[0-9a-fA-F:]+') THEN e.hostip END}] END
                                                           AS resources,
  {'uid': e.eventid,
   'title': coalesce(e.triggername, e.eventname, e.name, e.alertsubject, e.subject),
   'desc': nullif(coalesce(e.alertmessage, e.message, e.eventopdata, e.opdata), ''),
   'first_seen_time': any_time(began),
   'last_seen_time': CASE WHEN m.state = 'ok' THEN any_time(m."at") END,
   'src_url': nullif(e.triggerurl, ''),
   'analytic': rule(coalesce(e.triggerid, e.objectid), e.triggername)} AS finding_info,
  filled({'tags': nullif(tags, [])})                       AS attributes,
  remaining(one, '{"eventid": null, "event_id": null, "name": null, "tags": null}') AS unmapped,
  CASE
    WHEN json_type(doc, '$.result') = 'ARRAY' AND json_array_length(doc, '$.result') = 0 THEN ''
    WHEN e.eventid IS NULL OR coalesce(e.eventname, e.name, e.alertsubject, e.subject,
      e.triggername) IS NULL THEN 'the document is no webhook and no problem of Zabbix'
  END                                                      AS problem
FROM moments
