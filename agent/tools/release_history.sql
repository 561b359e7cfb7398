-- question: Which changes of the kind $kind before $start were followed by trouble within 30 minutes?
-- Trouble is an alert that fires, of the service or of none in particular, or that the service goes
-- back to what it had before; going back is no release. What was changed in one minute is one event
-- of which each has a part: a platform's work says little of every service. `alarmed_us` is the time
-- of the history from which on an alert would have come within 30 minutes, whatever was changed.
WITH told AS (
  SELECT *, (time, len(metadata.uid), metadata.uid, change.state) AS moment,
    coalesce(change.state NOT IN ('planned', 'drifted'), true)      AS happened
  FROM application_lifecycle
  WHERE time < $start AND change.uid IS NOT NULL
),
changed AS (
  SELECT
    change.uid                                                    AS uid,
    arg_max(source, moment)                                       AS source,
    arg_max(change.environment, moment)                           AS environment,
    arg_max(coalesce(app.name, workload.service), moment)         AS service,
    arg_max(coalesce(app.version, workload.version, change.revision), moment) AS put,
    min(time) FILTER (happened)                                   AS came
  FROM told
  GROUP BY uid
  HAVING came IS NOT NULL AND service IS NOT NULL AND arg_max(change.kind, moment) = $kind
    AND (bool_or(change.state = 'success')
      OR coalesce(arg_max(change.state, moment) NOT IN ('failure', 'error', 'inactive'), true))
),
placed AS (
  SELECT *,
    lag(put) OVER own                                             AS before,
    coalesce(lead(put) OVER own = before AND before <> put
      AND lead(came) OVER own <= came + INTERVAL 30 MINUTE, false) AS is_taken_back
  FROM changed
  WINDOW own AS (PARTITION BY service, source, environment ORDER BY came, uid)
),
released AS (
  SELECT *, count(*) OVER (PARTITION BY date_trunc('minute', came)) AS at_once,
    coalesce(lag(is_taken_back) OVER own, false)                  AS is_back
  FROM placed
  WINDOW own AS (PARTITION BY service, source, environment ORDER BY came, uid)
),
releases AS (
  FROM released WHERE NOT is_back AND came <= $start::TIMESTAMPTZ - INTERVAL 30 MINUTE
),
history AS (
  SELECT min(came) AS began, epoch_us($start) - epoch_us(began)  AS length_us FROM releases
),
finding AS (
  SELECT time, workload, coalesce(attributes->'$.labels', attributes::JSON) AS labels
  FROM detection_finding
  WHERE time < $start AND activity_id IS DISTINCT FROM 2 AND status_id IS DISTINCT FROM 4
    AND {{alarm}}
),
fired AS (
  SELECT DISTINCT time, coalesce({{mesh_target}}, workload.service) AS service
  FROM finding, history
  WHERE time > began
),
heard AS (
  SELECT service, time FROM fired WHERE service IS NOT NULL
  UNION
  SELECT named.service, time FROM (SELECT DISTINCT service FROM releases) AS named, fired
  WHERE fired.service IS NULL
),
alarmed AS (
  SELECT service, sum(least(since_us, 1800000000))::BIGINT        AS alarmed_us
  FROM (
    SELECT service,
      epoch_us(time) - epoch_us(lag(time, 1, began) OVER own) AS since_us
    FROM heard, history
    WINDOW own AS (PARTITION BY service ORDER BY time)
  )
  GROUP BY service
),
followed AS (
  SELECT releases.service, (1.0 / at_once)::DECIMAL(18, 9)        AS part,
    is_taken_back OR coalesce(time <= came + INTERVAL 30 MINUTE, false) AS is_followed
  FROM releases
  ASOF LEFT JOIN heard ON heard.service = releases.service AND heard.time > releases.came
)
SELECT
  service,
  count(*)                                                        AS changes,
  count(*) FILTER (is_followed)                                   AS followed,
  sum(part)                                                       AS events,
  coalesce(sum(part) FILTER (is_followed), 0)                     AS followed_events,
  coalesce(max(alarmed_us), 0)                                    AS alarmed_us,
  max(length_us)                                                  AS history_us
FROM followed
LEFT JOIN alarmed USING (service)
CROSS JOIN history
GROUP BY service
ORDER BY service
