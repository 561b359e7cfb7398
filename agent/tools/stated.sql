-- question: Which calls, stores and hosts does a stated topology name?
-- What is stated holds whatever its time is, unless the same source took it back later.
WITH said AS (
  SELECT workload.service AS source, entity.name AS target, coalesce(entity.type, 'service') AS kind,
    coalesce(activity_id = 4, false)                AS is_gone,
    row_number() OVER (PARTITION BY workload.service, entity.name, entity.type
      ORDER BY time DESC, coalesce(activity_id = 4, false)) AS place
  FROM entity_management
  WHERE metadata.log_name = 'topology' AND workload.service IS NOT NULL AND entity.name IS NOT NULL
)
SELECT source, target, kind
FROM said
WHERE place = 1 AND NOT is_gone
ORDER BY source, target, kind
