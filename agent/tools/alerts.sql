-- question: Which alerts fired and resolved?
SELECT
  time,
  finding_info.title AS title,
  workload.service   AS service,
  finding_info.uid   AS uid,
  status_id = 4      AS resolved,
  severity_id,
  finding_info.desc  AS description
FROM detection_finding
ORDER BY time, title, service, uid, resolved, description
