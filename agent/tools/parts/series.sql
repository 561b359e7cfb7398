points AS (
  SELECT series_uid, metric_name, unit, workload.service AS service,
    coalesce(workload.instance, '') AS instance, coalesce(workload.version, '') AS version,
    coalesce(attributes::VARCHAR, '{}')                                    AS attributes,
    coalesce(is_monotonic, false) OR metric_type LIKE '%histogram'         AS counts,
    coalesce(temporality, '') = 'delta'                                    AS is_delta,
    (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000)           AS bucket,
    coalesce(value, count)::DECIMAL(38, 9)                                 AS value
  FROM metric_point
  WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
    AND isfinite(coalesce(value, count)::DOUBLE) AND abs(coalesce(value, count)) < 1e28
),
bucketed AS (
  SELECT * EXCLUDE (value), max(value) AS highest, sum(value) AS total
  FROM points
  GROUP BY ALL
),
levels AS (  -- a gauge is its highest value, a counter its increase a second, a fall being a reset
  SELECT * EXCLUDE (highest, total),
    CASE
      WHEN NOT counts THEN highest
      WHEN is_delta THEN total / $bucket_s
      WHEN highest >= lag(highest) OVER series THEN (highest - lag(highest) OVER series) / $bucket_s
      WHEN highest < lag(highest) OVER series THEN highest / $bucket_s
    END AS level
  FROM bucketed
  WINDOW series AS (PARTITION BY series_uid, metric_name, counts, is_delta ORDER BY bucket)
)
