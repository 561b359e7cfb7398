-- The announced changes before the alarm, the latest word on each.
SELECT change.uid AS uid, arg_max(coalesce(app.name, workload.service), time) AS resource,
  arg_max(change.revision, time) AS revision, max(time) AS changed_at
FROM application_lifecycle
WHERE time <= $at AND change.uid IS NOT NULL
GROUP BY uid
ORDER BY changed_at DESC, uid
