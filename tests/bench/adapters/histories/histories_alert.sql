-- name: histories_alert
-- reads: json
-- class: detection_finding
-- files: alert.json
-- A monitor's alert about one metric of one service.
SELECT
  position,
  ingested_at,
  any_time(doc->>'$.fired_at')                          AS "time",
  1                                                     AS activity_id,
  4                                                     AS severity_id,
  1                                                     AS status_id,
  doc->>'$.summary'                                     AS message,
  {'service': doc->>'$.service'}                        AS workload,
  {'uid': coalesce(doc->>'$.monitor', doc->>'$.metric'),
   'title': coalesce(doc->>'$.monitor', doc->>'$.metric'),
   'desc': concat_ws(': ', doc->>'$.metric', doc->>'$.summary')} AS finding_info,
  filled(doc)                                           AS attributes
FROM raw
