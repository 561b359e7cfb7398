-- name: threat_feed_json
-- reads: json
-- class: osint_inventory_info
-- product: abuse.ch / MalwareBazaar
-- sniff: "(sha256_hash|iocType|threat/feed)"\s*:.*
-- sniff: "(sha1_hash|file_type_mime|iocFeedSources|tlpLevel|feed)"\s*:.*
-- https://bazaar.abuse.ch/api/
-- https://tie.dcso.de https://www.alphamountain.ai/api/
-- Indicators as JSON: MalwareBazaar's samples, alone or in `data`; DCSO's TIE; alphaMountain's feed,
-- in which a score of null takes a host out. Where a record tells no time it is when it arrived.
WITH documents AS (
  SELECT position, ingested_at, unnest(coalesce(nullif(json_extract(doc, '$.data[*]'), []),
    nullif(json_extract(doc, '$.feed[*]'), []), nullif(json_extract(doc, '$.iocs[*]'), []),
    [doc])) AS doc, json_type(doc, '$.feed') IS NOT DISTINCT FROM 'ARRAY' AS is_feed
  FROM raw
),
parsed AS (
  SELECT *, from_json(doc, '{
    "sha256_hash": "VARCHAR", "sha3_384_hash": "VARCHAR", "sha1_hash": "VARCHAR",
    "md5_hash": "VARCHAR", "first_seen": "VARCHAR", "file_name": "VARCHAR", "file_size": "BIGINT",
    "file_type_mime": "VARCHAR", "file_type": "VARCHAR", "reporter": "VARCHAR",
    "signature": "VARCHAR", "imphash": "VARCHAR", "tlsh": "VARCHAR", "ssdeep": "VARCHAR",
    "tags": ["VARCHAR"], "ioc": "VARCHAR", "iocType": "VARCHAR", "tlpLevel": "VARCHAR",
    "created": "VARCHAR", "modified": "VARCHAR", "confidence": "INTEGER",
    "eventIDs": ["VARCHAR"], "mitreTechniques": ["VARCHAR"], "threatActors": ["VARCHAR"],
    "targetCampaigns": ["VARCHAR"], "malpedia": ["VARCHAR"], "url": "VARCHAR",
    "hostname": "VARCHAR", "score": "DOUBLE"}') AS e
  FROM documents
),
told AS (
  SELECT *, CASE WHEN is_feed THEN 'alphaMountain API' WHEN e.sha256_hash <> '' THEN 'MalwareBazaar'
    WHEN e.ioc <> '' THEN 'TIE' END AS feed,
    coalesce(e.sha256_hash, e.ioc, e.hostname, e.url) AS indicator
  FROM parsed
)
SELECT
  position,
  ingested_at,
  CASE feed WHEN 'MalwareBazaar' THEN any_time(e.first_seen)
    WHEN 'TIE' THEN coalesce(any_time(e.modified), any_time(e.created)) ELSE ingested_at END
    AS "time",
  2 AS activity_id,
  1 AS severity_id,
  CASE WHEN feed = 'alphaMountain API' AND e.score IS NULL THEN 99 END AS status_id,
  CASE WHEN feed = 'alphaMountain API' AND e.score IS NULL THEN 'Removed' END AS status,
  CASE WHEN feed = 'alphaMountain API' AND e.score IS NULL THEN 'alphaMountain feed removal' END
    AS status_detail,
  {'product': {'name': feed, 'vendor_name': MAP {'alphaMountain API': 'alphaMountain',
    'MalwareBazaar': 'abuse.ch', 'TIE': 'DCSO'}[feed]}} AS metadata,
  {'app_name': feed} AS actor,
  [{
    'vendor_name': MAP {'alphaMountain API': 'alphaMountain', 'MalwareBazaar': 'abuse.ch',
      'TIE': 'DCSO'}[feed],
    'value': indicator,
    'type_id': CASE feed WHEN 'MalwareBazaar' THEN 4 WHEN 'alphaMountain API' THEN 2 ELSE coalesce(
      MAP {'ip': 1, 'ipv4': 1, 'ipv6': 1, 'domain': 2, 'hostname': 3, 'md5': 4, 'sha1': 4,
        'sha256': 4, 'sha512': 4, 'ssdeep': 4, 'url': 5, 'useragent': 6,
        'email': 9, 'filename': 11}[regexp_extract(lower(e."iocType"), '^[a-z]+\d*')], 99) END,
    'category': CASE feed WHEN 'MalwareBazaar' THEN 'malware sample' END,
    'confidence_id': CASE feed WHEN 'MalwareBazaar' THEN 3 WHEN 'TIE' THEN
      CASE WHEN e.confidence >= 70 THEN 3 WHEN e.confidence >= 40 THEN 2
        WHEN e.confidence IS NOT NULL THEN 1 ELSE 0 END ELSE 0 END,
    'severity_id': CASE feed WHEN 'MalwareBazaar' THEN 4 WHEN 'alphaMountain API' THEN
      CASE WHEN e.score >= 9 THEN 4 WHEN e.score >= 7 THEN 3 WHEN e.score >= 5 THEN 2 ELSE 1 END END,
    'risk_score': floor(e.score)::INTEGER,
    'reputation': CASE WHEN e.score IS NOT NULL THEN {'base_score': e.score,
      'provider': 'alphaMountain', 'score_id': least(10, greatest(1, ceil(e.score)::INTEGER))} END,
    'created_time': epoch_ms(any_time(coalesce(e.first_seen, e.created))),
    'modified_time': epoch_ms(any_time(e.modified)),
    'tlp': nullif(upper(e."tlpLevel"), ''), 'labels': nullif(e.tags, []),
    'references': nullif(e."eventIDs", []),
    'src_url': CASE feed WHEN 'MalwareBazaar' THEN 'https://bazaar.abuse.ch/sample/' || indicator
      WHEN 'TIE' THEN 'https://api.dcso.de/tie/v3/iocs/' || url_encode(indicator)
      ELSE 'https://www.alphamountain.ai/api/' END,
    'creator': CASE WHEN e.reporter <> '' THEN {'name': e.reporter} END,
    'attacks': nullif(list_transform(e."mitreTechniques", lambda t: {'technique': {'uid': t}}), []),
    'threat_actor': CASE WHEN len(e."threatActors") > 0
      THEN {'name': array_to_string(e."threatActors", ', ')} END,
    'campaign': CASE WHEN len(e."targetCampaigns") > 0
      THEN {'name': array_to_string(e."targetCampaigns", ', ')} END,
    'malware': nullif(list_transform(coalesce(e.malpedia, CASE WHEN e.signature <> ''
      THEN [e.signature] END), lambda m: {'name': m, 'classification_ids': [0],
        'provider': CASE feed WHEN 'MalwareBazaar' THEN feed END}), []),
    'file': CASE WHEN feed = 'MalwareBazaar' THEN {'name': coalesce(e.file_name, indicator),
      'size': e.file_size, 'ext': e.file_type, 'mime_type': e.file_type_mime, 'type_id': 1,
      'hashes': list_filter([{'algorithm_id': 1, 'value': e.md5_hash},
        {'algorithm_id': 2, 'value': e.sha1_hash}, {'algorithm_id': 3, 'value': e.sha256_hash},
        {'algorithm_id': 5, 'value': e.ssdeep}, {'algorithm_id': 6, 'value': e.tlsh},
        {'algorithm_id': 14, 'value': e.sha3_384_hash}, {'algorithm_id': 18, 'value': e.imphash}],
        lambda h: h."value" <> '')} END}] AS osint,
  remaining(doc, '{"sha256_hash": null, "sha3_384_hash": null, "sha1_hash": null, "md5_hash": null,
    "first_seen": null, "file_name": null, "file_size": null, "file_type_mime": null,
    "file_type": null, "reporter": null, "signature": null, "imphash": null, "tlsh": null,
    "ssdeep": null, "tags": null, "ioc": null, "tlpLevel": null, "created": null, "modified": null,
    "eventIDs": null, "mitreTechniques": null, "threatActors": null, "targetCampaigns": null,
    "malpedia": null, "hostname": null, "score": null}') AS unmapped,
  CASE WHEN feed IS NULL OR indicator IS NULL THEN 'the document is no indicator of a known feed' END
    AS problem
FROM told
