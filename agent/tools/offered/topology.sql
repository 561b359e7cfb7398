-- question: Who depends on whom around the resource, up to $hops steps away?
-- offer: Neighbours of a service, store, node or Kind/namespace/name: calls, placement, references
-- takes: resource text
-- takes: direction up|down|both = both -- down: what it needs
-- takes: hops 1..3 = 1
WITH RECURSIVE {{relation(refs)}},
{{spans}}, {{calls}}, {{called}},
every AS (
  SELECT caller AS source, 'calls' AS relation, callee AS target FROM called
  UNION
  SELECT caller, 'calls', callee FROM ({{question(mesh)}})
  UNION
  SELECT caller, 'connects to', callee FROM ({{question(flows)}})
  UNION
  SELECT source, 'calls', target FROM ({{question(stated)}})
  UNION
  SELECT service, 'runs on', node FROM ({{question(placed)}})
  UNION
  SELECT concat_ws('/', kind, nullif(namespace, ''), name), relation,
    concat_ws('/', to_kind, nullif(to_namespace, ''), to_name)
  FROM refs
  WHERE to_name <> ''
),
edges AS MATERIALIZED (
  FROM every WHERE source <> target
),
named AS (
  SELECT DISTINCT resource
  FROM (SELECT source AS resource FROM edges UNION SELECT target FROM edges)
  WHERE lower(resource) = lower($resource)
    OR ends_with(lower(resource), '/' || lower($resource))
),
steps AS MATERIALIZED (
  SELECT source AS one, target AS other, source, relation, target FROM edges
  WHERE $direction IN ('down', 'both')
  UNION ALL
  SELECT target, source, source, relation, target FROM edges
  WHERE $direction IN ('up', 'both')
),
reached AS (
  SELECT resource, 0 AS distance FROM named
  UNION
  SELECT other, distance + 1 FROM reached JOIN steps ON one = resource
  WHERE distance < $hops
)
SELECT min(distance) + 1 AS steps, source, relation, target
FROM reached
JOIN steps ON one = resource
WHERE distance < $hops
GROUP BY source, relation, target
ORDER BY steps, source, relation, target
LIMIT 200
