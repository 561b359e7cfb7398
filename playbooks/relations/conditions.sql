-- Every condition in an object's status: one row a condition.
SELECT kind, namespace, name, seen_at, service, node,
  c->>'$.type'    AS type,
  c->>'$.status'  AS status,
  c->>'$.reason'  AS reason,
  c->>'$.message' AS message
FROM (
  SELECT *, unnest(conditions::JSON->'$[*]') AS c
  FROM objects
  WHERE conditions IS NOT NULL
)
