-- What was deployed or configured, and how that went.
SELECT time::VARCHAR AS time, change.kind AS kind, coalesce(app.name, workload.service) AS service,
  coalesce(app.version, workload.version) AS version, left(change.revision, 12) AS revision,
  actor.user.name AS who, change.state AS state, message AS says
FROM application_lifecycle
ORDER BY application_lifecycle.time, service
