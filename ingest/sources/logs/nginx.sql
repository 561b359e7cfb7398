-- name: nginx
-- reads: lines
-- class: http_activity
-- product: F5 / NGINX
-- sniff: ^\S+ - .*?\[\d\d/\w{3}/\d{4}:[\d:]{8} [+-]\d{4}\] "
-- https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
-- Common or combined format; after it may stand rt=$request_time uct=$upstream_connect_time
-- urt=$upstream_response_time ua=$upstream_addr rid=$request_id, each optional, in this order.
WITH fields AS (
  SELECT position, ingested_at, regexp_extract(line,
    '^(\S+) \S+ (.*?) \[([^\]]+)\] "(?:([A-Z]+) ([^ "?]+)(?:\?([^ "]*))? [^ "]+|([^"]*))" '
    || '(\d{3}) (\d+|-)(?: "([^"]*)" "([^"]*)")?(?: (.*))?$',
    ['ip', 'user', 'at', 'method', 'path', 'query', 'malformed', 'code', 'bytes', 'referrer',
     'agent', 'tail']) AS f
  FROM raw
),
timed AS (   -- nginx writes lists, as in "0.001, 0.003 : 0.002", when it tried several upstreams
  SELECT *, regexp_extract(f.tail,
    '^(?:rt=(\S+))?(?: ?uct=([^ ,]+(?:(?:, | : )[^ ,]+)*))?(?: ?urt=([^ ,]+(?:(?:, | : )[^ ,]+)*))?'
    || '(?: ?ua=([^ ,]+(?:(?:, | : )[^ ,]+)*))?(?: ?rid=(\S+))? ?(.*)$',
    ['rt', 'uct', 'urt', 'ua', 'rid', 'more']) AS t
  FROM fields
)
SELECT
  position,
  ingested_at,
  try_strptime(f."at", '%d/%b/%Y:%H:%M:%S %z')            AS "time",
  http_activity_id(given(f.method))                       AS activity_id,
  1                                                       AS severity_id,
  http_status_id(try_cast(f.code AS INT))                 AS status_id,
  {'service': 'nginx'}                                    AS workload,
  milliseconds(t.rt)                                      AS duration,
  {'ip': f.ip}                                            AS src_endpoint,
  {'ip': nullif(regexp_extract(last_tried(t.ua), '^\[?(.*?)\]?(?::\d+)?$', 1), ''),
   'port': nullif(regexp_extract(last_tried(t.ua), ':(\d+)$', 1), '')} AS dst_endpoint,
  {'uid': given(t.rid), 'http_method': known_method(given(f.method)),
   'url': {'path': given(f.path), 'query_string': given(f.query)},
   'user_agent': given(f.agent), 'referrer': given(f.referrer)} AS http_request,
  {'code': f.code, 'length': CASE WHEN length(f.bytes) <= 9 THEN given(f.bytes) END} AS http_response,
  milliseconds(last_tried(t.urt))                         AS upstream_duration,
  filled({
    'remote_user': given(f.user),
    'http_method': CASE WHEN known_method(f.method) IS NULL THEN given(f.method) END,
    'malformed_request': given(f.malformed),
    'upstream_connect_time': given(t.uct), 'tail': given(t.more),
    'body_bytes_sent': CASE WHEN length(f.bytes) > 9 THEN f.bytes END,   -- too long for OCSF
    'tried': CASE WHEN t.ua LIKE '% %' THEN {'upstream_addr': t.ua, 'upstream_response_time': t.urt}
    END})                                                 AS unmapped,
  CASE WHEN f.code = '' THEN 'the line is not in nginx''s common or combined format' END AS problem
FROM timed
