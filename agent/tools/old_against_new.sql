-- question: How did $service $old and $new fare on the same work at the same time, from $start to $end?
WITH {{spans}}, {{calls}}, {{served}}
SELECT bucket, operation, version = $new AS is_new, own_ns, own_failed, failed, trace_uid, span_uid
FROM served
WHERE service = $service AND version IN ($old, $new)
ORDER BY md5(trace_uid || span_uid), trace_uid, span_uid
LIMIT 20000
