-- A callee is the service whose server span answered. Unanswered, a call went to the store it
-- names, else where other calls to that address were answered, else to the service it names; an
-- address that never answered is external. An address of several services tells nothing.
lives_at AS (
  SELECT address, port, min(answered_by) AS resident, count(DISTINCT answered_by) AS residents
  FROM calls
  WHERE answered_by IS NOT NULL AND address IS NOT NULL
  GROUP BY address, port
),
placed AS (
  SELECT calls.*, residents,
    CASE
      WHEN answered_by IS NOT NULL THEN answered_by
      WHEN system IS NULL AND residents = 1 THEN resident
      WHEN system IS NULL THEN named
    END AS callee
  FROM calls
  LEFT JOIN lives_at ON lives_at.address = calls.address
    AND lives_at.port IS NOT DISTINCT FROM calls.port
),
called AS (
  SELECT service AS caller, trace_uid, time, duration_ns, failed, answered_by,
    coalesce(callee, system || coalesce('/' || namespace, '/' || address, ''), address) AS callee,
    CASE WHEN callee IS NULL THEN coalesce(system, 'external') END                      AS system
  FROM placed
  WHERE callee IS NOT NULL OR system IS NOT NULL OR (residents IS NULL AND address IS NOT NULL)
)
