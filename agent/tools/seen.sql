-- question: Does anything come from service $service?
SELECT "table", count(*) AS records
FROM (
  SELECT 'trace_span' AS "table" FROM trace_span WHERE workload.service = $service
  UNION ALL
  SELECT 'log_record' FROM log_record WHERE workload.service = $service
  UNION ALL
  SELECT 'metric_point' FROM metric_point WHERE workload.service = $service
  UNION ALL
  SELECT 'http_activity' FROM http_activity WHERE workload.service = $service
)
GROUP BY ALL
ORDER BY "table"
