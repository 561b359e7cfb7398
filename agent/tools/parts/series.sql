points AS (  -- a delta of what may fall is left out: from what level it moves is not known
  SELECT series_uid, metric_name, unit, workload.service AS service,
    coalesce(workload.node, '') AS node,
    coalesce(workload.instance, '') AS instance, coalesce(workload.version, '') AS version,
    coalesce(attributes::VARCHAR, '{}')                          AS attributes,
    coalesce(temporality = 'delta', false)                       AS is_delta,
    coalesce(is_monotonic OR metric_type LIKE '%histogram' OR metric_type = 'summary', false)
                                                                 AS counts,
    (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000) AS bucket,
    coalesce(value, count)::DECIMAL(38, 9)                       AS value,
    epoch_us(time) - epoch_us(start_time)                        AS covers_us
  FROM metric_point
  WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
    AND isfinite(coalesce(value, count)::DOUBLE) AND abs(coalesce(value, count)) < 1e28
    AND (counts OR NOT is_delta)
),
bucketed AS (
  SELECT * EXCLUDE (value, covers_us), max(value) AS highest, sum(value) AS total,
    greatest(max(covers_us), $bucket_s * 1000000) / 1000000 AS covers_s
  FROM points
  GROUP BY ALL
),
levels AS (  -- a gauge is its highest value, a counter its increase a second, a fall being a reset
  SELECT * EXCLUDE (highest, total, covers_s),
    (bucket - lag(bucket) OVER series) * $bucket_s AS passed_s,
    CASE
      WHEN NOT counts THEN highest
      WHEN is_delta THEN total / covers_s
      WHEN highest >= lag(highest) OVER series THEN (highest - lag(highest) OVER series) / passed_s
      WHEN highest < lag(highest) OVER series THEN highest / passed_s
    END AS level
  FROM bucketed
  WINDOW series AS (PARTITION BY series_uid, metric_name, counts, is_delta ORDER BY bucket)
)
