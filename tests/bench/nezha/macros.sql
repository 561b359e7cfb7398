-- A pod is an instance of its workload, whose name it bears before the two hashes of its own.
CREATE MACRO pod_workload(pod, node) AS {
  'service': regexp_replace(pod, '-[0-9a-f]{6,10}-[a-z0-9]{5}$', ''),
  'instance': pod, 'pod': pod, 'node': given(node)};
