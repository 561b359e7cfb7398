-- name: silk
-- reads: csv
-- class: network_activity
-- product: CERT/NetSA / SiLK
-- sniff: ^\s*sIP *[,|].*\b(?:sTime|packets|protocol|bytes)\b.*
-- https://tools.netsa.cert.org/silk/rwcut.html
-- Flow records as rwcut prints them, parted by commas or bars, whichever fields were asked for; its
-- times are UTC. The type tells which way a flow crossed the border of the network.
WITH cells AS (
  SELECT position, ingested_at, map_from_entries(list_filter(list_transform(map_entries(fields),
    lambda c: {'key': trim(c.key), 'value': trim(c."value")}), lambda c: c.key <> '')) AS f
  FROM raw
),
told AS (
  SELECT *, coalesce(f['sTime'], f['sTime+msec']) AS started, coalesce(f['eTime'], f['eTime+msec'])
      AS ended,
    coalesce(f['duration'], f['dur'], f['durat'], f['dur+msec']) AS lasted,
    coalesce(f['protocol'], f['pro']) AS proto
  FROM cells
)
SELECT
  position,
  ingested_at,
  any_time(coalesce(started, ended)) AS "time",
  any_time(started) AS start_time,
  any_time(ended) AS end_time,
  milliseconds(lasted) AS duration,
  6 AS activity_id,
  1 AS severity_id,
  {'product': {'feature': {'name': 'Network Flow Data'}}} AS metadata,
  {'instance': coalesce(f['sensor'], f['sen'])} AS workload,
  {'ip': ip_only(f['sIP']), 'port': try_cast(f['sPort'] AS INTEGER)} AS src_endpoint,
  {'ip': ip_only(f['dIP']), 'port': try_cast(f['dPort'] AS INTEGER)} AS dst_endpoint,
  {'protocol_num': try_cast(proto AS INTEGER),
   'tcp_flags': CASE WHEN f['flags'] <> '' THEN list_sum(list_transform(
     string_split('FSRPAUEC', ''), lambda c, i: CASE WHEN contains(f['flags'], c)
       THEN 1 << (i - 1) ELSE 0 END))::INTEGER END,
   'boundary_id': CASE WHEN f['type'] = 'int2int' THEN 2 WHEN f['type'] LIKE 'in%'
     OR f['type'] LIKE 'out%' THEN 3 END,
   'direction_id': CASE WHEN f['type'] LIKE 'out%' THEN 2 WHEN f['type'] LIKE 'in%'
     AND f['type'] <> 'int2int' THEN 1 WHEN f['type'] = 'int2int' THEN 3 ELSE 0 END}
    AS connection_info,
  {'packets': try_cast(coalesce(f['packets'], f['pkts']) AS BIGINT),
   'bytes': try_cast(f['bytes'] AS BIGINT)} AS traffic,
  filled(map_from_entries(list_filter(map_entries(f), lambda c: c."value" <> '' AND NOT
    list_contains(['sIP', 'dIP', 'sPort', 'dPort', 'protocol', 'pro', 'packets', 'pkts', 'bytes',
      'sTime', 'eTime', 'duration', 'dur', 'durat', 'sTime+msec', 'eTime+msec', 'dur+msec',
      'flags'], c.key)))) AS unmapped,
  CASE WHEN ip_only(f['sIP']) IS NULL AND ip_only(f['dIP']) IS NULL
    THEN 'the flow has neither a source nor a destination' END AS problem
FROM told
