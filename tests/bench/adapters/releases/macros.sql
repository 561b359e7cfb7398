-- A pod is an instance of its workload; before the two hashes of its own stand the name of the
-- deployment and, where versions are deployments of their own, the version.
CREATE MACRO pod_parts(pod) AS regexp_extract(pod,
  '^(.*?)(?:-(v\d[\w.]*))?(?:-[0-9a-f]{6,10}-[a-z0-9]{5})?$', ['service', 'version']);

CREATE MACRO pod_workload(pod) AS {'service': pod_parts(pod).service,
  'version': given(pod_parts(pod).version), 'instance': pod, 'pod': pod};
