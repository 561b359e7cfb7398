-- name: edge_list_csv
-- reads: csv
-- class: entity_management
-- product: unknown / edge list
-- sniff: \A"?(?i:source|caller|parent)"?[,;\t|]"?(?i:target|callee|child)"?(?:[,;\t|]|\r?$)
-- A topology that somebody states: `source,target[,kind[,time]]`, a row an edge, the source being
-- who calls, runs or stores. A kind is what the target is (service, database, cache, queue, node,
-- pod, zone) or the relation (calls, stores, runs_on); without one it is a call of a service. An
-- edge without a time is of when the list arrived, as `unmapped` says.
WITH cells AS (
  SELECT position, ingested_at,
    map_from_entries(list_transform(map_entries(fields),
      lambda e: {'key': lower(trim(e.key)), 'value': nullif(trim(e."value"), '')})) AS f
  FROM raw
),
edges AS (
  SELECT *, coalesce(f['source'], f['caller'], f['parent']) AS origin,
    coalesce(f['target'], f['callee'], f['child'])           AS target,
    coalesce(f['kind'], f['type'], f['relation'])            AS kind,
    coalesce(f['time'], f['timestamp'])                      AS told_at
  FROM cells
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
  filled({'kind': kind, 'time_from': CASE WHEN told_at IS NULL THEN 'arrival' END}) AS unmapped,
  CASE
    WHEN origin IS NULL OR target IS NULL THEN 'the row has not both ends of an edge'
    WHEN told_at IS NOT NULL AND any_time(told_at) IS NULL THEN 'its time cannot be read'
  END                                               AS problem
FROM edges
