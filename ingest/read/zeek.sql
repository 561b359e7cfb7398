-- A row of a table becomes the document that Zeek would have written as JSON.
WITH parted AS (
  SELECT position, line, string_split(line, $separator) AS texts FROM rows
),
typed AS (
  SELECT position, line, len(texts) AS found, list_transform(
    list_filter(list_zip($names, $types, texts), lambda f: f[3] <> $unset),
    lambda f: {
      'name': f[1], 'is_list': regexp_matches(f[2], '^(set|vector|table)\['),
      'type': coalesce(nullif(regexp_extract(f[2], '\[(.*)\]', 1), ''), f[2]),
      'texts': CASE WHEN NOT regexp_matches(f[2], '^(set|vector|table)\[') THEN [f[3]]
        WHEN f[3] = $empty THEN [] ELSE string_split(f[3], $comma) END}) AS fields
  FROM parted
),
told AS (
  SELECT position, line, found, list_transform(fields, lambda f: {
    'name': f.name, 'is_list': f.is_list, 'values': list_transform(f.texts, lambda x: CASE
      WHEN f.is_list AND x = $unset THEN 'null'
      WHEN f.type IN ('count', 'int', 'port', 'double', 'interval', 'time')
        AND isfinite(try_cast(x AS DOUBLE)) AND json_valid(x) THEN x
      WHEN f.type = 'bool' AND x IN ('T', 'F') THEN CASE x WHEN 'T' THEN 'true' ELSE 'false' END
      ELSE to_json(replace(replace(replace(replace(x, '\\', chr(1)), '\x09', chr(9)),
        '\x2c', ','), chr(1), '\'))::VARCHAR
    END)}) AS fields
  FROM typed
)
SELECT position, line, found, '{' || array_to_string(list_concat(
  CASE WHEN $path <> '' THEN ['"_path":' || to_json($path)::VARCHAR] ELSE [] END,
  list_transform(fields, lambda f: to_json(f.name)::VARCHAR || ':' || CASE
    WHEN f.is_list THEN '[' || array_to_string(f."values", ',') || ']'
    ELSE f."values"[1] END)), ',') || '}' AS doc
FROM told
