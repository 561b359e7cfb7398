-- How many error lines a service wrote in the trouble beyond what it wrote in calm time, in sigmas.
WITH lines AS (
  SELECT workload.service AS resource, time, severity_id >= 4 AS bad
  FROM log_record
  WHERE workload.service IS DISTINCT FROM 'inquest'
),
minutes AS (  -- that any line was written in: logs may cover a part of the window only
  SELECT count(DISTINCT date_trunc('minute', time)) FILTER (time >= $at AND time < $until) AS ill,
    count(DISTINCT date_trunc('minute', time)) FILTER (
      time >= $calm_start AND time < $calm_end OR time >= $start AND time < $at) AS calm
  FROM lines
),
counted AS (
  SELECT resource,
    count(*) FILTER (bad AND time >= $at AND time < $until) AS ill,
    count(*) FILTER (bad AND (time >= $calm_start AND time < $calm_end
      OR time >= $start AND time < $at)) AS calm
  FROM lines
  GROUP BY resource
)
SELECT resource, (counted.ill - expected) / sqrt(expected + 1) AS score
FROM (
  SELECT counted.*, counted.calm * minutes.ill / greatest(minutes.calm, 1) AS expected
  FROM counted, minutes
) AS counted
WHERE resource IS NOT NULL AND counted.ill > 0
ORDER BY resource
