-- question: What did database session $pid do from $start to $end?
-- A process id is used again: of its sessions the last counts, where the log tells them apart.
WITH lines AS (
  SELECT time, attributes, message,
    coalesce(attributes->>'$."postgresql.session_id"', '') AS session
  FROM log_record
  WHERE time >= $start AND time < $end
    AND contains(attributes, '"process.pid"')
    AND (attributes->>'$."process.pid"')::BIGINT = $pid
)
SELECT time,
  attributes->>'$."user.name"'                    AS user_name,
  attributes->>'$."postgresql.application_name"'  AS application,
  attributes->>'$."client.address"'               AS client,
  attributes->>'$."db.query.text"'                AS statement,
  message
FROM lines
WHERE session = (SELECT arg_max(session, (time, session)) FROM lines)
ORDER BY time DESC, message, statement, user_name, application, client
LIMIT 200
