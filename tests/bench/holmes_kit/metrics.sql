-- What Prometheus recorded of a service, a mean for every 30 s, one line a series.
WITH halves AS (
  SELECT workload.service AS service, metric_name AS metric,
    coalesce(workload.instance, workload.zone, '') AS instance,
    time_bucket(INTERVAL 30 SECONDS, time) AS half, avg(value) AS level
  FROM metric_point
  WHERE source LIKE 'prometheus%' AND metric_name <> 'ALERTS'
  GROUP BY ALL
)
SELECT service, metric, instance, strftime(min(half), '%H:%M:%S') AS since,
  string_agg(CASE WHEN level < 1000 THEN round(level, 3)::VARCHAR
    ELSE round(level)::BIGINT::VARCHAR END, ' ' ORDER BY half) AS levels
FROM halves
WHERE level IS NOT NULL
GROUP BY service, metric, instance
ORDER BY service, metric, instance
