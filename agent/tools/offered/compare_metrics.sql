-- question: Which metrics moved from $onset to $end, against the time from $start to $calm_until?
-- offer: Metric series since onset against from start, largest robust z first
-- takes: service service = all
-- takes: metric text = all -- part of its name
-- takes: start time = start
-- takes: onset time = onset
-- takes: end time = end
-- `z` is the shift of the median in robust standard deviations, 1.4826 times the median absolute
-- deviation before; less than 2 per cent of the highest level is no deviation, so that what never
-- moved before has at most 50. What was not there before has none.
WITH metric_point AS (
  FROM metric_point
  WHERE (time >= $start AND time < $calm_until OR time >= $onset AND time < $end)
    AND ($service IS NULL OR workload.service = $service)
    AND ($metric IS NULL OR contains(lower(metric_name), lower($metric)))
),
moved AS (
  {{question(metrics)}}
),
split AS (
  SELECT *, (epoch_us($onset) - epoch_us($start)) // ($bucket_s * 1000000) AS turn,
    list_zip(buckets, "values")                                            AS points,
    list_transform(list_filter(points, lambda p: p[1] < turn), lambda p: p[2])  AS calm,
    list_transform(list_filter(points, lambda p: p[1] >= turn), lambda p: p[2]) AS since
  FROM moved
),
judged AS (
  SELECT *, list_median(calm) AS before, list_median(since) AS during,
    nullif(greatest(1.4826 * list_aggregate(calm, 'mad'), 0.02 * abs(list_median(calm)),
      0.02 * list_max(list_transform(since, lambda v: abs(v)))), 0) AS deviation
  FROM split
)
SELECT service, nullif(node, '') AS node, metric_name AS metric,
  nullif(attributes, '{}')                                                 AS labels,
  concat_ws('', unit, CASE WHEN is_rate THEN '/s' END)                     AS unit,
  before, during, list_min(since) AS lowest, list_max(since) AS highest,
  round((during - before) / deviation, 1)                                  AS z
FROM judged
WHERE len(since) > 0
ORDER BY abs(z) DESC NULLS LAST, service, node, metric, labels, unit, before, during
LIMIT 200
