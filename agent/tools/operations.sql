-- question: How long did each operation take by itself, and how often did it fail by itself, before $onset and from then to $end?
WITH {{spans}}, {{calls}}, {{called}}, {{tree}}, {{runs}},
traced AS (
  SELECT service, operation, peer, kind, slot, trace_uid, count(*) AS runs,
    count(*) FILTER (own_failed)                   AS failed,
    sum(round(1000 * ln(own_ns))::BIGINT)::BIGINT  AS own
  FROM runs
  GROUP BY ALL
),
summed AS (
  SELECT service, operation, peer, kind, slot, count(*) AS traces, sum(runs)::BIGINT AS runs,
    sum(runs * runs)::BIGINT     AS runs_runs,
    sum(own)::BIGINT             AS own,
    sum(own * own)::BIGINT       AS own_own,
    sum(own * runs)::BIGINT      AS own_runs,
    sum(failed)::BIGINT          AS failed,
    sum(failed * failed)::BIGINT AS failed_failed,
    sum(failed * runs)::BIGINT   AS failed_runs
  FROM traced
  GROUP BY ALL
)
SELECT service, operation, peer, kind,
  list(slot ORDER BY slot)          AS slots,
  list(traces ORDER BY slot)        AS traces,
  list(runs ORDER BY slot)          AS runs,
  list(runs_runs ORDER BY slot)     AS runs_runs,
  list(own ORDER BY slot)           AS own,
  list(own_own ORDER BY slot)       AS own_own,
  list(own_runs ORDER BY slot)      AS own_runs,
  list(failed ORDER BY slot)        AS failed,
  list(failed_failed ORDER BY slot) AS failed_failed,
  list(failed_runs ORDER BY slot)   AS failed_runs
FROM summed
GROUP BY service, operation, peer, kind
ORDER BY sum(runs) DESC, service, operation, peer, kind
