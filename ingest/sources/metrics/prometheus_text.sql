-- name: prometheus_text
-- reads: lines
-- class: metric_point
-- product: Prometheus / Prometheus
-- sniff: ^# TYPE \S+ (counter|gauge|histogram|summary|untyped|unknown|info|stateset|gaugehistogram)\s*$
-- context: file parted
-- https://prometheus.io/docs/instrumenting/exposition_formats/
-- https://prometheus.io/docs/specs/om/open_metrics_spec/
-- The text format 0.0.4 and 1.0.0 (names in quotes) and OpenMetrics 1.0 (exemplars, units). Whether
-- a timestamp is in seconds or milliseconds is told by its size. Without one the time is when the
-- file was ingested, and `unmapped` says so. A family's HELP, TYPE and UNIT stand above its samples;
-- without a TYPE the naming rules tell what is a counter.
WITH parsed AS (
  SELECT *,
    regexp_extract(line, '^# (HELP|TYPE|UNIT) ("(?:[^"\\]|\\.)*"|\S+) ?(.*?)\s*$',
      ['keyword', 'family', 'told']) AS meta,
    regexp_extract(line, '^([A-Za-z_:][\w:]*)?\s*(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?\s+(\S+)'
      || '(?:\s+([^\s#]\S*))?(?:\s+#\s*(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})\s*(\S+)(?:\s+(\S+))?)?\s*$',
      ['name', 'labels', 'value', 'time', 'exemplar', 'exemplar_value', 'exemplar_time']) AS sample
  FROM raw
),
described AS (
  SELECT position, ingested_at, line, sample,
    coalesce(nullif(sample.name, ''),
      nullif(regexp_extract(sample.labels, '^\{\s*"((?:[^"\\]|\\.)*)"\s*[,}]', 1), '')) AS name,
    exposed_labels(sample.labels)                                                       AS labels,
    last_value(CASE WHEN meta.keyword = 'TYPE' THEN meta END IGNORE NULLS) OVER above   AS typed,
    last_value(CASE WHEN meta.keyword = 'HELP' THEN meta END IGNORE NULLS) OVER above   AS helped,
    last_value(CASE WHEN meta.keyword = 'UNIT' THEN meta END IGNORE NULLS) OVER above   AS united
  FROM parsed
  WINDOW above AS (PARTITION BY file_of(position) ORDER BY position ROWS UNBOUNDED PRECEDING)
),
checked AS (
  SELECT *,
    CASE WHEN of_family(name, typed.family) THEN typed.told END AS kind,
    CASE
      WHEN starts_with(line, '#') THEN ''   -- what stands there is told of the samples below
      WHEN name IS NULL THEN 'the line is no sample'
      WHEN unread_labels(sample.labels) <> '' OR NOT json_valid(labels)
        THEN 'the labels cannot be read'
      WHEN try_cast(sample."value" AS DOUBLE) IS NULL THEN 'the value is no number'
      WHEN sample."time" <> '' AND any_time(sample."time") IS NULL THEN 'the time cannot be read'
    END AS problem
  FROM described
),
points AS (
  SELECT *, CASE WHEN problem IS NULL THEN labels END AS known, is_counter(kind, name) AS counts
  FROM checked
)
SELECT
  position,
  ingested_at,
  CASE WHEN sample."time" = '' THEN ingested_at ELSE any_time(sample."time") END AS "time",
  1                                        AS activity_id,
  1                                        AS severity_id,
  0                                        AS status_id,
  label_workload(known)                    AS workload,
  series_of(name, known)                   AS series_uid,
  name                                     AS metric_name,
  CASE WHEN ends_with(name, '_created') THEN 'seconds'
    WHEN of_family(name, united.family) THEN nullif(united.told, '') END AS unit,
  CASE WHEN counts THEN 'sum' ELSE 'gauge' END AS metric_type,
  CASE WHEN counts THEN 'cumulative' END   AS temporality,
  CASE WHEN counts THEN true END           AS is_monotonic,
  finite(try_cast(sample."value" AS DOUBLE)) AS "value",
  known                                    AS attributes,
  filled({
    'value': infinite(try_cast(sample."value" AS DOUBLE), sample."value"),
    'type': kind,
    'help': CASE WHEN of_family(name, helped.family) THEN helped.told END,
    'time': CASE WHEN sample."time" = '' THEN 'not given: it is when this was ingested' END,
    'exemplar': CASE WHEN sample.exemplar <> '' THEN {
      'attributes': TRY(exposed_labels(sample.exemplar)::JSON), 'value': sample.exemplar_value,
      'time': nullif(sample.exemplar_time, '')} END}) AS unmapped,
  problem
FROM points
