-- question: How long did each operation take by itself on each node, before $onset and from then to $end?
WITH {{spans}}, {{calls}}, {{called}}, {{tree}}, {{runs}},
traced AS (
  SELECT service, operation, node, slot, trace_uid, count(*) AS runs,
    sum(round(1000 * ln(own_ns))::BIGINT)::BIGINT AS own
  FROM runs
  WHERE kind = 'inner' AND node IS NOT NULL
  GROUP BY ALL
),
summed AS (
  SELECT service, operation, node, slot, count(*) AS traces, sum(runs)::BIGINT AS runs,
    sum(runs * runs)::BIGINT AS runs_runs,
    sum(own)::BIGINT         AS own,
    sum(own * own)::BIGINT   AS own_own,
    sum(own * runs)::BIGINT  AS own_runs
  FROM traced
  GROUP BY ALL
)
SELECT service, operation, node,
  list(slot ORDER BY slot)      AS slots,
  list(traces ORDER BY slot)    AS traces,
  list(runs ORDER BY slot)      AS runs,
  list(runs_runs ORDER BY slot) AS runs_runs,
  list(own ORDER BY slot)       AS own,
  list(own_own ORDER BY slot)   AS own_own,
  list(own_runs ORDER BY slot)  AS own_runs
FROM summed
GROUP BY service, operation, node
ORDER BY sum(runs) DESC, service, operation, node
