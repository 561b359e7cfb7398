-- name: kubernetes_top
-- reads: text
-- class: metric_point
-- product: Kubernetes / Kubernetes
-- sniff: ^(?:NAMESPACE +|POD +)?NAME +CPU\(cores\) +(?:CPU\(?%\)? +)?MEMORY\(bytes\)
-- https://kubernetes.io/docs/reference/kubectl/generated/kubectl_top/
-- `kubectl top pods|nodes`, with -A and --containers: CPU in cores and memory in bytes, named as
-- OpenTelemetry names them, as of the file's capture; the percentages of a node are attributes.
WITH numbered AS (
  SELECT position, captured_at, ingested_at, unnest(string_split(text, chr(10))) AS line,
    unnest(range(1, len(string_split(text, chr(10))) + 1)) AS number
  FROM raw
),
headed AS (
  SELECT *, contains(line, 'CPU(cores)') AS is_header,
    last_value(CASE WHEN is_header THEN regexp_split_to_array(trim(line), ' +') END IGNORE NULLS)
      OVER (PARTITION BY position ORDER BY number) AS names,
    regexp_split_to_array(trim(line), ' +') AS cells
  FROM numbered
),
measured AS (
  SELECT *,
    list_contains(names, 'CPU(%)') OR list_contains(names, 'CPU%') AS is_node,
    cell(names, cells, 'POD')                        AS of_pod,
    cell(names, cells, 'NAME')                       AS name,
    CASE WHEN is_node THEN 'k8s.node' WHEN of_pod IS NOT NULL THEN 'container' ELSE 'k8s.pod' END
                                                     AS prefix,
    unnest([
      {'name': 'cpu.usage', 'unit': '{cpu}', 'said': cell(names, cells, 'CPU(cores)')},
      {'name': 'memory.usage', 'unit': 'By', 'said': cell(names, cells, 'MEMORY(bytes)')}]
      [:CASE WHEN len(cells) = len(names) THEN 2 ELSE 1 END]) AS m
  FROM headed
  WHERE NOT is_header AND trim(line) <> ''
    AND NOT regexp_matches(line, '^(?:stdout:|stderr:|\$ |# |kubectl |Command `)')
),
points AS (
  SELECT *, prefix || '.' || m.name AS metric_name, quantity(m.said) AS "value",
    CASE WHEN NOT is_node THEN coalesce(of_pod, name) END AS pod,
    filled({'k8s.namespace.name': cell(names, cells, 'NAMESPACE'), 'k8s.pod.name': pod,
      'k8s.container.name': CASE WHEN of_pod IS NOT NULL THEN name END,
      'k8s.node.name': CASE WHEN is_node THEN name END}) AS labels
  FROM measured
),
none AS (
  FROM numbered SELECT position, captured_at, ingested_at GROUP BY ALL
)
SELECT
  position,
  ingested_at,
  captured_at                                        AS "time",
  1                                                  AS activity_id,
  1                                                  AS severity_id,
  0                                                  AS status_id,
  {'pod': pod, 'node': CASE WHEN is_node THEN name END,
   'namespace': cell(names, cells, 'NAMESPACE')}     AS workload,
  md5(concat_ws(chr(31), metric_name, labels))             AS series_uid,
  metric_name,
  m.unit                                             AS unit,
  'gauge'                                            AS metric_type,
  "value",
  labels                                             AS attributes,
  filled({'row': CASE WHEN is_node THEN map_from_entries(list_zip(names, cells)) END}) AS unmapped,
  CASE
    WHEN line IS NULL THEN ''
    WHEN names IS NULL OR len(cells) <> len(names)
      THEN 'line ' || number || ' is no row of kubectl top: ' || left(line, 80)
    WHEN "value" IS NULL THEN 'line ' || number || ' has no ' || m.name || ': ' || left(line, 80)
  END                                                AS problem
FROM none LEFT JOIN points USING (position, captured_at, ingested_at)
