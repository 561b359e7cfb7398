-- The announced changes before the trouble's end, the latest of each.
SELECT change.uid AS uid, arg_max(coalesce(app.name, workload.service), time) AS resource,
  arg_max(change.revision, time) AS revision, min(time) AS changed_at
FROM application_lifecycle
WHERE time < $until AND change.uid IS NOT NULL
GROUP BY uid
ORDER BY changed_at DESC, uid
