-- Whatever anybody said of trouble from $start to $end: log lines that are warnings, hold an
-- exception or speak of failure (not of none, nor of one that is over), spans' exceptions, warnings of the cluster, what
-- containers ended with. One row for what is said alike (but for numbers) of one object, with the
-- line that said it first and how often.
-- Of a stack trace, `line` is its message, the innermost cause and, of a panic, the frame.
-- `holder_kind` and `holder` are the workload that a pod belongs to, or that makes a service's pods,
-- else the object itself.
-- `is_new`: nothing alike was said before $since by one who did speak then (NULL: none spoke).
-- `is_last`: said within 5 s before a container of the pod ended, or where no end is known, among
-- the last second that the object spoke.
WITH heard AS (   -- alike but for digits, of one speaker: cheap, and few are left
  SELECT workload, max(severity_id) AS severity_id, min(time) AS first_at, max(time) AS last_at,
    count(*) AS times,
    arg_min({'message': left(message, 100000), 'type': exception.type, 'reason': exception.message,
      'stack': left(exception.stacktrace, 100000), 'attributes': attributes},
      (epoch_us(time), coalesce(message, ''))) AS words
  FROM log_record
  WHERE time >= $start AND time < $end AND workload.service IS DISTINCT FROM 'inquest'
    AND (severity_id >= 3 OR exception.type <> '' OR regexp_matches(message,
      '(?i)error|exception|fail|fatal|panic|refus|reject|denied|time(d|-)? ?out|cannot|can''t|could ?n.t|could not|unable|not (found|set|defined|allowed|exist|permitted)|no such|missing|required|invalid|expire|unauthor|forbidden|kill|out of|exhaust|too (many|large|long|old)|reset by|broken|un(reachable|available|healthy|known|expected|defined|supported|resolved|handled|recognized)|no space|full|traceback|caused by|exit|terminat|abort|crash|deadlock|lock|conflict|mismatch|corrupt|violat|evict|throttl|limit|quota|exceed|retry|attempt|down\b|los[ts]|leak|slow|stuck|skew|overflow|backlog|lag|degraded|disconnect|closed|\beof\b|pause|heap|signal|quorum|leader|elect|starv|block|revoked|disabled|overload|capacity|rebalanc|usage:|\b(4[0-9]|5[0-3])\d\b'))
    AND NOT coalesce(contains(attributes, '"tool_error":true'), false)
    AND NOT (coalesce(severity_id, 0) < 3 AND regexp_matches(message,
      '(?i)\b(no|0|zero|without( any)?) (error|failure|problem|issue|warning|exception|timeout|retrie)s?\b|\b(errors?|failed|failures?|failing|exceptions?|timeouts?|rejected|refused|dropped|retries|lost)["'']?[ =:]+["'']?(0|none|null|false|\[\])\b|\b(retr|attempt).{0,40}\bsucce|\bsucce(ss|eded).{0,40}\b(retry|retries|attempt)|\brecovered\b|\bre-?(connected|established)\b|\bresolved\b'))
  GROUP BY workload, translate(left(message, 300), '0123456789', ''), exception.type
),
failed AS (
  SELECT workload, max(severity_id) AS severity_id, min(time) AS first_at, max(time) AS last_at,
    count(*) AS times, arg_min({'detail': status_detail, 'events': span_events, 'name': span_name},
      (epoch_us(time), span_uid)) AS words
  FROM trace_span
  WHERE time >= $start AND time < $end AND status_id = 2
    AND workload.service IS DISTINCT FROM 'inquest'
    AND (status_detail <> '' OR contains(span_events, 'exception.'))
  GROUP BY workload, span_name, translate(left(status_detail, 300), '0123456789', '')
),
traced AS (
  SELECT 'log' AS origin, workload, severity_id, first_at, last_at, times, words,
    coalesce(words.stack, words.message) AS trace,
    coalesce(words.message, words.reason, '') AS message,
    list_filter(json_extract_string(words.attributes, ['/error', '/err', '/error.message',
      '/exception.message', '/reason', '/cause', '/detail', '/postgresql.detail', '/status.message',
      '/upstream.address']),
      lambda one: one <> '' AND NOT contains(coalesce(words.message, ''), one)) AS details
  FROM heard
  UNION ALL
  SELECT 'span', workload, 4, first_at, last_at, times,
    {'message': words.name, 'type': e[1], 'reason': e[2], 'stack': e[3], 'attributes': NULL},
    e[3], words.name || ' failed', [words.detail]
  FROM (
    SELECT *, json_extract_string(json_extract(words.events, '$[*].attributes')[-1],
      ['/exception.type', '/exception.message', '/exception.stacktrace']) AS e
    FROM failed
  )
),
rooted AS (
  SELECT *,
    rtrim(left(regexp_extract(left(message, 4000),
      '[^\r\n]+(?:[\r\n]+[^\r\n]+){0,3}'), 1000)) AS head,
    CASE WHEN contains(trace, chr(10)) THEN left(trim(coalesce(
      nullif(regexp_extract(trace, '(?s).*\n\s*(Caused by: [^\r\n]+)', 1), ''),
      nullif(regexp_extract(trace, '(?s).*Caused by:\s*\n(?:\s+[^\r\n]+\n)*\s+(\S[^\r\n]*)', 1), ''),
      nullif(regexp_extract(trace, '(?s).* ---> ([\w.]+: [^\r\n]+)', 1), ''),
      nullif(regexp_extract(trace, '(?s).*\[cause\]: ([^\r\n]+)', 1), ''),
      nullif(regexp_extract(trace,
        'Traceback \(most recent call last\):\r?\n(?:(?:[ \t][^\n]*)?\n)*([^\s][^\r\n]*)', 1), ''),
      nullif(regexp_extract(trace,
        'goroutine \d+ \[[^\]]*\]:\n(?:(?:panic|runtime)[^\n]*\n\t[^\n]*\n)*([^\n]+\n\t[^\s]+)', 1), ''),
      nullif(regexp_extract(trace, '\n\s+(at [^\r\n]+)', 1), ''))), 500) END AS root
  FROM traced
),
lines AS (
  SELECT origin,
    CASE WHEN workload.pod IS NOT NULL THEN 'Pod'
      WHEN workload.service IS NOT NULL THEN 'Service' ELSE 'Log' END AS kind,
    coalesce(workload.namespace, '') AS namespace,
    coalesce(workload.pod, workload.service, workload.node, '') AS name,
    workload.service AS service, workload.node AS node, first_at, last_at,
    coalesce(severity_id, 0) AS severity_id, times,
    concat_ws(' ← ',
      nullif(head, ''),
      CASE WHEN words.type <> '' AND NOT contains(message, words.type)
        THEN concat_ws(': ', words.type, left(words.reason, 500)) END,
      left(details[1], 500),
      CASE WHEN NOT contains(concat_ws(' ', head, words.type || ': ' || words.reason), root)
        THEN root END) AS line
  FROM rooted
),
owners AS (
  SELECT kind, name, namespace AS told, namespace, owner_kind, owner_name
  FROM objects WHERE kind IN ('Pod', 'ReplicaSet', 'Job')
  UNION ALL
  SELECT kind, name, '', min(namespace), min(owner_kind), min(owner_name)
  FROM objects WHERE kind IN ('Pod', 'ReplicaSet', 'Job')
  GROUP BY kind, name
  HAVING count(*) = 1 AND min(namespace) <> ''
),
ends AS (
  SELECT namespace, name, max(ended_at) AS ended_at FROM containers GROUP BY namespace, name
),
spoke AS (
  SELECT coalesce(workload.pod, workload.service, workload.node, '') AS name,
    coalesce(workload.service, workload.pod, workload.node, '') AS speaker,
    min(time) AS first_at, max(time) AS last_at
  FROM log_record
  WHERE time >= $start AND time < $end
  GROUP BY 1, 2
),
told AS (
  FROM lines
  UNION ALL
  SELECT 'event', kind, namespace, name, service, node, first_at, seen_at, severity_id, times,
    concat_ws(': ', reason, message)
  FROM events WHERE is_warning
  UNION ALL
  SELECT 'container', kind, namespace, name, service, node, seen_at, seen_at, 4, 1,
    concat_ws(' ', container, 'ended:', coalesce(ended_message, last_message))
  FROM containers WHERE coalesce(ended_message, last_message) <> ''
),
alike AS (
  SELECT origin, kind, namespace, name, max(service) AS service, max(node) AS node,
    min(first_at) AS seen_at, max(last_at) AS last_at, max(severity_id) AS severity_id,
    sum(times)::BIGINT AS times, arg_min(line, (epoch_us(first_at), line)) AS line,
    regexp_replace(left(line, 400), '[0-9a-fA-F]*[0-9][0-9a-fA-F]*', '#', 'g') AS template
  FROM told
  WHERE line <> ''
  GROUP BY origin, kind, namespace, name, template
),
placed AS (
  SELECT alike.* REPLACE (coalesce(nullif(alike.namespace, ''), pods.namespace, '') AS namespace),
    pods.owner_kind, pods.owner_name, coalesce(service, alike.name) AS speaker,
    CASE WHEN alike.kind = 'Pod' THEN regexp_extract(alike.name,
      '^(.+)-(?:[bcdfghjklmnpqrstvwxz2456789]{6,10}|[a-z0-9]{1,9}[0-9][a-z0-9]{0,9})-[a-z0-9]{5}$', 1)
    END AS stem
  FROM alike
  LEFT JOIN owners AS pods ON pods.kind = alike.kind AND pods.name = alike.name
    AND pods.told = alike.namespace AND alike.kind = 'Pod'
),
makers AS (   -- by name, where only the service is known
  SELECT name, min(namespace) AS namespace, min(kind) AS kind
  FROM objects WHERE kind IN ('Deployment', 'StatefulSet', 'DaemonSet')
  GROUP BY name
  HAVING count(*) = 1
),
jobs AS (   -- by name, where no pod was listed
  SELECT DISTINCT name FROM owners WHERE kind = 'Job'
)
SELECT origin, placed.kind, coalesce(nullif(placed.namespace, ''), makers.namespace, '') AS namespace,
  placed.name, service, node, seen_at, placed.last_at,
  severity_id, times, line,
  coalesce(sets.owner_kind, CASE WHEN stem <> '' AND placed.owner_kind IS DISTINCT FROM 'Job'
    THEN 'Deployment' END, placed.owner_kind, CASE WHEN jobs.name IS NOT NULL THEN 'Job' END,
    makers.kind, placed.kind) AS holder_kind,
  coalesce(sets.owner_name, CASE WHEN placed.owner_kind IS DISTINCT FROM 'Job'
    THEN nullif(stem, '') END, placed.owner_name, jobs.name, placed.name) AS holder,
  CASE WHEN origin = 'log' AND calm.first_at < $since THEN
    min(seen_at) OVER (PARTITION BY placed.speaker, template) >= $since END AS is_new,
  origin = 'container' OR coalesce(origin = 'log' AND CASE WHEN ended_at IS NOT NULL
    THEN placed.last_at BETWEEN ended_at - INTERVAL 5 SECONDS AND ended_at + INTERVAL 1 SECOND
    ELSE placed.last_at >= until.last_at - INTERVAL 1 SECOND END, false) AS is_last
FROM placed
LEFT JOIN owners AS sets ON sets.kind = placed.owner_kind AND sets.name = placed.owner_name
  AND sets.told = placed.namespace AND sets.owner_name IS NOT NULL
LEFT JOIN ends ON placed.kind = 'Pod' AND ends.name = placed.name
  AND ends.namespace = placed.namespace
LEFT JOIN (SELECT speaker, min(first_at) AS first_at FROM spoke GROUP BY speaker) AS calm
  ON calm.speaker = placed.speaker
LEFT JOIN (SELECT name, max(last_at) AS last_at FROM spoke GROUP BY name) AS until
  ON until.name = placed.name
LEFT JOIN jobs ON placed.kind = 'Pod'
  AND jobs.name = regexp_extract(placed.name, '^(.+)-[a-z0-9]{5}$', 1)
LEFT JOIN makers ON placed.kind = 'Service' AND makers.name = placed.name
  AND placed.namespace IN ('', makers.namespace)
