-- question: What was announced as changed from $start to $end?
-- A change failed if it never succeeded and its last word is a failure; a deployment that the next
-- one makes inactive did not.
WITH told AS (
  SELECT *, (time, len(metadata.uid), metadata.uid, change.state) AS moment
  FROM application_lifecycle
  WHERE time >= $start AND time < $end
)
SELECT
  change.uid                                           AS uid,
  arg_max(change.kind, moment)                             AS kind,
  arg_max(coalesce(app.name, workload.service), moment)    AS service,
  arg_max(coalesce(app.version, workload.version), moment) AS version,
  arg_max(change.revision, moment)                         AS revision,
  arg_max(actor.user.name, moment)                         AS who,
  arg_max(change.url, moment)                              AS url,
  arg_max(change.environment, moment)                      AS environment,
  arg_max(change.state, moment)                            AS state,
  coalesce(state IN ('failure', 'error', 'inactive')
    AND NOT bool_or(change.state = 'success'), false)  AS failed,
  min(time)                                            AS declared_at,
  max(time)                                            AS last_event_at
FROM told
GROUP BY uid
ORDER BY declared_at, uid
