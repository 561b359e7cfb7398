-- question: How did $service $old and $new fare with the same work at the same time, from $start to $end?
WITH {{spans}}, {{calls}}, {{served}}, {{cohort}}
SELECT bucket, operation, is_new, own_ns, own_failed, failed, trace_uid, span_uid
FROM cohort
ORDER BY md5(trace_uid || span_uid), trace_uid, span_uid
LIMIT 20000
