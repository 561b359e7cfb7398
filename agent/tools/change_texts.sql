-- question: What do the changes announced from $start to $end say that they are about?
-- A revision speaks through all that was told of it: a commit's message, files and differences among
-- them. What is told without a revision speaks for itself.
WITH told AS (
  SELECT coalesce(change.revision, change.uid) AS subject, message,
    change.revision IS NOT NULL                AS is_revision,
    json(unmapped)::VARCHAR                    AS more
  FROM application_lifecycle
  WHERE time >= $start AND time < $end AND change.uid IS NOT NULL
)
SELECT
  subject,
  bool_or(is_revision)                                   AS is_revision,
  string_agg(DISTINCT message, chr(10) ORDER BY message) AS messages,
  string_agg(DISTINCT more, chr(10) ORDER BY more)       AS more
FROM told
GROUP BY subject
ORDER BY subject
LIMIT 2000
