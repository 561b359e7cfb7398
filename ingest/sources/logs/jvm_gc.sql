-- name: jvm_gc
-- reads: records
-- class: log_record
-- product: OpenJDK / HotSpot
-- sniff: ^\[[^\]]+\](\[[^\]]*\])*\[gc[a-z,]* *\] ?|^\d{4}-\d\d-\d\dT\S+: [\d.,]+: \[(Full )?GC
-- sniff: \bGC\(\d+\) |\bUsing (G1|Parallel|Serial|Shenandoah|The Z Garbage Collector|Concurrent Mark Sweep|Epsilon)|, [\d.,]+ secs\]
-- https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html#enable-logging-with-the-jvm-unified-logging-framework
-- Unified logging (-Xlog:gc*, JDK 9 to 24) with any decorations, and -XX:+PrintGCDetails of JDK 8
-- with -XX:+PrintGCDateStamps. A line that tells the uptime alone has no time: log with
-- -Xlog:gc*:file=gc.log:time,uptime,level,tags. Bytes and seconds are as OpenTelemetry has them.
WITH fields AS (
  SELECT position, ingested_at, line,
    regexp_extract(line, '(?s)^((?:\[[^\]]*\])+) ?(.*)$', ['decorations', 'text']) AS u,
    regexp_extract(line, '(?s)^(?:(\d{4}-\d\d-\d\dT\S+): )?(?:([\d.,]+): )?(.*)$',
      ['at', 'uptime', 'text'])                      AS o
  FROM raw
),
decorated AS (
  SELECT *, u.decorations <> '' AS is_unified,
    list_transform(string_split(trim(u.decorations, '[]'), ']['), lambda d: trim(d)) AS given
  FROM fields
),
told AS (
  SELECT *,
    rtrim(CASE WHEN is_unified THEN u.text ELSE o.text END, chr(10)) AS text,
    CASE WHEN is_unified THEN coalesce(
        list_filter(given, lambda d: regexp_full_match(d, '\d{4}-\d\d-\d\dT\S+'))[1],
        rtrim(list_filter(given, lambda d: regexp_full_match(d, '\d{13}ms'))[1], 'ms'))
      ELSE nullif(o."at", '') END                    AS "at",
    CASE WHEN is_unified
      THEN rtrim(list_filter(given, lambda d: regexp_full_match(d, '\d+[.,]\d+s'))[1], 's')
      ELSE nullif(o.uptime, '') END                  AS uptime,
    list_filter(given, lambda d: d IN ('trace', 'debug', 'info', 'warning', 'error'))[1] AS level,
    list_filter(given, lambda d: regexp_full_match(d, '[a-z0-9]+(?:,[a-z0-9]+)*')
      AND d NOT IN ('trace', 'debug', 'info', 'warning', 'error')
      AND NOT regexp_full_match(d, '\d+(?:s|ms|ns)?'))[-1] AS tags
  FROM decorated
),
measured AS (
  SELECT *,
    split_part(text, chr(10), 1)                     AS head,
    regexp_extract(head, '^(?:GC\((\d+)\) )?(.*?)(?: ([\d.,]+[BKMG])(?:\([\d.]+%\))?'
      || '->([\d.,]+[BKMG])(?:\((?:([\d.,]+[BKMG])|[^)]*)\))?)?(?: ([\d.,]+)(ms|s))?$',
      ['id', 'what', 'before', 'after', 'size', 'took', 'unit']) AS g,
    regexp_extract(head, '[)\]] +([\d.]+[BKMG])->([\d.]+[BKMG])\(([\d.]+[BKMG])\)',
      ['before', 'after', 'size'])                   AS j,
    regexp_extract(text, ' Heap: ([\d.]+[BKMG])\([^)]*\)->([\d.]+[BKMG])\(([\d.]+[BKMG])\)',
      ['before', 'after', 'size'])                   AS h,
    regexp_extract(head, '^Safepoint ".*, Total: +(\d+) ns|threads were stopped: ([\d.,]+) seconds',
      ['ns', 's'])                                   AS stopped
  FROM told
),
named AS (
  SELECT *, regexp_extract(CASE WHEN is_unified THEN g.what ELSE regexp_extract(head,
        '^\[((?:Full )?GC(?: pause| remark| cleanup| concurrent-[\w-]+)?'
        || '(?: \((?:[^()]|\(\))*\))?)', 1) END,
      '^((?:Full )?GC|(?:Pause|Concurrent|Garbage|Minor|Major|GC|Full)\b.*?)'
      || '(?: \(((?:[^()]|\(\))*)\))?$', ['action', 'cause']) AS a,
    list_filter(given, lambda d: NOT list_contains(
      ['', "at", "at" || 'ms', uptime || 's', level, tags], d)) AS others
  FROM measured
)
SELECT
  position,
  ingested_at,
  any_time("at")                                     AS "time",
  1                                                  AS activity_id,
  CASE WHEN level IS NULL THEN 1 ELSE level_severity_id(level) END AS severity_id,
  0                                                  AS status_id,
  text                                               AS message,
  level                                              AS severity,
  tags                                               AS scope,
  filled({
    'jvm.gc.id': try_cast(nullif(g.id, '') AS BIGINT),
    'jvm.gc.action': nullif(a.action, ''),
    'jvm.gc.cause': nullif(a.cause, ''),
    'jvm.gc.duration': CASE
      WHEN NOT is_unified THEN gc_seconds(regexp_extract(head, '.*, ([\d.]+) secs\]', 1), 's')
      WHEN a.action <> '' THEN gc_seconds(g.took, g.unit) END,
    'jvm.memory.used_before_gc': gc_bytes(
      CASE WHEN is_unified THEN g.before ELSE coalesce(nullif(j.before, ''), h.before) END),
    'jvm.memory.used_after_last_gc': gc_bytes(
      CASE WHEN is_unified THEN g."after" ELSE coalesce(nullif(j."after", ''), h."after") END),
    'jvm.memory.committed': gc_bytes(
      CASE WHEN is_unified THEN g.size ELSE coalesce(nullif(j.size, ''), h.size) END),
    'jvm.safepoint.duration': coalesce(gc_seconds(stopped.ns, 'ns'), gc_seconds(stopped.s, 's'))
  })                                                 AS attributes,
  {'instance': list_filter(others, lambda d: NOT regexp_full_match(d, '\d+(?:ms|ns)?'))[1]}
                                                     AS workload,
  filled({'uptime': uptime, 'decorations': nullif(others, [])}) AS unmapped,
  CASE
    WHEN regexp_matches(line, '^(?:(?:Java HotSpot|OpenJDK).* for |Memory: |CommandLine flags: )')
      THEN ''                                        -- how JDK 8 begins
    WHEN "at" IS NULL AND (uptime IS NOT NULL OR tags LIKE 'gc%')
      THEN 'the line tells the uptime of the JVM and no time'
    WHEN "at" IS NULL THEN 'the line is not in the format of HotSpot''s GC log'
  END                                                AS problem
FROM named
