-- question: Which alerts fired and resolved?
-- A notification that is delivered again, as Alertmanager does, is the same firing; one that was
-- acknowledged, or noted upon, fires no more than before.
SELECT
  time,
  finding_info.title     AS title,
  workload.service       AS service,
  finding_info.uid       AS uid,
  status_id = 4          AS resolved,
  max(severity_id)       AS severity_id,
  max(finding_info.desc) AS description
FROM detection_finding
WHERE activity_id IS DISTINCT FROM 2
GROUP BY ALL
ORDER BY time, title, service, uid, resolved
