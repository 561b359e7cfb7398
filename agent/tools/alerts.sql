-- question: Which alerts fired and resolved from $start to $end?
-- A notification that is delivered again, as Alertmanager does, is the same firing.
WITH {{told}}
SELECT
  time, title, service, uid, resolved, is_observed,
  max(severity_id) AS severity_id,
  max(description) AS description
FROM told
GROUP BY ALL
ORDER BY time, title, service, uid, resolved
