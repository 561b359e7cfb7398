-- A kind in small letters, its words joined.
CREATE MACRO said_kind(kind) AS regexp_replace(lower(trim(coalesce(kind, ''))), '[ -]+', '_', 'g');

-- What an edge leads to, by what is said of its kind: that is a relation, or what its end is.
-- Of a relation to a host the end is a node, of one to a store a database; all else is a service.
CREATE MACRO edge_end(kind) AS CASE
  WHEN regexp_matches(said_kind(kind), '^(node|host|pod|zone|region|cluster|instance|vm|machine)$')
    THEN said_kind(kind)
  WHEN regexp_matches(said_kind(kind), '^(runs?_on|deployed_on|placed_on|hosted_(on|by)|located_in)$')
    THEN 'node'
  WHEN regexp_matches(said_kind(kind), '^(database|db|cache|queue|topic|broker|bucket|storage)$')
    THEN said_kind(kind)
  WHEN regexp_matches(said_kind(kind), '^(stores?(_in)?|reads?(_from)?|writes?(_to)?|persists?)$')
    THEN 'database'
  ELSE 'service'
END;
