-- what alerts were told from $start to $end, and whether there is telemetry of whom they name, then.
-- One that was acknowledged, or noted upon, fires no more than before.
observed AS (
  SELECT workload.service AS service FROM trace_span WHERE time BETWEEN $start AND $end
  UNION
  SELECT workload.service FROM http_activity WHERE time BETWEEN $start AND $end
  UNION
  SELECT workload.service FROM log_record WHERE time BETWEEN $start AND $end
  UNION
  SELECT workload.service FROM metric_point WHERE time BETWEEN $start AND $end
),
told AS (
  SELECT
    time, severity_id,
    finding_info.title           AS title,
    finding_info.uid             AS uid,
    finding_info.desc            AS description,
    workload.service             AS service,
    status_id = 4                AS resolved,
    observed.service IS NOT NULL AS is_observed
  FROM detection_finding
  LEFT JOIN observed ON observed.service = workload.service
  WHERE time BETWEEN $start AND $end AND activity_id IS DISTINCT FROM 2
    AND {{alarm}}
)
