-- question: What did each step of the trace do, and how long did it take?
-- offer: One trace as a tree: offset, length, failures; its longest and failed steps
-- takes: trace text
-- Spans of a cycle have no root and are left out; one that is in the lake twice counts once.
WITH RECURSIVE said AS (
  FROM trace_span
  WHERE trace_uid = $trace
  QUALIFY row_number() OVER (PARTITION BY span_uid
    ORDER BY start_time_ns, duration_ns DESC, span_name, workload.service, ingested_at) = 1
),
told AS (
  SELECT coalesce(span_uid, '') AS uid, parent_span_uid AS parent,
    workload.service AS service, span_name AS operation, span_kind AS kind,
    coalesce(peer.service, peer.system, peer.address) AS peer, start_time_ns, duration_ns,
    coalesce(status_id = 2, false) AS failed, http_response.code AS code, status_detail AS said
  FROM said
),
tree AS (
  SELECT *, 0 AS depth, [(start_time_ns, uid)] AS path
  FROM told
  WHERE parent IS NULL OR parent NOT IN (SELECT uid FROM told)
  UNION ALL
  SELECT told.*, depth + 1, list_append(path, (told.start_time_ns, told.uid))
  FROM tree
  JOIN told ON told.parent = tree.uid
  WHERE depth < 48
)
SELECT depth, service, kind, operation, peer,
  round((start_time_ns - min(start_time_ns) OVER ()) / 1e6, 1) AS at_ms,
  round(duration_ns / 1e6, 1)                                  AS ms,
  failed, code, said
FROM tree
QUALIFY row_number() OVER (ORDER BY failed DESC, duration_ns DESC, uid) <= 60
ORDER BY path, uid
LIMIT 60
