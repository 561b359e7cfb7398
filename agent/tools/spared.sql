-- question: How did $instances of $service do from $since to $until, beside all of it from $start to $began?
WITH {{spans}}, {{calls}}, {{served}}
SELECT operation, time >= $since AS is_new, own_ns, own_failed, failed, trace_uid, span_uid
FROM served
WHERE service = $service
  AND (time < $began OR (time >= $since AND time < $until AND list_contains($instances, instance)))
ORDER BY md5(trace_uid || span_uid), trace_uid, span_uid
LIMIT 20000
