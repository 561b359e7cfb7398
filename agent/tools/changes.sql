-- question: What was announced as changed from $start to $end?
-- A change failed if it never succeeded and its last word is a failure; a deployment that the next
-- one makes inactive did not. What was only `planned`, or was found to have `drifted` nobody knows
-- when, is no change; a deploy is told all the same, in case that telemetry shows it. A plan does
-- not date what came of it.
WITH told AS (
  SELECT *, (time, len(metadata.uid), metadata.uid, change.state) AS moment,
    coalesce(change.state NOT IN ('planned', 'drifted'), true)      AS happened
  FROM application_lifecycle
  WHERE time >= $start AND time < $end
)
SELECT
  change.uid                                               AS uid,
  arg_max(change.kind, moment)                             AS kind,
  arg_max(coalesce(app.name, workload.service), moment)    AS service,
  arg_max(coalesce(app.version, workload.version), moment) AS version,
  arg_max(change.revision, moment)                         AS revision,
  arg_max(actor.user.name, moment)                         AS who,
  arg_max(change.url, moment)                              AS url,
  arg_max(change.environment, moment)                      AS environment,
  arg_max(change.state, moment)                            AS state,
  arg_max(source, moment)                                  AS source,
  coalesce(state IN ('failure', 'error', 'inactive')
    AND NOT bool_or(change.state = 'success'), false)      AS failed,
  bool_or(happened)                                        AS happened,
  coalesce(min(time) FILTER (happened), min(time))         AS declared_at,
  max(time)                                                AS last_event_at
FROM told
GROUP BY uid
HAVING bool_or(happened) OR arg_max(change.kind, moment) = 'deploy'
ORDER BY declared_at, uid
