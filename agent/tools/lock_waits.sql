-- question: Which database sessions held locks that others waited for, from $start to $end?
-- A waiter may itself be waited for: what counts is the session at the head of the queue. A session
-- that waits writes nothing until its wait is over, so its next line ends it.
WITH RECURSIVE lines AS (
  SELECT time, attributes, (attributes->>'$."process.pid"')::BIGINT AS pid,
    lead(time) OVER (PARTITION BY pid ORDER BY time, message) AS next_at
  FROM log_record
  WHERE time >= $start AND time < $end AND contains(attributes, '"process.pid"')
),
waits AS (
  SELECT
    attributes->>'$."db.system.name"'                           AS system,
    attributes->>'$."db.namespace"'                             AS namespace,
    attributes->>'$."postgresql.application_name"'              AS application,
    attributes->>'$."postgresql.lock.relation"'                 AS relation,
    regexp_replace(attributes->>'$."postgresql.lock.object"', '^tuple \S+ of ', '') AS object,
    (attributes->>'$."postgresql.lock.waiter"')::BIGINT         AS waiter,
    unnest(from_json(attributes->'$."postgresql.lock.holders"', '["BIGINT"]')) AS holder,
    time - to_microseconds((1000
      * (attributes->>'$."postgresql.lock.waited_ms"')::DOUBLE)::BIGINT) AS since,
    time,
    coalesce(next_at, $end)                                     AS until
  FROM lines
  WHERE attributes->>'$."postgresql.lock.event"' = 'waiting'
),
climbed AS (  -- from each wait up the queue: who holds what the holder waits for
  SELECT waiter, time, holder FROM waits
  UNION
  SELECT climbed.waiter, climbed.time, waits.holder
  FROM climbed
  JOIN waits ON waits.waiter = climbed.holder AND climbed.time BETWEEN waits.since AND waits.until
),
heads AS (
  SELECT waiter, time, holder
  FROM climbed
  WHERE NOT EXISTS (
    FROM waits AS queued
    WHERE queued.waiter = climbed.holder AND climbed.time BETWEEN queued.since AND queued.until)
),
held AS (  -- one row a wait: it may stand before several holders, each by several ways
  SELECT heads.holder, waiter, time, system, namespace, application, relation, object, since, until
  FROM heads
  JOIN (SELECT DISTINCT * EXCLUDE (holder) FROM waits) USING (waiter, time)
)
SELECT
  system, namespace, holder,
  coalesce(list_sort(list(DISTINCT relation) FILTER (relation IS NOT NULL)), [])       AS relations,
  coalesce(list_sort(list(DISTINCT object) FILTER (object IS NOT NULL)), [])           AS objects,
  coalesce(list_sort(list(DISTINCT application) FILTER (application IS NOT NULL)), []) AS waiters,
  count(*)                                                               AS waits,
  max(epoch_us(until) - epoch_us(since)) // 1000                         AS longest_ms,
  min(since)                                                             AS first_at,
  max(until)                                                             AS last_at,
  list_sort(list((epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000))) AS buckets
FROM held
GROUP BY system, namespace, holder
ORDER BY waits DESC, first_at, holder, system, namespace
