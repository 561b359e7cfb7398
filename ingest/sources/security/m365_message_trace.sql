-- name: m365_message_trace
-- reads: json
-- class: email_activity
-- product: Microsoft / O365
-- sniff: "MessageTraceId"\s*:
-- sniff: "(SenderAddress|RecipientAddress)"\s*:
-- https://learn.microsoft.com/en-us/previous-versions/office/developer/o365-enterprise-developers/jj984335(v=office.15)
-- https://learn.microsoft.com/en-us/powershell/module/exchange/get-messagetracev2
-- Messages of Exchange Online's reporting web service or of Get-MessageTrace(V2) as JSON, one a
-- document, in a list, or in the service's `value` or `d.results`; their times are UTC.
WITH listed AS (
  SELECT position, ingested_at, unnest(coalesce(
    nullif(json_extract(doc, '$.value[*]'), []),
    nullif(json_extract(doc, '$.d.results[*]'), []), [doc])) AS doc
  FROM raw
),
parsed AS (
  SELECT position, ingested_at, doc, from_json(doc, '{
    "Received": "VARCHAR", "StartDate": "VARCHAR", "EndDate": "VARCHAR", "MessageId": "VARCHAR",
    "MessageTraceId": "VARCHAR", "SenderAddress": "VARCHAR", "RecipientAddress": "VARCHAR",
    "Subject": "VARCHAR", "Status": "VARCHAR", "FromIP": "VARCHAR", "ToIP": "VARCHAR",
    "Size": "BIGINT"}') AS e
  FROM listed
)
SELECT
  position,
  ingested_at,
  any_time(e.Received)                                     AS "time",
  4                                                        AS activity_id,
  0                                                        AS severity_id,
  CASE e.Status WHEN 'Delivered' THEN 1 WHEN 'Failed' THEN 2 ELSE 99 END AS status_id,
  CASE WHEN e.Status NOT IN ('Delivered', 'Failed') THEN e.Status END AS status,
  e.Status                                                 AS status_detail,
  0                                                        AS direction_id,
  {'original_time': e.Received}                            AS metadata,
  {'account': doc->>'$.Organization', 'service': 'exchange-online'} AS workload,
  {'message_uid': e.MessageId, 'subject': e.Subject, 'size': e.Size,
   'smtp_from': email_address(e.SenderAddress),
   'smtp_to': CASE WHEN email_address(e.RecipientAddress) IS NOT NULL
     THEN [e.RecipientAddress] END,
   'from': email_address(e.SenderAddress),                 -- OCSF wants one of `from` and `to`
   'to': CASE WHEN email_address(e.SenderAddress) IS NULL THEN [email_address(e.RecipientAddress)]
   END}                                                    AS email,
  {'ip': windows_ip(e.FromIP)}                                       AS src_endpoint,
  {'ip': windows_ip(e.ToIP)}                                         AS dst_endpoint,
  e.MessageTraceId                                         AS message_trace_uid,
  any_time(e.StartDate)                                    AS start_time,
  any_time(e.EndDate)                                      AS end_time,
  remaining(doc, '{"Received": null, "StartDate": null, "EndDate": null, "MessageId": null,
    "MessageTraceId": null, "SenderAddress": null, "RecipientAddress": null, "Subject": null,
    "Status": null, "FromIP": null, "ToIP": null, "Size": null}') AS unmapped,
  CASE
    WHEN e.MessageTraceId IS NULL
      OR coalesce(email_address(e.SenderAddress), email_address(e.RecipientAddress)) IS NULL
      THEN 'the document is no message of a message trace'
  END                                                      AS problem
FROM parsed
