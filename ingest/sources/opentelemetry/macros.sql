-- Expressions of the sources of OpenTelemetry.

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
