-- A number that JSON, and so OCSF, can say; one that is not finite is kept as text beside it.
CREATE MACRO finite(number) AS CASE WHEN isfinite(number) THEN number END;

CREATE MACRO infinite(number, text) AS CASE WHEN NOT isfinite(number) THEN text::VARCHAR END;

-- Prometheus ------------------------------------------------------------------------------------
-- What the naming rules call a counter. https://prometheus.io/docs/practices/naming/
CREATE MACRO is_counter_name(name) AS
  coalesce(regexp_matches(name, '_(total|bucket)$|_(seconds|bytes)_(count|sum)$'), false);

-- The name of a file without its endings, and without what a recorder put before the metric's.
CREATE MACRO metric_of_file(path) AS regexp_replace(
  regexp_extract(path, '([^/\\]+?)(?:\.(?:jsonl?|gz|zst))*$', 1), '^prometheus_(\d+_)?', '');

CREATE MACRO labels_without_name(metric) AS
  sorted_object(json_merge_patch(metric, '{"__name__": null}'));

CREATE MACRO series_of(name, labels) AS md5(concat_ws(chr(31), name, labels));

-- Explicit bounds and counts of buckets {lower, upper, count} that leave gaps: a gap is a bucket of
-- none, an infinite bound is not given.
CREATE MACRO sparse_bounds(buckets) AS CASE WHEN buckets IS NOT NULL THEN list_sort(list_distinct(list_filter(
  list_concat(buckets.list_transform(lambda b: b.lower), buckets.list_transform(lambda b: b.upper)),
  lambda bound: isfinite(bound)))) END;

CREATE MACRO sparse_counts(buckets) AS CASE WHEN buckets IS NOT NULL THEN list_transform(
  list_concat(sparse_bounds(buckets), ['inf'::DOUBLE]),
  lambda bound: coalesce(list_sum(list_transform(
    list_filter(buckets, lambda b: b.upper = bound), lambda b: b."count")), 0)) END;

-- Whole numbers, of a rate's histogram none.
CREATE MACRO whole(number) AS CASE WHEN number = round(number) THEN number::BIGINT END;

CREATE MACRO whole_counts(counts) AS
  CASE WHEN len(list_filter(counts, lambda n: whole(n) IS NULL)) = 0
    THEN list_transform(counts, lambda n: n::BIGINT) END;

-- The buckets of a native histogram as the API answers: [which ends are in it, lower, upper, count].
CREATE MACRO api_buckets(histogram) AS list_transform(
  from_json(histogram->'$.buckets', '[["VARCHAR"]]'),
  lambda b: {'lower': try_cast(b[2] AS DOUBLE), 'upper': try_cast(b[3] AS DOUBLE),
    'count': try_cast(b[4] AS DOUBLE)});

-- Labels as the text format writes them, `{a="x",b="y"}`, as a JSON object; the two escape alike.
CREATE MACRO exposed_labels(text) AS list_transform(
  [{'names': regexp_extract_all(text, '("(?:[^"\\]|\\.)*"|[A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"', 1),
    'values': regexp_extract_all(text, '("(?:[^"\\]|\\.)*"|[A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"', 2)}],
  lambda l: '{' || array_to_string(list_sort(list_transform(range(1, len(l.names) + 1),
    lambda i: '"' || trim(l.names[i], '"') || '":"' || replace(l."values"[i], chr(9), '\t') || '"')),
    ',') || '}')[1];

-- What is left of labels once they are read; nothing, if all could be.
CREATE MACRO unread_labels(text) AS trim(regexp_replace(regexp_replace(text,
  '("(?:[^"\\]|\\.)*"|[A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"', '', 'g'),
  '^\{\s*"(?:[^"\\]|\\.)*"', ''), '{}, ');

-- Whether a sample is of a family: it has its name, perhaps with what the family's kind adds.
CREATE MACRO of_family(name, family) AS coalesce(starts_with(name, trim(family, '"'))
  AND regexp_full_match(substr(name, len(trim(family, '"')) + 1),
    '|_(total|bucket|sum|count|created|info|gsum|gcount)'), false);

-- Whether a sample only grows, by the kind of its family; by its name if that is not known.
CREATE MACRO is_counter(kind, name) AS CASE
  WHEN kind = 'counter' THEN NOT ends_with(name, '_created')
  WHEN kind IN ('histogram', 'summary') THEN regexp_matches(name, '_(bucket|sum|count)$')
  WHEN kind IN ('gauge', 'info', 'stateset', 'gaugehistogram') THEN false
  ELSE is_counter_name(name) END;

-- Native histograms, as remote-write sends them: spans {offset, length} say which buckets there
-- are, the first offset being an index, the others a gap; of -> deltas each adds to the last.
-- https://prometheus.io/docs/specs/native_histograms/
CREATE MACRO native_fits(spans, counts) AS
  coalesce(list_sum(list_transform(spans, lambda s: s.length)), 0) = len(counts);

