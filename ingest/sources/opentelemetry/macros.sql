-- Expressions of the sources of OpenTelemetry.

-- An id in hex; one of no bytes, or of zeros alone, is none.
CREATE MACRO otlp_id(id) AS
  CASE WHEN lower(hex(id)) NOT IN ('', repeat('0', 16), repeat('0', 32)) THEN lower(hex(id)) END;

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
-- There are none if a double cannot hold one of them: then scale and offsets tell.
-- https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
CREATE MACRO exponential_bounds(scale, positive, negative) AS list_transform([list_concat(
  CASE WHEN len(negative.bucket_counts) > 0 THEN list_transform(
    range(len(negative.bucket_counts), -1, -1),
    lambda i: -pow(2, pow(2, -scale) * (negative."offset" + i))) ELSE [] END,
  CASE WHEN len(positive.bucket_counts) > 0 THEN list_transform(
    range(len(positive.bucket_counts) + 1),
    lambda i: pow(2, pow(2, -scale) * (positive."offset" + i))) ELSE [] END)],
  lambda bounds: CASE WHEN len(list_filter(bounds, lambda b: isinf(b))) = 0 THEN bounds END)[1];

CREATE MACRO exponential_counts(zero_count, positive, negative) AS list_concat(
  CASE WHEN len(negative.bucket_counts) > 0
    THEN list_concat([0], list_reverse(negative.bucket_counts)) ELSE [] END,
  [zero_count],
  CASE WHEN len(positive.bucket_counts) > 0
    THEN list_concat(positive.bucket_counts, [0]) ELSE [] END);

-- A whole number of which the column of doubles would lose digits.
CREATE MACRO otlp_exact(number) AS
  CASE WHEN abs(number) > 9007199254740992 THEN number END;

-- A member to follow others in a JSON object, of a number that is not 0 or of JSON text.
CREATE MACRO otlp_count(name, number) AS
  CASE WHEN number <> 0 THEN ',"' || name || '":' || number ELSE '' END;

CREATE MACRO otlp_member(name, json) AS coalesce(',"' || name || '":' || json, '');

-- A number that JSON, and so OCSF, can say; one that is not finite is kept as text beside it.
CREATE MACRO otlp_finite(number) AS CASE WHEN isfinite(number) THEN number END;

CREATE MACRO otlp_infinite(name, number) AS
  CASE WHEN NOT isfinite(number) THEN otlp_member(name, otlp_number(number)) ELSE '' END;

CREATE MACRO otlp_text_member(name, text) AS
  CASE WHEN text <> '' THEN otlp_member(name, to_json(text)::VARCHAR) ELSE '' END;

CREATE MACRO otlp_exemplar(one) AS
  '{"time_ns":' || one.time_unix_nano
  || otlp_member('value', coalesce(one.as_int::VARCHAR, otlp_number(one.as_double)))
  || otlp_member('trace_uid', '"' || otlp_id(one.trace_id) || '"')
  || otlp_member('span_uid', '"' || otlp_id(one.span_id) || '"')
  || ',"attributes":' || otlp_attributes(one.filtered_attributes) || '}';

-- What no column takes: the resource and scope as they came, and the members in `rest`.
CREATE MACRO otlp_unmapped(raw, rest) AS
  '{"resource":' || raw.resource || ',"scope":' || raw.scope || rest
  || otlp_member('resource_rest', raw.resource_rest)
  || otlp_text_member('resource_schema_url', raw.resource_schema_url)
  || otlp_text_member('scope_schema_url', raw.scope_schema_url) || '}';
