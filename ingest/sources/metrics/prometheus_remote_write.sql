-- name: prometheus_remote_write
-- reads: remote_write
-- class: metric_point
-- product: Prometheus / Prometheus
-- sniff: \x08__name__\x12
-- files: *remote_write* *remote-write* *prompb*
-- https://prometheus.io/docs/specs/prw/remote_write_spec/
-- https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
-- Remote-write 1.0 and 2.0: samples, native histograms (of whole numbers, of fractions and with
-- custom bounds) and exemplars. The kind of a metric is what its metadata says, which 1.0 sends in
-- requests of their own; without them the naming rules tell. A sample that only says that the series
-- ended is a point without a value.
WITH families AS (
  SELECT family, max("type") AS "type", max(help) AS help, max(unit) AS unit
  FROM raw WHERE family IS NOT NULL GROUP BY family
),
named AS (
  SELECT raw.* REPLACE (
      coalesce(nullif(raw."type", 0), f."type", g."type") AS "type",
      coalesce(nullif(raw.help, ''), f.help, g.help) AS help,
      coalesce(nullif(raw.unit, ''), f.unit, g.unit) AS unit)
  FROM (
    SELECT *, list_filter(labels, lambda l: l.name = '__name__')[1]."value" AS name FROM raw
  ) AS raw
  LEFT JOIN families AS f ON f.family = name
  LEFT JOIN families AS g ON g.family = regexp_replace(name, '_(bucket|sum|count|total)$', '')
),
series AS (
  SELECT *,
    ['unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset'][
      "type" + 1]                                              AS kind,
    sorted_object(to_json(map_from_entries(list_transform(
      list_filter(labels, lambda l: l.name <> '__name__'),
      lambda l: {'key': l.name, 'value': l."value"}))))        AS attributes,
    CASE
      WHEN family IS NOT NULL THEN ''   -- it is told of the samples
      WHEN name IS NULL THEN 'the series has no name'
      WHEN len(samples) + len(histograms) = 0 THEN 'the series has no sample'
    END AS problem,
    list_concat(
      list_transform(samples, lambda s: {'at': s.timestamp, 'value': s."value",
        'is_stale': s.is_stale}),
      list_transform(histograms, lambda h: {'at': h.timestamp, 'histogram': h})) AS given
  FROM named
),
points AS (
  SELECT * EXCLUDE (given, one), one."at", one."value", one.is_stale,
    h IS NULL AND is_counter(kind, name)                       AS counts,
    number = len(given)                                        AS is_last,
    CASE WHEN len(h.positive_counts) > 0 THEN h.positive_counts
      ELSE undelta(h.positive_deltas) END                      AS positive_counts,
    CASE WHEN len(h.negative_counts) > 0 THEN h.negative_counts
      ELSE undelta(h.negative_deltas) END                      AS negative_counts,
    coalesce(h.zero_count_float, h.zero_count_int)             AS zero_count
  FROM (
    SELECT *, one.histogram AS h FROM (
      SELECT *, generate_subscripts(given, 1) AS number,
        unnest(CASE WHEN problem IS NULL THEN given ELSE [NULL] END) AS one
      FROM series
    )
  )
),
bucketed AS (
  SELECT *,
    CASE
      WHEN h IS NULL THEN NULL
      WHEN NOT (native_fits(h.positive_spans, positive_counts)
        AND native_fits(h.negative_spans, negative_counts)) THEN NULL
      WHEN h.schema = -53 THEN custom_buckets(h.custom_values, h.positive_spans, positive_counts)
      WHEN h.schema BETWEEN -4 AND 8 THEN list_concat(
        native_buckets(h.schema, h.negative_spans, negative_counts, -1),
        CASE WHEN zero_count > 0 THEN [{'lower': -h.zero_threshold, 'upper': h.zero_threshold,
          'count': zero_count::DOUBLE}] ELSE [] END,
        native_buckets(h.schema, h.positive_spans, positive_counts, 1))
    END AS buckets
  FROM points
)
SELECT
  position,
  ingested_at,
  time_from_us("at" * 1000)                AS "time",
  1                                        AS activity_id,
  1                                        AS severity_id,
  0                                        AS status_id,
  label_workload(attributes)               AS workload,
  series_of(name, attributes)              AS series_uid,
  name                                     AS metric_name,
  nullif(unit, '')                         AS unit,
  CASE WHEN h.schema = -53 THEN 'histogram' WHEN h IS NOT NULL THEN 'exponential_histogram'
    WHEN counts THEN 'sum' ELSE 'gauge' END AS metric_type,
  CASE WHEN counts OR h.reset_hint < 3 THEN 'cumulative'
    WHEN h IS NOT NULL THEN 'unspecified' END AS temporality,
  CASE WHEN counts THEN true END           AS is_monotonic,
  time_from_us(nullif(created, 0) * 1000)  AS start_time,
  finite("value")                          AS "value",
  finite(h.sum)                            AS "sum",
  coalesce(h.count_int, whole(h.count_float)) AS "count",
  sparse_bounds(buckets)                   AS explicit_bounds,
  whole_counts(sparse_counts(buckets))     AS bucket_counts,
  attributes,
  filled({
    'type': nullif(kind, 'unknown'),
    'help': nullif(help, ''),
    'value': CASE WHEN NOT is_stale THEN infinite("value", "value") END,
    'no_recorded_value': nullif(is_stale, false),
    'exemplars': CASE WHEN is_last AND len(exemplars) > 0 THEN exemplars END,
    'sum': infinite(h.sum, h.sum),
    'histogram': h}) AS unmapped,
  coalesce(problem, CASE WHEN h IS NOT NULL AND buckets IS NULL
    THEN 'the buckets of the histogram cannot be told' END) AS problem
FROM bucketed