CREATE MACRO native_indexes(spans) AS flatten(list_transform(range(1, len(spans) + 1),
  lambda k: list_transform([list_sum(list_transform(spans[:k], lambda s: s."offset"))
      + coalesce(list_sum(list_transform(spans[:k - 1], lambda s: s.length)), 0)],
    lambda first: range(first::BIGINT, first::BIGINT + spans[k].length))[1]));

CREATE MACRO undelta(deltas) AS list_transform(range(1, len(deltas) + 1),
  lambda i: list_sum(deltas[:i])::DOUBLE);

-- Buckets {lower, upper, count} of index i, which reaches up to 2^(i * 2^-scale).
CREATE MACRO native_buckets(scale, spans, counts, sign) AS list_transform(
  list_zip(native_indexes(spans), counts),
  lambda b: {
    'lower': sign * pow(2, pow(2, -scale) * (b[1] - CASE WHEN sign > 0 THEN 1 ELSE 0 END)),
    'upper': sign * pow(2, pow(2, -scale) * (b[1] - CASE WHEN sign > 0 THEN 0 ELSE 1 END)),
    'count': b[2]});

-- The same of custom bounds, where bucket i reaches from bound i to the next.
CREATE MACRO custom_buckets(bounds, spans, counts) AS list_transform(
  list_zip(native_indexes(spans), counts),
  lambda b: {
    'lower': CASE WHEN b[1] = 0 THEN '-inf'::DOUBLE ELSE bounds[b[1]] END,
    'upper': coalesce(bounds[b[1] + 1], 'inf'::DOUBLE),
    'count': b[2]});

-- CloudWatch ------------------------------------------------------------------------------------
-- Units as CloudWatch itself writes them for OpenTelemetry, in UCUM; one that is not listed stays.
-- https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-opentelemetry-translation-100.html
CREATE MACRO cloudwatch_base_unit(unit) AS coalesce(
  MAP {
    'Second': 's', 'Seconds': 's', 'Microseconds': 'us', 'Milliseconds': 'ms', 'Bytes': 'By',
    'Kilobytes': 'kBy', 'Megabytes': 'MBy', 'Gigabytes': 'GBy', 'Terabytes': 'TBy', 'Bits': 'bit',
    'Kilobits': 'kbit', 'Megabits': 'MBit', 'Gigabits': 'GBit', 'Terabits': 'Tbit',
    'Percent': '%', 'Count': '{Count}', 'None': '1'}[unit], unit);

CREATE MACRO cloudwatch_unit(unit) AS array_to_string(
  list_transform(split(unit, '/'), lambda part: cloudwatch_base_unit(part)), '/');

-- Who a metric's dimensions say it is of: of the services' own dimensions one that names a thing.
CREATE MACRO cloudwatch_workload(dimensions, region, account) AS list_transform(
  [json_extract_string(dimensions, [
    '/Service', '/ServiceName', '/FunctionName', '/DBInstanceIdentifier', '/DBClusterIdentifier',
    '/CacheClusterId', '/QueueName', '/TableName', '/ApiName', '/InstanceId', '/PodName',
    '/NodeName', '/Namespace', '/ClusterName', '/AvailabilityZone'])],
  lambda v: {
    'service': coalesce(v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]),
    'instance': v[10], 'pod': v[11], 'node': v[12], 'namespace': v[13], 'cluster': v[14],
    'zone': v[15], 'region': region, 'account': account})[1];

CREATE MACRO decimal_number(text) AS finite(try_cast(text AS DOUBLE));

-- Tables ----------------------------------------------------------------------------------------
-- A number as written with a point; not what only DuckDB takes for one.
CREATE MACRO point_number(text) AS
  CASE WHEN regexp_full_match(text, '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?')
    THEN finite(try_cast(text AS DOUBLE)) END;

-- Commas: in 1.234,5 a decimal's, in 1,234.5 and 1,234,567 of thousands, in 1,234 either.
CREATE MACRO comma_means(text) AS CASE
  WHEN NOT contains(text, ',') THEN NULL
  WHEN regexp_full_match(text, '[+-]?\d{1,3},\d{3}') THEN 'either'
  WHEN regexp_full_match(text, '[+-]?\d{1,3}(,\d{3})+(\.\d+)?') THEN 'thousands'
  WHEN regexp_full_match(text, '[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+([eE][+-]?\d+)?') THEN 'decimals'
END;

CREATE MACRO table_number(text, commas) AS point_number(CASE commas
  WHEN 'decimals' THEN replace(replace(text, '.', ''), ',', '.')
  WHEN 'thousands' THEN CASE WHEN comma_means(text) IS NULL THEN text ELSE replace(text, ',', '') END
  ELSE text END);

