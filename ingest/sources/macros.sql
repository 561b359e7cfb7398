-- Expressions that sources share.

-- Times -----------------------------------------------------------------------------------------
-- A moment from microseconds since 1970; NULL where no calendar has it.
CREATE MACRO time_from_us(us) AS
  CASE WHEN us BETWEEN 0 AND 253402300799999999 THEN make_timestamptz(us::BIGINT) END;

-- A moment from OTLP's nanoseconds, of which 0 means not given.
CREATE MACRO time_from_ns(ns) AS CASE WHEN ns > 0 THEN time_from_us(ns // 1000) END;

-- Text ------------------------------------------------------------------------------------------
-- What a log writes as '-' or '' is not there.
CREATE MACRO given(text) AS nullif(nullif(text, '-'), '');

-- Of a list as nginx writes it when it tried several upstreams, the last, which answered.
CREATE MACRO last_tried(text) AS given(regexp_extract(text, '[^\s,]+$'));

CREATE MACRO milliseconds(seconds) AS (try_cast(seconds AS DECIMAL(12, 3)) * 1000)::BIGINT;

-- A JSON object of texts with its keys in order, so that equal ones are equal texts.
CREATE MACRO sorted_object(object) AS
  '{' || array_to_string(list_sort(list_transform(
    map_entries(from_json(object, '"MAP(VARCHAR, JSON)"')),
    lambda e: to_json(e.key)::VARCHAR || ':' || e.value)), ',') || '}';

-- A JSON object without its empty members; NULL when none is left.
CREATE MACRO filled(object) AS nullif(json_merge_patch('{}', to_json(object))::VARCHAR, '{}');

-- OCSF's numbers --------------------------------------------------------------------------------
CREATE MACRO http_status_id(code) AS
  CASE WHEN code IS NULL THEN 0 WHEN code < 400 THEN 1 ELSE 2 END;

CREATE MACRO http_activity_id(method) AS
  CASE method
    WHEN 'CONNECT' THEN 1 WHEN 'DELETE' THEN 2 WHEN 'GET' THEN 3 WHEN 'HEAD' THEN 4
    WHEN 'OPTIONS' THEN 5 WHEN 'POST' THEN 6 WHEN 'PUT' THEN 7 WHEN 'TRACE' THEN 8
    WHEN 'PATCH' THEN 9
    ELSE CASE WHEN method IS NULL THEN 0 ELSE 99 END
  END;

-- https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
CREATE MACRO log_severity_id(severity_number) AS
  CASE
    WHEN severity_number < 1 OR severity_number > 24 THEN 0
    WHEN severity_number < 13 THEN 1   -- trace, debug, info
    WHEN severity_number < 17 THEN 3   -- warn
    WHEN severity_number < 21 THEN 4   -- error
    ELSE 6                             -- fatal
  END;

CREATE MACRO alert_severity_id(severity) AS
  CASE lower(severity)
    WHEN 'info' THEN 1 WHEN 'none' THEN 1 WHEN 'low' THEN 2 WHEN 'warning' THEN 3
    WHEN 'warn' THEN 3 WHEN 'medium' THEN 3 WHEN 'error' THEN 4 WHEN 'high' THEN 4
    WHEN 'critical' THEN 5 WHEN 'page' THEN 5
    ELSE 0
  END;

-- Who speaks ------------------------------------------------------------------------------------
-- https://opentelemetry.io/docs/specs/semconv/resource/ (the list of one names what is found once)
CREATE MACRO resource_workload(resource) AS list_transform(
  [json_extract_string(resource, [
    '/service.name', '/service.version', '/service.instance.id', '/k8s.pod.name',
    '/k8s.node.name', '/host.name', '/service.namespace', '/k8s.namespace.name',
    '/k8s.cluster.name', '/cloud.availability_zone', '/cloud.region', '/cloud.account.id'])],
  lambda v: {
    'service': v[1], 'version': v[2], 'instance': v[3], 'pod': v[4],
    'node': coalesce(v[5], v[6]), 'namespace': coalesce(v[7], v[8]), 'cluster': v[9],
    'zone': v[10], 'region': v[11], 'account': v[12]})[1];

CREATE MACRO label_workload(labels) AS list_transform(
  [json_extract_string(labels, [
    '/service', '/version', '/instance', '/pod', '/node', '/job', '/namespace', '/cluster',
    '/zone', '/region'])],
  lambda v: {
    'service': coalesce(v[1], v[6]), 'version': v[2], 'instance': v[3], 'pod': v[4],
    'node': v[5], 'namespace': v[7], 'cluster': v[8], 'zone': v[9], 'region': v[10]})[1];

-- OTLP ------------------------------------------------------------------------------------------
CREATE MACRO otlp_id(id) AS CASE WHEN octet_length(id) > 0 THEN lower(hex(id)) END;

CREATE MACRO otlp_number(number) AS
  CASE WHEN isfinite(number) THEN to_json(number)::VARCHAR ELSE '"' || number || '"' END;

-- An OTLP value as JSON text. https://opentelemetry.io/docs/specs/otel/common/#anyvalue
CREATE MACRO otlp_value(value) AS
  CASE
    WHEN value.string_value IS NOT NULL THEN to_json(value.string_value)::VARCHAR
    WHEN value.int_value    IS NOT NULL THEN value.int_value::VARCHAR
    WHEN value.bool_value   IS NOT NULL THEN value.bool_value::VARCHAR
    WHEN value.double_value IS NOT NULL THEN otlp_number(value.double_value)
    WHEN value.array_value  IS NOT NULL THEN value.array_value
    WHEN value.kvlist_value IS NOT NULL THEN value.kvlist_value
    WHEN value.bytes_value  IS NOT NULL THEN '"' || to_base64(value.bytes_value) || '"'
    ELSE 'null'
  END;

-- The same as a person would read it.
CREATE MACRO otlp_text(value) AS coalesce(value.string_value, nullif(otlp_value(value), 'null'));

-- An attribute list as a JSON object with its keys in order, so that equal ones are equal texts.
CREATE MACRO otlp_attributes(attributes) AS
  '{' || array_to_string(list_sort(list_transform(attributes,
    lambda a: to_json(a.key)::VARCHAR || ':' || otlp_value(a.value))), ',') || '}';

-- An exponential histogram as one with explicit bounds: negative buckets, zero, positive buckets.
-- https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
CREATE MACRO exponential_bounds(scale, positive, negative) AS TRY(list_concat(
  CASE WHEN len(negative.bucket_counts) > 0 THEN list_transform(
    range(len(negative.bucket_counts), -1, -1),
    lambda i: -pow(2, pow(2, -scale) * (negative."offset" + i))) ELSE [] END,
  CASE WHEN len(positive.bucket_counts) > 0 THEN list_transform(
    range(len(positive.bucket_counts) + 1),
    lambda i: pow(2, pow(2, -scale) * (positive."offset" + i))) ELSE [] END));

CREATE MACRO exponential_counts(zero_count, positive, negative) AS list_concat(
  CASE WHEN len(negative.bucket_counts) > 0
    THEN list_concat([0], list_reverse(negative.bucket_counts)) ELSE [] END,
  [zero_count],
  CASE WHEN len(positive.bucket_counts) > 0
    THEN list_concat(positive.bucket_counts, [0]) ELSE [] END);

-- What no column takes: the resource and scope as they came, and of `rest` what is not NULL.
CREATE MACRO otlp_unmapped(resource, scope, rest) AS
  '{"resource":' || coalesce(resource, '{}') || ',"scope":' || coalesce(scope, '{}')
  || coalesce(',' || substr(filled(rest), 2), '}');
