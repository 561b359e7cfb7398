-- question: What was announced as changed from $start to $end?
SELECT
  change.uid                                             AS uid,
  arg_max(change.kind, time)                             AS kind,
  arg_max(coalesce(app.name, workload.service), time)    AS service,
  arg_max(coalesce(app.version, workload.version), time) AS version,
  arg_max(change.revision, time)                         AS revision,
  arg_max(actor.user.name, time)                         AS who,
  arg_max(change.url, time)                              AS url,
  arg_max(change.environment, time)                      AS environment,
  arg_max(change.state, time)                            AS state,
  min(time)                                              AS declared_at,
  max(time)                                              AS last_event_at
FROM application_lifecycle
WHERE time >= $start AND time < $end
GROUP BY uid
ORDER BY declared_at, uid
