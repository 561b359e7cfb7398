-- question: How many calls did one request to $caller make, before $onset and from then to $ended?
WITH {{spans}}, {{calls}}, {{called}},
asked AS (
  SELECT time >= $onset AS during, count(*) AS requests
  FROM spans
  WHERE service = $caller AND span_kind IN ('server', 'consumer') AND time < $ended
  GROUP BY ALL
)
SELECT asked.during, callee, requests, count(*) AS calls,
  round(count(*) / requests, 2) AS calls_per_request
FROM called
JOIN asked ON asked.during = (called.time >= $onset)
WHERE caller = $caller AND time < $ended AND system IS NULL
GROUP BY asked.during, callee, requests
ORDER BY callee, asked.during
