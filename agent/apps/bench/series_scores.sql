-- How far each series departs in the trouble from its calm time: by N-sigma and by BARO's scorer.
-- A counter is its increase. What varies by less than a hundredth of its level in calm time counts
-- as constant and is left out, as both leave constant series out: else bytes of memory decide.
WITH points AS (
  SELECT coalesce(workload.service, workload.node, workload.pod) AS resource, metric_name AS metric,
    coalesce(attributes::VARCHAR, '{}') AS attributes, coalesce(workload.instance, '') AS instance,
    series_uid, time,
    CASE WHEN coalesce(is_monotonic, false) AND temporality IS DISTINCT FROM 'delta'
      THEN value - lag(value) OVER (PARTITION BY series_uid, metric_name ORDER BY time)
      ELSE value END AS value
  FROM metric_point
  WHERE workload.service IS DISTINCT FROM 'inquest' AND isfinite(value)
),
calm AS (
  SELECT resource, metric, attributes, instance, series_uid,
    avg(value) AS mean, stddev_pop(value) AS deviation, median(value) AS middle,
    quantile_cont(value, 0.75) - quantile_cont(value, 0.25) AS spread, count(*) AS n
  FROM points
  WHERE time >= $calm_start AND time < $calm_end OR time >= $start AND time < $at
  GROUP BY ALL
),
scored AS (
  SELECT resource, metric, attributes, instance,
    max(abs(value - mean) / deviation)                       AS sigmas,
    max(abs(value - middle) / CASE WHEN spread > 0 THEN spread ELSE 1 END) AS robust
  FROM points JOIN calm USING (resource, metric, attributes, instance, series_uid)
  WHERE time >= $at AND time < $until AND n >= 2
    AND deviation > 0.01 * abs(mean)
  GROUP BY ALL
)
SELECT resource, metric, max(sigmas) AS n_sigma, max(robust) AS baro
FROM scored
WHERE resource IS NOT NULL
GROUP BY resource, metric
ORDER BY resource, metric
