-- question: When was each alert last told of, from $start to $end?
-- $alert is a title or uid, $service one that it is about or that it leaves open; NULL asks for
-- all. First come those about services that telemetry shows, and of these the latest.
WITH {{told}}
SELECT
  title, service, is_observed,
  max(time)                     AS last_at,
  bool_or(resolved IS NOT TRUE) AS fired
FROM told
WHERE ($alert IS NULL OR $alert IN (title, uid))
  AND ($service IS NULL OR service IS NULL OR service = $service)
GROUP BY ALL
ORDER BY is_observed DESC, last_at DESC, title, service
