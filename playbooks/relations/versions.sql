-- Which version of what runs in a cluster: one row a node's kubelet and container runtime, and an
-- image of what the cluster itself runs. `minor` is Kubernetes' own minor of 1.x, where it is one.
WITH told AS (
  SELECT kind, namespace, name, seen_at, 'kubelet' AS component, coalesce(
    object->>'$.status.nodeInfo.kubeletVersion',
    nullif(regexp_extract(described->>'$."System Info"', 'Kubelet Version: +(\S+)', 1), ''),
    table_row->>'$.VERSION') AS version
  FROM objects WHERE kind = 'Node'
  UNION ALL
  SELECT kind, namespace, name, seen_at, 'container runtime', coalesce(
    object->>'$.status.nodeInfo.containerRuntimeVersion',
    nullif(regexp_extract(described->>'$."System Info"', 'Container Runtime Version: +(\S+)', 1), ''),
    table_row->>'$."CONTAINER-RUNTIME"')
  FROM objects WHERE kind = 'Node'
  UNION ALL
  SELECT kind, namespace, coalesce(service, name), max(seen_at),
    regexp_extract(image, '([^/:@]+)(?:[:@][^/]*)?$', 1), regexp_extract(image, ':([^/@:]+)(?:@|$)', 1)
  FROM (SELECT *, unnest(images) AS image FROM objects
    WHERE kind IN ('Pod', 'Deployment', 'DaemonSet', 'StatefulSet') AND namespace = 'kube-system')
  GROUP BY ALL
)
SELECT *, CASE WHEN component LIKE 'kube%' THEN
  try_cast(nullif(regexp_extract(version, '^v?1\.(\d+)', 1), '') AS BIGINT) END AS minor
FROM told
WHERE version <> '' AND component <> ''
