-- question: What happened from $start to $end, in its order?
-- offer: Changes, alerts, cluster warnings, first errors of a sort, in order
-- takes: service text = all -- part of a name
-- takes: start time = onset-15m
-- takes: end time = end
WITH announced AS (
  {{question(changes)}}
),
alerts AS (
  {{question(alerts)}}
),
errors AS (
  SELECT time, workload.service AS service, exception.type AS exception, {{mask(line)}} AS template
  FROM (
    SELECT *, regexp_extract(left(coalesce(message, exception.message, ''), 1000), '[^\r\n]+') AS line
    FROM log_record
    WHERE time >= $start AND time < $end AND severity_id >= 4
      AND workload.service IS DISTINCT FROM 'inquest'
  )
),
warnings AS (
  SELECT greatest(coalesce(first_seen_time, time), $start) AS time, reason, message,
    concat_ws('/', object.kind, object.namespace, object.name) AS who, greatest(count, 1) AS times
  FROM kubernetes_event
  WHERE coalesce(last_seen_time, time) >= $start AND time < $end AND reason IS NOT NULL
    AND (event_type = 'Warning' OR severity_id >= 3)
),
every AS (
  SELECT declared_at AS time, 'change' AS sort, service AS who,
    concat_ws(' ', kind, version, state) AS what, 1 AS times
  FROM announced
  UNION ALL
  SELECT time, CASE WHEN resolved THEN 'resolved' ELSE 'alert' END, service, title, 1 FROM alerts
  UNION ALL
  SELECT min(time), 'warning', who, concat_ws(': ', reason, min({{mask(message)}})), max(times)
  FROM warnings
  GROUP BY who, reason
  UNION ALL
  SELECT min(time), 'error', service, concat_ws(': ', exception, template), count(*)
  FROM errors
  GROUP BY service, exception, template
)
SELECT time, sort, who, what, times::BIGINT AS times
FROM every
WHERE $service IS NULL OR contains(lower(who), lower($service))
QUALIFY row_number() OVER (PARTITION BY sort ORDER BY times DESC, time, who, what) <= 40
ORDER BY time, sort, who, what, times
LIMIT 200
