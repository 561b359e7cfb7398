-- question: Which alerts fired from $start to $end, and on which occasions as long before that?
-- An occasion is $bucket_s seconds long; that of the present is 0, those before it -1, -2 and so on.
-- An alert about a call is one about who is called. What is no alarm is left out as in `alerts`.
WITH fired AS (
  SELECT time, workload, finding_info.title AS title,
    coalesce(metadata.log_name, source, '')  AS kind,
    coalesce(attributes->'$.labels', attributes::JSON) AS labels
  FROM detection_finding
  WHERE time < $end AND activity_id IS DISTINCT FROM 2 AND status_id IS DISTINCT FROM 4
    AND {{alarm}}
),
about AS (
  SELECT *,
    {{mesh_source}} AS caller,
    {{mesh_target}} AS callee,
    coalesce(callee, workload.service, workload.instance, workload.pod, workload.node) AS resource,
    CASE WHEN time >= $start THEN 0  -- // would round what is just before it up to 0 too
      ELSE -1 - (epoch_us($start) - 1 - epoch_us(time)) // ($bucket_s * 1000000) END AS occasion
  FROM fired
)
SELECT
  resource,
  CASE WHEN workload.instance <> resource THEN workload.instance END       AS instance,
  CASE WHEN caller <> resource THEN caller END                             AS caller,
  kind,
  coalesce(title, '')                                                      AS title,
  min(time) FILTER (occasion = 0)                                          AS first_at,
  count(*) FILTER (occasion = 0)                                           AS times,
  list(DISTINCT occasion ORDER BY occasion)                                AS occasions
FROM about
WHERE resource IS NOT NULL
GROUP BY ALL
ORDER BY resource, instance, caller, kind, title
