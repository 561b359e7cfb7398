-- name: releases_alert
-- reads: json
-- class: detection_finding
-- files: alert.json
-- One alert, about no service by itself: what fired, and when it was seen.
SELECT
  position,
  ingested_at,
  coalesce(any_time(doc->>'$.detect_timestamp'), any_time(doc->>'$.detect_time')) AS "time",
  1                                                     AS activity_id,
  4                                                     AS severity_id,
  1                                                     AS status_id,
  doc->>'$.alert'                                       AS message,
  {'uid': doc->>'$.alert', 'title': doc->>'$.alert'}    AS finding_info,
  filled(doc)                                           AS attributes
FROM raw