-- A field that tells nothing, as exporters write it.
CREATE MACRO is_blank(text) AS
  text IS NULL OR lower(text) IN ('', '-', 'na', 'n/a', 'nan', 'nil', 'none', 'null', 'undefined');

CREATE MACRO is_called_time(name) AS regexp_full_match(trim(name),
  '(?i)(@|_|start|end|observed|event|utc|local|unix)*[ _]?(date[ _]?time|date|time|ts|epoch)[ _]?'
  || '(stamp|unix|nano|utc|ms|us|ns|s|[(\[].*[)\]]| )*');

-- A date with the year last, its parts as they stand.
CREATE MACRO slashed(text) AS regexp_extract(text,
  '^(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?:[ ,T]+(.*))?$', ['first', 'second', 'year', 'clock']);

-- Go's own text of a time in ISO form: `+0000 UTC m=+0.1`, the last a reading of another clock.
CREATE MACRO iso_zone(text) AS
  regexp_replace(text, ' ([+-]\d\d):?(\d\d)( [A-Z]{3,4})?( m=\S+)?$', '\1:\2');

CREATE MACRO table_time(text, day_first) AS list_transform([slashed(text)], lambda d: CASE
  WHEN d.year = '' THEN any_time(iso_zone(text))
  WHEN day_first THEN any_time(d.year || '-' || lpad(d.second, 2, '0') || '-'
    || lpad(d.first, 2, '0') || ' ' || d.clock)
  WHEN NOT day_first THEN any_time(d.year || '-' || lpad(d.first, 2, '0') || '-'
    || lpad(d.second, 2, '0') || ' ' || d.clock)
END)[1];

-- Who a table's row is of, by the names of its columns however they are spelled.
CREATE MACRO named_value(entries, name) AS
  list_filter(entries, lambda e: e.name = name)[1]."value";

CREATE MACRO table_workload(labels) AS list_transform(
  [list_transform(map_entries(from_json(labels, '"MAP(VARCHAR, VARCHAR)"')), lambda e: {
    'name': regexp_replace(lower(e.key), '[ _.-]|name$|id$', '', 'g'), 'value': e."value"})],
  lambda l: {
    'service': coalesce(named_value(l, 'service'), named_value(l, 'app'), named_value(l, 'job')),
    'version': named_value(l, 'version'), 'instance': named_value(l, 'instance'),
    'pod': coalesce(named_value(l, 'pod'), named_value(l, 'k8spod')),
    'node': coalesce(named_value(l, 'node'), named_value(l, 'host')),
    'namespace': named_value(l, 'namespace'), 'cluster': named_value(l, 'cluster'),
    'zone': named_value(l, 'zone'), 'region': named_value(l, 'region'),
    'account': named_value(l, 'account')})[1];

-- Performance Insights ----------------------------------------------------------------------------
-- The first member of a JSON object at some paths that says anything, as text.
CREATE MACRO first_of(doc, paths) AS
  list_filter(json_extract_string(doc, paths), lambda v: v <> '')[1];

CREATE MACRO load_of(part) AS first_of(part, ['/db_load_avg', '/dbLoadAvg', '/db_load', '/dbLoad',
  '/avg_load', '/load', '/average_active_sessions', '/aas', '/Total', '/value']);

-- Dimensions as one source names them: what is only the name of something by the thing itself.
-- https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.API.html
CREATE MACRO insight_dimensions(dimensions) AS to_json(map_from_entries(list_transform(
  map_entries(from_json(dimensions, '"MAP(VARCHAR, VARCHAR)"')), lambda e: {
    'key': coalesce(MAP {'db.wait_event.name': 'db.wait_event',
      'db.wait_event.type': 'db.wait_event_type', 'db.sql.statement': 'db.sql',
      'db.sql_tokenized.statement': 'db.sql', 'db.sql.id': 'db.sql_id',
      'db.sql_tokenized.id': 'db.sql_id', 'db.user.name': 'db.user', 'db.host.id': 'db.host',
      'db.host.name': 'db.host', 'db.application.name': 'db.application'}[e.key], e.key),
    'value': e."value"}).list_filter(lambda e: e."value" IS NOT NULL)));

-- Dimensions as a JSON object, of one or of a list of {Name, Value}; NULL if there are none.
CREATE MACRO cloudwatch_dimensions(dimensions) AS CASE json_type(dimensions)
  WHEN 'OBJECT' THEN dimensions
  WHEN 'ARRAY' THEN to_json(map_from_entries(list_transform(json_extract(dimensions, '$[*]'),
    lambda d: {'key': first_of(d, ['/Name', '/name']), 'value': first_of(d, ['/Value', '/value'])})
    .list_filter(lambda e: e.key IS NOT NULL)))
END;
