-- name: edge_list_json
-- reads: json
-- class: entity_management
-- product: unknown / edge list
-- sniff: \{\s*"(?:source|caller|parent)"\s*:\s*"[^"]*"\s*,\s*"(?:target|callee|child)"\s*:\s*"
-- https://www.jaegertracing.io/docs/latest/apis/#service-dependencies-graph-internal
-- https://zipkin.io/zipkin-api/#/default/get_dependencies
-- A topology that somebody states: objects {"source", "target", "kind"?, "time"?}, one a document, in
-- an array, or under "edges", "links" or "data"; also Jaeger's and Zipkin's dependencies (parent,
-- child, callCount). The rest is as in `edge_list_csv`.
WITH documents AS (
  SELECT position, ingested_at, unnest(CASE
      WHEN json_type(doc, '$.edges') = 'ARRAY' THEN doc->'$.edges[*]'
      WHEN json_type(doc, '$.links') = 'ARRAY' THEN doc->'$.links[*]'
      WHEN json_type(doc, '$.data') = 'ARRAY' THEN doc->'$.data[*]'
      WHEN json_type(doc) = 'ARRAY' THEN doc->'$[*]'
      ELSE [doc] END) AS doc
  FROM raw
),
edges AS (
  SELECT position, ingested_at, doc,
    nullif(coalesce(doc->>'$.source', doc->>'$.caller', doc->>'$.parent'), '') AS origin,
    nullif(coalesce(doc->>'$.target', doc->>'$.callee', doc->>'$.child'), '')  AS target,
    coalesce(doc->>'$.kind', doc->>'$.type', doc->>'$.relation')               AS kind,
    coalesce(doc->>'$.time', doc->>'$.timestamp')                              AS told_at
  FROM documents
)
SELECT
  position,
  ingested_at,
  CASE WHEN told_at IS NULL THEN ingested_at ELSE any_time(told_at) END AS "time",
  2                                                 AS activity_id,
  1                                                 AS severity_id,
  {'log_name': 'topology'}                          AS metadata,
  {'service': origin}                               AS workload,
  {'name': target, 'type_id': 99, 'type': edge_end(kind)} AS entity,
  filled({'kind': kind, 'calls': coalesce(doc->>'$.callCount', doc->>'$.calls'),
    'time_from': CASE WHEN told_at IS NULL THEN 'arrival' END}) AS unmapped,
  CASE
    WHEN origin IS NULL OR target IS NULL THEN 'the object has not both ends of an edge'
    WHEN told_at IS NOT NULL AND any_time(told_at) IS NULL THEN 'its time cannot be read'
  END                                               AS problem
FROM edges
