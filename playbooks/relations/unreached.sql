-- Lines of `said` by which somebody did not reach another one: one row a line, with who that was
-- (`host`, as `name:port` where the line says so) and `how`: refused, timed out, unknown name,
-- answered 5xx. Proxies' own words of their upstreams are left to the playbooks of proxies.
SELECT *,
  coalesce(
    nullif(regexp_extract(line, '(?i)\b(?:host=|(?:server|connect\w*) (?:at|on|to)(?: host)? )'
        || '[''"]([\w.-]+)[''"][^:]{0,40}?\bport ?=? ?\d', 1), '')
      || regexp_replace(regexp_extract(line, '(?i)\bport ?=? ?\d+'), '(?i)port ?=? ?', ':'),
    nullif(regexp_extract(line, '(?i)(?:\bENOTFOUND|EAI_AGAIN|\blookup|UnknownHostException:|resolve(?: host)?:?|host name|hostname) ["'']?([A-Za-z][\w.-]*)', 1), ''),
    list_filter(
      regexp_extract_all(line, '((?:[A-Za-z][\w.-]*|\d+\.\d+\.\d+\.\d+)(?:/\d+\.\d+\.\d+\.\d+)?:\d{2,5})\b'),
      lambda one: NOT regexp_matches(one, '\.(go|java|py|m?[jt]sx?|rb|php|cs|rs|kt|scala|c|cc|cpp):'))[1],
    nullif(regexp_extract(line, '\b(?:https?|grpc|amqps?|rediss?|postgres(?:ql)?|mysql|mongodb|kafka|nats)://(?:[^@/\s]*@)?([\w.-]+)', 1), ''),
    '') AS host
FROM (
  SELECT *, CASE
    WHEN regexp_matches(line, '(?i)\bENOTFOUND\b|UnknownHost|no such host\b|name or service not known'
      || '|could not (translate|resolve) host|nodename nor servname|NXDOMAIN'
      || '|name does not resolve|host is unknown|no address associated') THEN 'unknown name'
    WHEN regexp_matches(line, '(?i)connection ?refused|ECONNREFUSED|actively refused|\brefused\b.{0,60}\bconnect'
      || '|connect.{0,100}\brefused\b|failed to connect to all addresses|\b(errno )?111\b.{0,40}connect'
      || '|can''t connect to (local )?(mysql|server)') THEN 'refused'
    WHEN regexp_matches(line, '(?i)ETIMEDOUT|ESOCKETTIMEDOUT|(connect|read|socket|request|gateway|call|response)\w*[ _-]?(timed? ?-?out|timeout)'
      || '|timed out|deadline exceeded|DEADLINE_EXCEEDED|\bdial (tcp|udp)\b.{0,120}: i/o timeout'
      || '|time-?out (occurred|after|exceeded)') THEN 'timed out'
    WHEN regexp_matches(line, '(?i)\b50[0234]\b.{0,40}(bad gateway|service (temporarily )?unavailable|gateway time-?out|internal server error)'
      || '|(bad gateway|service (temporarily )?unavailable|gateway time-?out|internal server error).{0,40}\b50[0234]\b'
      || '|\b(status( code)?|code|returned|responded with|answered|http(/[\d.]+)?|got|error)["'']?[ :=]{1,3}["'']?((status|code) ){0,2}50[0234]\b|code ?= ?Unavailable') THEN 'answered 5xx'
    END AS how
  FROM said
  WHERE origin <> 'event' AND NOT regexp_matches(line, '(?i)while \w+ing .{0,40}upstream'
    || '|upstream (connect error|timed out|request timeout|prematurely)'   -- a proxy's own words
    || '|\b(may|might|could|will|would) (be|time)\b')   -- what has not come yet
)
WHERE how IS NOT NULL AND NOT (times < 3 AND severity_id IN (1, 2, 3)   -- it is tried again
  AND regexp_matches(line, '(?i)\bretr(y|ies|ying)\b|\battempt \d'))
