-- question: What telemetry is there, from when to when?
SELECT 'trace_span' AS "table", count(*) AS records, min(time) AS first_at, max(time) AS last_at
FROM trace_span WHERE workload.service IS DISTINCT FROM 'inquest'
UNION ALL
SELECT 'log_record', count(*), min(time), max(time) FROM log_record
UNION ALL
SELECT 'metric_point', count(*), min(time), max(time) FROM metric_point
UNION ALL
SELECT 'http_activity', count(*), min(time), max(time) FROM http_activity
UNION ALL
SELECT 'application_lifecycle', count(*), min(time), max(time) FROM application_lifecycle
UNION ALL
SELECT 'detection_finding', count(*), min(time), max(time) FROM detection_finding
ORDER BY "table"
