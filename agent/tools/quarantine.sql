-- question: Which records could not be read?
SELECT source, reason, count(*) AS records
FROM quarantine
GROUP BY ALL
ORDER BY records DESC, source, reason
