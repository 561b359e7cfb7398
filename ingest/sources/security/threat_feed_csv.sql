-- name: threat_feed_csv
-- reads: lines
-- class: osint_inventory_info
-- product: abuse.ch / URLhaus
-- sniff: ^(?:# ?)?"?(?:first_seen_utc"?, ?"?(?:dst_ip|sha256_hash|ioc_id)|id"?, ?"?dateadded"?, ?"?url"?, ?"?url_status)"?.*
-- https://feodotracker.abuse.ch/blocklist/#csv
-- https://urlhaus.abuse.ch/api/#csv https://bazaar.abuse.ch/export/#csv
-- abuse.ch's lists as CSV, whose header may be a comment: Feodo Tracker's botnet servers, URLhaus'
-- URLs and MalwareBazaar's samples. A row is told by how many fields it has and what the first are.
WITH cells AS (
  SELECT position, ingested_at, line, list_transform(
    regexp_extract_all(line, '(?:^|, ?)("(?:[^"]|"")*"|[^,]*)', 1),
    lambda c: replace(regexp_replace(trim(c), '^"(.*)"$', '\1'), '""', '"')) AS f
  FROM raw
),
known AS (
  SELECT *, CASE
    WHEN line LIKE '#%' OR f[1] IN ('first_seen_utc', 'id') THEN ''
    WHEN regexp_full_match(f[3], '[0-9a-f]{32}') AND regexp_full_match(f[2], '[0-9a-f]{64}')
      THEN 'MalwareBazaar'
    WHEN contains(f[3], '://') THEN 'URLhaus'
    WHEN ip_only(f[2]) IS NOT NULL THEN 'Feodo Tracker' END AS feed
  FROM cells
),
told AS (
  SELECT *, CASE feed WHEN 'URLhaus' THEN any_time(f[2]) ELSE any_time(f[1]) END AS at,
    given(CASE feed WHEN 'Feodo Tracker' THEN f[6] WHEN 'MalwareBazaar' THEN
      nullif(f[9], 'n/a') END) AS family,
    nullif(nullif(f[7], 'None'), '') AS tags
  FROM known
)
SELECT
  position,
  ingested_at,
  "at" AS "time",
  2 AS activity_id,
  1 AS severity_id,
  {'product': {'name': feed}} AS metadata,
  {'app_name': feed} AS actor,
  [{
    'vendor_name': 'abuse.ch', 'confidence_id': 3, 'severity_id': 4, 'created_time': epoch_ms("at"),
    'category': MAP {'Feodo Tracker': 'botnet c2', 'URLhaus': 'malware url',
      'MalwareBazaar': 'malware sample'}[feed],
    'value': CASE feed WHEN 'URLhaus' THEN f[3] ELSE f[2] END,
    'type_id': MAP {'Feodo Tracker': 1, 'MalwareBazaar': 4, 'URLhaus': 5}[feed],
    'uid': CASE feed WHEN 'URLhaus' THEN f[1] END,
    'src_url': CASE feed
      WHEN 'Feodo Tracker' THEN 'https://feodotracker.abuse.ch/browse/host/' || f[2] || '/'
      WHEN 'URLhaus' THEN f[8] ELSE 'https://bazaar.abuse.ch/sample/' || f[2] END,
    'creator': CASE feed WHEN 'URLhaus' THEN {'name': f[9]} WHEN 'MalwareBazaar'
      THEN {'name': f[5]} END,
    'labels': CASE WHEN feed = 'URLhaus' THEN string_split(tags, ',') END,
    'malware': CASE WHEN family <> '' THEN [{'name': family, 'provider': feed,
      'classification_ids': [0]}] END,
    'file': CASE WHEN feed = 'MalwareBazaar' THEN {'name': f[6], 'ext': f[7], 'mime_type': f[8],
      'type_id': 1, 'hashes': file_hashes(f[3], f[4], f[2])} END}] AS osint,
  CASE feed
    WHEN 'Feodo Tracker' THEN filled(to_json({'dst_port': f[3], 'c2_status': f[4],
      'last_online': f[5]}))
    WHEN 'URLhaus' THEN filled(to_json({'url_status': f[4], 'last_online': f[5], 'threat': f[6]}))
    WHEN 'MalwareBazaar' THEN filled(to_json({'clamav': nullif(f[10], 'n/a'),
      'vtpercent': nullif(f[11], 'n/a'), 'imphash': nullif(f[12], 'n/a'),
      'ssdeep': nullif(f[13], 'n/a'), 'tlsh': nullif(f[14], 'n/a')}))
  END AS unmapped,
  CASE WHEN feed = '' THEN '' WHEN feed IS NULL THEN 'the row is of no list of abuse.ch' END
    AS problem
FROM told
