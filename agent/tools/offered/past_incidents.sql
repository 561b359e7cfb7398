-- question: Which incidents were investigated from $start to $end, and what was found?
-- offer: Earlier investigations and their causes
-- takes: service service = all
-- takes: start time = onset-90d
-- takes: end time = onset
-- people: report
WITH found AS (
  SELECT * REPLACE (array_to_string(list_sort(impacted_services), ' ') AS impacted_services)
  FROM ({{question(past_incidents)}})
)
SELECT started_at AS time, verdict, service, version, mechanism, indicator, change_kind, probability,
  impacted_services AS hit, title, report
FROM found
ORDER BY time DESC, uid
LIMIT 60
