-- question: In which intervals from $start to $end did anybody write logs, and how many lines?
SELECT (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000) AS bucket, count(*) AS lines
FROM log_record
WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
GROUP BY ALL
ORDER BY bucket
