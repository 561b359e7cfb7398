-- Expressions of the sources of alerts.

-- The value of a tag among texts like 'service:checkout'; of several the first.
CREATE MACRO tag(tags, name) AS
  nullif(substr(list_filter(tags, lambda t: starts_with(t, name || ':'))[1], length(name) + 2), '');

-- Of PagerDuty, Opsgenie and Datadog, who count from P1, which is critical.
CREATE MACRO priority_severity_id(priority) AS
  CASE upper(priority)
    WHEN 'P1' THEN 5 WHEN 'P2' THEN 4 WHEN 'P3' THEN 3 WHEN 'P4' THEN 2 WHEN 'P5' THEN 1 ELSE 0
  END;

-- A person, or nobody.
CREATE MACRO person(uid, name) AS
  CASE WHEN coalesce(uid, name) IS NOT NULL THEN {'uid': uid, 'name': name} END;

-- The rule that makes the findings, or none.
CREATE MACRO rule(uid, name) AS
  CASE WHEN coalesce(uid, name) IS NOT NULL THEN {'uid': uid, 'name': name, 'type_id': 1} END;

-- {EVENT.DATE} and {EVENT.TIME} of Zabbix, '2025.01.15' and '10:06:01'; NULL unless both are given.
CREATE MACRO zabbix_time(day, clock) AS
  replace(nullif(day, ''), '.', '-') || ' ' || nullif(clock, '');

-- The members of five objects, of those with one name the last; what is none has none.
CREATE MACRO merged(objects) AS list_transform([list_transform(objects,
  lambda o: CASE WHEN json_type(o) = 'OBJECT' THEN o ELSE '{}' END)],
  lambda o: json_merge_patch(o[1], o[2], o[3], o[4], o[5]))[1];
