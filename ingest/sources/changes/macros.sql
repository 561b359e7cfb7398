-- Expressions of the sources of changes.

-- How far a change has come --------------------------------------------------------------------
-- One vocabulary, GitHub's, for the words of every deployer: created, queued, in_progress, and at
-- the end success, failure (tried, and it did not work), error, or inactive (it was not tried, or
-- another came in its place). The deployer's own word goes to `status_code`. A word
-- that is not below stays as it is.
CREATE MACRO change_state(word) AS list_transform([lower(word)], lambda w:
  CASE
    WHEN w IN ('pending', 'waiting', 'waiting_for_resource', 'waiting_for_callback', 'manual',
      'scheduled', 'blocked', 'ready', 'not_started', 'preparing', 'requested', 'action_required',
      'buffered') THEN 'queued'
    WHEN w IN ('running', 'inprogress', 'start', 'started', 'paused', 'suspended', 'baking',
      'canceling') THEN 'in_progress'
    WHEN w = 'succeeded' THEN 'success'
    WHEN w IN ('failed', 'timed_out', 'startup_failure', 'cancelled', 'canceled', 'aborted', 'stop',
      'stopped', 'terminal', 'failed_continue', 'unstable') THEN 'failure'
    WHEN w IN ('skipped', 'neutral', 'stale', 'not_built') THEN 'inactive'
    ELSE w
  END)[1];

CREATE MACRO change_status_id(state) AS
  CASE WHEN state = 'success' THEN 1 WHEN state IN ('failure', 'error') THEN 2 ELSE 0 END;

-- Who did it; nobody if no name is given. `kind` is GitHub's: User or Bot.
CREATE MACRO change_user(name, full_name, kind) AS CASE WHEN name <> '' THEN {'name': name,
  'full_name': full_name, 'type_id': CASE kind WHEN 'User' THEN 1 WHEN 'Bot' THEN 4 END} END;

-- The moments of a change: of a list of structs those whose time `at` is told, or one NULL.
CREATE MACRO happened(moments) AS
  coalesce(nullif(list_filter(moments, lambda m: m."at" IS NOT NULL), []), [NULL]);

-- The version that a tag or a release's name gives, `v` aside; NULL for a branch or a commit.
CREATE MACRO ref_version(ref) AS
  nullif(regexp_extract(ref, '^(?:refs/tags/)?v?(\d+(?:\.\d+)+\S*)$', 1), '');

-- Whether the names of a job say that it changes what runs, and does not only build or test it.
CREATE MACRO delivers(names) AS regexp_matches(names,
  '(?i)deploy|release|roll-?(?:out|back)|promote|publish|deliver|\b(?:ship|cd)\b|terraform|infra');

-- The body of what AWS SNS delivers: its `Message`, read if that is JSON; else the document itself.
CREATE MACRO sns_body(doc) AS CASE WHEN doc->>'$.Type' = 'Notification'
  THEN coalesce(TRY((doc->>'$.Message')::JSON), doc->'$.Message') ELSE doc END;

-- Helm ------------------------------------------------------------------------------------------
-- The name and the version of a chart as Helm writes them together: 'payment-db-2.8.0+build.1'.
CREATE MACRO helm_chart(chart) AS
  regexp_extract(chart, '^(.+?)-v?(\d+\.\d+\.\d+\S*)$', ['name', 'version']);

CREATE MACRO helm_state(status) AS
  CASE
    WHEN status IN ('deployed', 'superseded', 'uninstalled') THEN 'success'
    WHEN status LIKE 'pending-%' OR status = 'uninstalling' THEN 'in_progress'
    WHEN status = 'failed' THEN 'failure'
  END;

CREATE MACRO helm_activity_id(status, revision) AS
  CASE WHEN status LIKE 'uninstall%' THEN 2 WHEN revision = '1' THEN 1 ELSE 8 END;

-- ServiceNow ------------------------------------------------------------------------------------
-- A field as the REST API gives it: the value, or with `sysparm_display_value=all` value and
-- caption; of a reference the value is an id.
CREATE MACRO servicenow_value(field) AS nullif(
  CASE json_type(field) WHEN 'OBJECT' THEN field->>'$.value' ELSE field->>'$' END, '');

CREATE MACRO servicenow_caption(field) AS nullif(
  CASE json_type(field) WHEN 'OBJECT' THEN field->>'$.display_value' ELSE field->>'$' END, '');

-- Migrations of a database ------------------------------------------------------------------------
-- The time before a line, if a logger wrote one: '2025-01-15 10:06:01,512', '[2025-01-15T10:06:01Z'.
CREATE MACRO logged_at(line) AS any_time(regexp_extract(line,
  '^(?:[\w.-]+ +\| )?\W?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?'
  || '(?:Z| ?[+-]\d\d:?\d\d)?)', 1));

-- The level that stands before a line's text.
CREATE MACRO logged_level(line) AS nullif(regexp_extract(left(line, 120),
  '\b(TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|SEVERE|FATAL)\b', 1), '');

-- The program that a line names: Spring Boot's in brackets, Compose's before a bar.
CREATE MACRO logged_by(line) AS coalesce(
  nullif(regexp_extract(line, ' --- \[ *([\w.-]+)\] \[', 1), ''),
  nullif(regexp_extract(line, '^([\w.-]+?)-\d+ +\| ', 1), ''));

-- Argo CD's texts ---------------------------------------------------------------------------------
-- A field of `argocd app get`: `Sync Status:  OutOfSync from HEAD (b882d15)`.
CREATE MACRO field_of(text, name) AS
  nullif(trim(regexp_extract(text, '(?m)^(?:- )?' || name || ': *(.*)$', 1)), '');

-- A cell of a table whose columns stand below their headings; NULL if it has no such column.
CREATE MACRO column_of(heading, line, name) AS list_transform(
  [length(regexp_extract(heading, '^((?:.*\s)?)' || name || '(?:\s|$)', 1))],
  lambda start: CASE WHEN regexp_matches(heading, '(?:^|\s)' || name || '(?:\s|$)') THEN
    trim(substr(line, start + 1, coalesce(nullif(length(
      regexp_extract(substr(heading, start + 1), '^\S+(?: \S+)*\s*', 0)), 0), 1000)
      + CASE WHEN regexp_matches(substr(heading, start + 1), '^\S+(?: \S+)*\s*$') THEN 10000 ELSE 0
        END)) END)[1];
