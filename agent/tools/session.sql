-- question: What did database session $pid do from $start to $end?
SELECT time,
  attributes->>'$."user.name"'                    AS user_name,
  attributes->>'$."postgresql.application_name"'  AS application,
  attributes->>'$."client.address"'               AS client,
  attributes->>'$."db.query.text"'                AS statement,
  message
FROM log_record
WHERE time >= $start AND time < $end
  AND contains(attributes, '"process.pid"')
  AND (attributes->>'$."process.pid"')::BIGINT = $pid
ORDER BY time, message, statement, user_name, application, client
LIMIT 200
