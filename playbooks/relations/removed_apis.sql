-- The versions of APIs that Kubernetes removed, and in which minor of 1.x, with what to use instead.
-- `target` is the minor that is asked about ("target version 1.33"), else the one after the newest
-- node's, else none is known. https://kubernetes.io/docs/reference/using-api/deprecation-guide/
SELECT *, coalesce(
  (SELECT try_cast(nullif(regexp_extract(max(text), '(?i)target version v?1\.(\d+)', 1), '') AS BIGINT) FROM asked),
  (SELECT max(minor) + 1 FROM versions WHERE component = 'kubelet')) AS target
FROM (VALUES
  ('extensions/v1beta1', 'Ingress', 22, 'networking.k8s.io/v1'),
  ('extensions/v1beta1', 'Deployment', 16, 'apps/v1'),
  ('extensions/v1beta1', 'DaemonSet', 16, 'apps/v1'),
  ('extensions/v1beta1', 'ReplicaSet', 16, 'apps/v1'),
  ('extensions/v1beta1', 'NetworkPolicy', 16, 'networking.k8s.io/v1'),
  ('extensions/v1beta1', 'PodSecurityPolicy', 16, 'Pod Security Admission'),
  ('apps/v1beta1', NULL, 16, 'apps/v1'),
  ('apps/v1beta2', NULL, 16, 'apps/v1'),
  ('networking.k8s.io/v1beta1', 'Ingress', 22, 'networking.k8s.io/v1'),
  ('networking.k8s.io/v1beta1', 'IngressClass', 22, 'networking.k8s.io/v1'),
  ('rbac.authorization.k8s.io/v1beta1', NULL, 22, 'rbac.authorization.k8s.io/v1'),
  ('admissionregistration.k8s.io/v1beta1', 'ValidatingWebhookConfiguration', 22, 'admissionregistration.k8s.io/v1'),
  ('admissionregistration.k8s.io/v1beta1', 'MutatingWebhookConfiguration', 22, 'admissionregistration.k8s.io/v1'),
  ('apiextensions.k8s.io/v1beta1', NULL, 22, 'apiextensions.k8s.io/v1'),
  ('apiregistration.k8s.io/v1beta1', NULL, 22, 'apiregistration.k8s.io/v1'),
  ('authentication.k8s.io/v1beta1', 'TokenReview', 22, 'authentication.k8s.io/v1'),
  ('authorization.k8s.io/v1beta1', NULL, 22, 'authorization.k8s.io/v1'),
  ('certificates.k8s.io/v1beta1', NULL, 22, 'certificates.k8s.io/v1'),
  ('coordination.k8s.io/v1beta1', NULL, 22, 'coordination.k8s.io/v1'),
  ('scheduling.k8s.io/v1beta1', NULL, 22, 'scheduling.k8s.io/v1'),
  ('storage.k8s.io/v1beta1', 'StorageClass', 22, 'storage.k8s.io/v1'),
  ('storage.k8s.io/v1beta1', 'CSIDriver', 22, 'storage.k8s.io/v1'),
  ('storage.k8s.io/v1beta1', 'CSINode', 22, 'storage.k8s.io/v1'),
  ('storage.k8s.io/v1beta1', 'VolumeAttachment', 22, 'storage.k8s.io/v1'),
  ('storage.k8s.io/v1beta1', 'CSIStorageCapacity', 27, 'storage.k8s.io/v1'),
  ('batch/v1beta1', 'CronJob', 25, 'batch/v1'),
  ('discovery.k8s.io/v1beta1', NULL, 25, 'discovery.k8s.io/v1'),
  ('events.k8s.io/v1beta1', NULL, 25, 'events.k8s.io/v1'),
  ('policy/v1beta1', 'PodDisruptionBudget', 25, 'policy/v1'),
  ('policy/v1beta1', 'PodSecurityPolicy', 25, 'Pod Security Admission'),
  ('node.k8s.io/v1beta1', NULL, 25, 'node.k8s.io/v1'),
  ('autoscaling/v2beta1', NULL, 25, 'autoscaling/v2'),
  ('autoscaling/v2beta2', NULL, 26, 'autoscaling/v2'),
  ('flowcontrol.apiserver.k8s.io/v1beta1', NULL, 26, 'flowcontrol.apiserver.k8s.io/v1'),
  ('flowcontrol.apiserver.k8s.io/v1beta2', NULL, 29, 'flowcontrol.apiserver.k8s.io/v1'),
  ('flowcontrol.apiserver.k8s.io/v1beta3', NULL, 32, 'flowcontrol.apiserver.k8s.io/v1')
) AS removed(api_version, kind, minor, instead)
