-- name: releases_edges
-- reads: csv
-- class: entity_management
-- files: dependency.csv dependency.csv.gz
-- A call graph that somebody states, `Source,Target,Weight`; a target that is an address is the node
-- that the source's pods run on.
SELECT
  position,
  ingested_at,
  ingested_at                                           AS "time",
  2                                                     AS activity_id,
  1                                                     AS severity_id,
  {'log_name': 'topology'}                              AS metadata,
  {'service': fields['Source']}                         AS workload,
  {'name': fields['Target'], 'type_id': 99,
   'type': CASE WHEN is_ip(fields['Target']) THEN 'node' ELSE 'service' END} AS entity,
  filled({'weight': fields['Weight'], 'time_from': 'arrival'}) AS unmapped,
  CASE WHEN fields['Source'] = '' OR fields['Target'] = '' THEN 'the row has not both ends' END
                                                        AS problem
FROM raw
