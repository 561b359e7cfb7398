-- What is said of trouble by and of pods that do not do well (`ill`), lines of mere information
-- left out: one row a pod and a line. `kind`, `namespace`, `name` are the workload. A line that
-- names nobody is of the one workload that is ill, if there is but one.
WITH lines AS (
  SELECT origin, kind AS of_kind, namespace AS of_namespace, name AS of_name, service AS of_service,
    seen_at, last_at, severity_id, times, is_last, line
  FROM said
  WHERE severity_id NOT IN (1, 2)
  UNION ALL
  SELECT 'waiting', kind, namespace, name, service, seen_at, seen_at, 4, 1, true,
    concat_ws(': ', waiting_reason, waiting_message)
  FROM containers
  WHERE waiting_message <> ''
),
sole AS (
  SELECT min(name) AS name FROM ill HAVING count(DISTINCT (kind, namespace, name)) = 1
),
matched AS (
  SELECT lines.*, ill.* EXCLUDE (seen_at)
  FROM lines JOIN ill ON ill.pod = of_name AND of_kind = 'Pod'
    AND (of_namespace = '' OR ill.namespace = '' OR of_namespace = ill.namespace)
  UNION ALL
  SELECT lines.*, ill.* EXCLUDE (seen_at)
  FROM lines JOIN ill ON ill.kind = 'Job' AND ill.pod IS NULL AND of_kind = 'Pod'
    AND regexp_extract(of_name, '^(.+)-[a-z0-9]{5}$', 1) = ill.name
    AND (of_namespace = '' OR of_namespace = ill.namespace)
  UNION ALL
  SELECT lines.*, ill.* EXCLUDE (seen_at)
  FROM lines JOIN ill ON of_kind = 'Service' AND of_name IN (ill.service, ill.name, ill.container)
    AND (of_namespace = '' OR of_namespace = ill.namespace)
  UNION ALL
  SELECT lines.*, ill.* EXCLUDE (seen_at)
  FROM lines JOIN ill ON of_kind = 'Log' AND of_name = '' AND ill.name IN (SELECT name FROM sole)
)
SELECT * EXCLUDE (of_kind, of_namespace, of_name, of_service, pod),
  coalesce(pod, CASE WHEN of_kind = 'Pod' THEN of_name END) AS pod
FROM matched
