-- What was changed before $end, as it was announced or seen: one row an event.
SELECT time AS seen_at, workload.service AS service, workload.namespace AS namespace,
  coalesce(app.name, workload.service, '') AS what, app.version AS version, change.kind AS kind,
  change.state AS state, change.revision AS revision, change.url AS url,
  actor.user.name AS who, message, status_detail AS detail, unmapped
FROM application_lifecycle
WHERE time < $end
