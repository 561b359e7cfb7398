-- question: Which incidents that began from $start to $end were investigated, and what was found?
-- The latest finding on an incident holds. $service is the culprit or one that was hit; NULL asks
-- for all.
WITH latest AS (
  FROM incident_finding
  WHERE start_time >= $start AND start_time < $end
  QUALIFY row_number() OVER (
    PARTITION BY start_time, impacted_services ORDER BY time DESC, metadata.uid DESC) = 1
)
SELECT
  metadata.uid                     AS uid,
  time                             AS found_at,
  start_time                       AS started_at,
  end_time                         AS ended_at,
  verdict,
  round(confidence_score / 100, 2) AS confidence,
  "desc"                           AS title,
  impacted_services,
  workload.service                 AS service,
  workload.version                 AS version,
  cause.kind                       AS resource_kind,
  cause.indicator                  AS indicator,
  cause.mechanism                  AS mechanism,
  round(cause.probability, 2)      AS probability,
  change.kind                      AS change_kind,
  change.revision                  AS revision,
  change.url                       AS change_url,
  src_url                          AS report
FROM latest
WHERE $service IS NULL OR service = $service OR list_contains(impacted_services, $service)
ORDER BY started_at DESC, uid
