cohort AS (  -- what $service served before and with a change: of versions, or of $instances
  SELECT *,
    CASE WHEN len($instances) = 0 THEN version = $new ELSE list_contains($instances, instance) END
      AS is_new
  FROM served
  WHERE service = $service AND (version IN ($old, $new) OR len($instances) > 0)
)
