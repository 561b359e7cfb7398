-- question: Which metric series moved from $start to $end?
-- A gauge is its highest value in a bucket; a counter its increase per second, a fall being a reset;
-- a histogram the increase of its count. Series that never move are left out.
WITH points AS (
  SELECT series_uid, metric_name, unit, metric_type, temporality, is_monotonic,
    workload.service AS service, workload.instance AS instance, workload.version AS version,
    attributes::VARCHAR AS attributes,
    (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000) AS bucket,
    coalesce(value, count)::DECIMAL(38, 9) AS value
  FROM metric_point
  WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
    AND coalesce(value, count) IS NOT NULL AND isfinite(coalesce(value, count)::DOUBLE)
    AND abs(coalesce(value, count)) < 1e28
),
bucketed AS (
  SELECT series_uid, metric_name, unit, service, instance, version, attributes, bucket,
    coalesce(is_monotonic, false) OR metric_type LIKE '%histogram' AS counts,
    coalesce(temporality, '') = 'delta'                            AS is_delta,
    max(value) AS highest,
    sum(value) AS total
  FROM points
  GROUP BY ALL
),
levels AS (
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
SELECT
  series_uid, metric_name, max(unit) AS unit, max(service) AS service, max(instance) AS instance,
  max(version) AS version, max(attributes) AS attributes, bool_or(counts) AS is_rate,
  list(bucket ORDER BY bucket)        AS buckets,
  list(level::DOUBLE ORDER BY bucket) AS "values"
FROM levels
WHERE level IS NOT NULL
GROUP BY series_uid, metric_name
HAVING min(level) < max(level)
ORDER BY metric_name, service, instance, version, attributes, series_uid
