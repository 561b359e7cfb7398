-- name: wide_csv
-- reads: csv
-- class: metric_point
-- product: unknown / CSV
-- sniff: \A(?:sep=.\r?\n)?(?:[^\n]*[,;\t|])?"?(?i:@?time|timestamp|date[ _]?time|date|ts|time_?stamp)\b[^\n]*[,;\t|][^\n]*\n(?:[^\n]*[,;\t|])?"?[\d.-]|\A(?:[^\n]*\n){1,5}[^,;\t|\n]+[,;\t|]+\r?\n"?\d
-- generic: yes
-- context: file
-- https://www.rfc-editor.org/rfc/rfc4180
-- A column of times and one column a series, as pandas, Grafana and spreadsheets write it: fields
-- between commas, semicolons or tabs, decimals with a point or a comma, a unit in brackets behind a
-- name, labels in braces. What a column holds is told by its name and by all that it holds: times
-- (texts before epoch numbers), numbers, or texts, which are attributes of the row's points. Numbers
-- with zeros before them are ids. What may be read in two ways, as 03/04/2025 and 1,234, is read as
-- the others of the file have to be; if none tells, it is set aside. Of a pandas table with several
-- header rows, which end in a row of the index's name alone, the further ones are labels.
WITH written AS (
  SELECT position, unnest(map_keys(fields)) AS key, trim(unnest(map_values(fields))) AS text,
    generate_subscripts(map_keys(fields), 1) AS place
  FROM raw
),
shapes AS (
  SELECT position, max(text) FILTER (place = 1) AS name, count(*) - 1 AS width,
    count(*) FILTER (place > 1 AND NOT is_blank(text)) AS filled,
    count(*) FILTER (place > 1 AND point_number(text) IS NOT NULL) AS numbers
  FROM written GROUP BY position
),
heads AS (   -- the last header row, if there is more than one
  SELECT CASE WHEN last < first THEN last END AS last FROM (
    SELECT min(position) FILTER (filled = 0 AND table_time(name, true) IS NULL) AS last,
      min(position) FILTER (filled BETWEEN 1 AND width - 1 OR numbers > 0) AS first
    FROM shapes WHERE position < 10
  )
),
levels AS (   -- the first level is the header, where the reader numbers what is there again
  SELECT key, coalesce(base, key) AS name, to_json(map_from_entries(
      list({'key': level, 'value': text}) || [{'key': top, 'value': coalesce(base, key)}])) AS labels
  FROM (
    SELECT written.*, shapes.name AS level, numbered.key AS base,
      (SELECT min(key) FROM written WHERE place = 1) AS top
    FROM written JOIN shapes USING (position)
    LEFT JOIN (SELECT DISTINCT key FROM written) AS numbered
      ON numbered.key = regexp_replace(written.key, '_\d+$', '')
  ), heads
  WHERE position < last AND place > 1 GROUP BY key, base, top
),
cells AS (
  SELECT written.* FROM written, heads WHERE last IS NULL OR position > last
),
commas AS (
  SELECT CASE
      WHEN bool_or(means = 'decimals') AND NOT coalesce(bool_or(means = 'thousands'), false)
        THEN 'decimals'
      WHEN bool_or(means = 'thousands') AND NOT coalesce(bool_or(means = 'decimals'), false)
        THEN 'thousands'
    END AS mean
  FROM (SELECT comma_means(text) AS means FROM cells)
),
counted AS (
  SELECT key, min(place) AS place,
    count(*) FILTER (NOT is_blank(text))                               AS given,
    count(table_number(text, mean))                                    AS numbers,
    coalesce(bool_or(regexp_full_match(text, '0\d+')), false)          AS are_ids,
    coalesce(bool_or(contains(text, '.') AND slashed(text).year <> ''
      OR try_cast(slashed(text).first AS INT) > 12), false)            AS is_day_first,
    coalesce(bool_or(try_cast(slashed(text).second AS INT) > 12), false) AS is_month_first,
    count(*) FILTER (CASE WHEN is_called_time(key) OR place = 1
      THEN table_time(text, true) IS NOT NULL OR table_time(text, false) IS NOT NULL END) AS times
  FROM cells, commas GROUP BY key
),
named AS (
  SELECT *, times > 0 AND times >= given / 2                           AS are_times,
    regexp_extract(key, '^([^{]*)(\{.*\})$', ['name', 'labels'])       AS labelled,
    regexp_extract(key, '^(.+?)\s*[(\[]([^()\[\]{}]+)[)\]]$', ['name', 'unit']) AS measured
  FROM counted
),
columns AS (
  SELECT named.*,
    are_times AND row_number() OVER (
      ORDER BY are_times DESC, is_called_time(key) OR numbers = 0 DESC, numbers, place) = 1
                                                                       AS is_time,
    CASE
      WHEN is_time THEN 'time'
      WHEN are_times OR numbers = given AND lower(key) IN ('', 'index', 'unnamed: 0') THEN 'other'
      WHEN numbers < given / 2 OR are_ids THEN 'label'
      ELSE 'series'
    END                                                                AS role,
    CASE WHEN is_day_first <> is_month_first THEN is_day_first END     AS day_first,
    CASE WHEN labelled.labels <> '' THEN TRY(exposed_labels(labelled.labels)::JSON)
      ELSE levels.labels END                                           AS labels,
    levels.name                                                        AS level
  FROM named LEFT JOIN levels USING (key)
),
known AS (
  SELECT list(key) FILTER (role = 'time')[1]        AS time_key,
    list(day_first) FILTER (role = 'time')[1]       AS day_first,
    coalesce(list(key) FILTER (role = 'label'), []) AS label_keys,
    coalesce(list(key) FILTER (role = 'other'), []) AS other_keys,
    min(place) FILTER (role = 'series')             AS first_place
  FROM columns
),
rows AS (
  SELECT position, ingested_at, time_key, first_place,
    coalesce(position <= last, false)               AS is_head,
    trim(fields[time_key])                          AS time_text,
    table_time(time_text, day_first)                AS "time",
    to_json(map_from_entries(list_filter(map_entries(fields),
      lambda e: list_contains(label_keys, e.key) AND NOT is_blank(e."value")))) AS labels,
    to_json(map_from_entries(list_filter(map_entries(fields),
      lambda e: list_contains(other_keys, e.key)))) AS others
  FROM raw, known, heads
),
measures AS (
  SELECT c.position, c.text, d.place, d.key, d.labels AS of_column,
    coalesce(d.labels->>'__name__', nullif(d.labelled.name, ''), d.labels->>'metric', d.level,
      nullif(d.measured.name, ''), d.key)           AS name,
    nullif(d.measured.unit, '')                     AS unit,
    table_number(c.text, commas.mean)               AS number
  FROM commas, cells AS c JOIN columns AS d ON d.key = c.key AND d.role = 'series'
),
points AS (
  SELECT r.*, m.* EXCLUDE (position),
    labels_without_name(json_merge_patch(r.labels, coalesce(of_column, '{}'::JSON))) AS attributes
  FROM rows AS r LEFT JOIN measures AS m USING (position)   -- a table may have no numbers
)
SELECT
  position,
  ingested_at,
  "time",
  CASE WHEN slashed(time_text).year = '' THEN any_time_ns(iso_zone(time_text)) END AS time_ns,
  1                                                 AS activity_id,
  1                                                 AS severity_id,
  0                                                 AS status_id,
  table_workload(attributes)                        AS workload,
  series_of(name, attributes)                       AS series_uid,
  name                                              AS metric_name,
  unit,
  'gauge'                                           AS metric_type,
  number                                            AS "value",
  attributes,
  nullif(others::VARCHAR, '{}')                     AS unmapped,
  CASE
    WHEN is_head THEN ''   -- it is told of its columns
    WHEN place > first_place AND coalesce("time" NOT BETWEEN TIMESTAMPTZ '1990-01-01 00:00:00+00'
      AND ingested_at + INTERVAL 1 DAY, true) THEN ''   -- the row's first point says why
    WHEN time_key IS NULL THEN 'no column holds times'
    WHEN key IS NULL THEN 'no column holds numbers'
    WHEN "time" IS NULL AND slashed(time_text).year <> ''
      THEN 'it may be the day or the month that the date begins with'
    WHEN "time" IS NULL THEN 'its time cannot be read'
    WHEN is_blank(text) THEN ''   -- nothing was measured
    WHEN number IS NULL AND comma_means(text) = 'either'
      THEN 'the comma may part thousands or decimals'
    WHEN number IS NULL THEN 'what stands under ' || key || ' is no number'
  END                                               AS problem
FROM points
