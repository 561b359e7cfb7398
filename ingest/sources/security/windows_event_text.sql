-- name: windows_event_text
-- reads: records
-- class: base_event authentication account_change group_management windows_resource_activity process_activity event_log_actvity
-- product: Microsoft / Microsoft Windows
-- sniff: ^LogName=
-- sniff: ^EventCode=
-- https://docs.splunk.com/Documentation/WindowsAddOn
-- Events of the classic rendering, `LogName=Security` and so on with the message last, as Splunk's
-- add-on for Windows writes them. What an event is stands in `windows_events`, as for XML; the
-- message is read in English. Its time has no zone: it is read as UTC, as any such time, and kept.
WITH split AS (
  SELECT position, ingested_at, line,
    trim(split_part(line, chr(10), 1))                     AS told_at,
    map_from_entries(list_transform(
      list_filter(string_split(split_part(line, chr(10) || 'Message=', 1), chr(10)),
        lambda l: contains(l, '=')),
      lambda l: {'key': split_part(l, '=', 1), 'value': trim(l[strpos(l, '=') + 1:])})) AS head,
    split_part(line, chr(10) || 'Message=', 2)             AS body,
    message_entries(split_part(line, chr(10) || 'Message=', 2)) AS entries
  FROM raw
),
parsed AS (
  SELECT *,
    head['EventCode']                                      AS code,
    trim(split_part(body, chr(10), 1))                     AS message,
    CASE
      WHEN head['LogName'] = 'Security' AND head['SourceName'] ILIKE '%eventlog%' THEN 'eventlog'
      WHEN head['LogName'] = 'Security' THEN 'security'
    END                                                    AS provider
  FROM split
),
found AS (
  SELECT parsed.*,
    CASE WHEN e.class_name IN ('authentication', 'account_change', 'group_management',
      'windows_resource_activity', 'process_activity', 'event_log_actvity')
      THEN e.class_name ELSE 'base_event' END              AS class_name,
    e.activity_id, e.status_id, e.severity_id,
    message_account(entries, ['Subject', 'Creator Subject']) AS subject,
    message_account(entries, ['New Logon', 'Account For Which Logon Failed', 'Target Account',
      'New Account', 'Member', 'Account Information', 'Account Whose Credentials Were Used',
      'Account That Was Locked Out'])                      AS target,
    message_account(entries, ['Group', 'New Group', 'Deleted Group']) AS "group",
    windows_pid(message_value(entries, ['Process', 'Process Information'],
      ['Process ID', 'Caller Process ID', 'Creator Process ID'])) AS pid,
    message_value(entries, ['Process', 'Process Information'],
      ['Process Name', 'Caller Process Name', 'Creator Process Name']) AS path,
    windows_pid(message_value(entries, ['Process Information'], ['New Process ID'])) AS new_pid,
    message_value(entries, ['Process Information'], ['New Process Name']) AS new_path,
    message_value(entries, ['Object'], ['Object Type'])    AS object_type,
    coalesce(message_value(entries, ['Object'], ['Object Name']),
      message_value(entries, ['Service'], ['Service Name']),
      message_value(entries, ['Service'], ['Server']))     AS object_name,
    message_value(entries, ['Object'], ['Handle ID'])      AS handle,
    message_value(entries, ['Service'], ['Server'])        AS server
  FROM parsed LEFT JOIN windows_events() AS e USING (provider, code)
),
judged AS (
  SELECT * REPLACE (
    CASE
      WHEN class_name = 'authentication' AND coalesce(target, subject) IS NULL
        THEN 'base_event'
      WHEN class_name = 'account_change' AND target IS NULL
        THEN 'base_event'
      WHEN class_name = 'group_management' AND "group" IS NULL
        THEN 'base_event'
      WHEN class_name = 'process_activity' AND coalesce(new_pid, pid) IS NULL
        AND coalesce(new_path, path) IS NULL THEN 'base_event'
      WHEN class_name = 'windows_resource_activity'
        AND coalesce(object_name, handle) IS NULL THEN 'base_event'
      ELSE class_name
    END AS class_name,
    CASE head['Keywords'] WHEN 'Audit Success' THEN 1 WHEN 'Audit Failure' THEN 2 ELSE status_id END
      AS status_id),
    windows_program(pid, path)                             AS actor_process
  FROM found
)
SELECT
  position,
  ingested_at,
  class_name,
  try_strptime(told_at, ['%m/%d/%Y %I:%M:%S %p', '%m/%d/%Y %I:%M:%S.%g %p', '%m/%d/%Y %H:%M:%S'])
    AT TIME ZONE 'UTC'                                     AS "time",
  CASE WHEN class_name = 'base_event' THEN 0 ELSE activity_id END AS activity_id,
  CASE WHEN head['Type'] ILIKE 'information%' THEN coalesce(severity_id, 1)
    WHEN head['Type'] = 'Warning' THEN 2 WHEN head['Type'] = 'Error' THEN 3
    WHEN head['Type'] = 'Critical' THEN 5 ELSE coalesce(severity_id, 1) END AS severity_id,
  status_id,
  message,
  {'original_time': told_at, 'profiles': ['host', 'inquest/telemetry'],
   'log_name': head['LogName'], 'product': {'feature': {'name': head['LogName']}}} AS metadata,
  {'hostname': head['ComputerName'], 'os': {'name': 'Windows', 'type_id': 100}} AS device,
  {'node': head['ComputerName']}                           AS workload,
  {'user': subject,
   'session': {'uid': message_value(entries, ['Subject', 'Creator Subject'],
     ['Logon ID'])}, 'process': actor_process} AS actor,
  CASE WHEN class_name = 'process_activity' THEN coalesce(windows_program(new_pid, new_path),
    actor_process) END                                     AS process,
  CASE WHEN class_name = 'process_activity' AND code = '4688' THEN 1 END AS launch_type_id,
  CASE WHEN class_name = 'process_activity' THEN windows_exit_code(
    message_value(entries, ['Process Information'], ['Exit Status'])) END AS exit_code,
  CASE WHEN class_name = 'windows_resource_activity' THEN {
    'name': object_name, 'uid': handle,
    'type': CASE WHEN windows_resource_type_id(coalesce(object_type, server)) = 99
      THEN coalesce(object_type, server) END,
    'type_id': windows_resource_type_id(coalesce(object_type, server))} END AS win_resource,
  CASE WHEN class_name IN ('account_change', 'group_management') THEN target
    WHEN class_name = 'authentication' THEN coalesce(target, subject) END AS "user",
  CASE WHEN class_name = 'group_management' THEN "group" END AS "group",
  CASE WHEN class_name = 'authentication' THEN windows_logon_type_id(nullif(regexp_extract(
    body, '(?m)^\s*Logon Type:\s*(\d+)', 1), '')) END                 AS logon_type_id,
  CASE WHEN class_name = 'authentication' THEN windows_endpoint(
    message_value(entries, ['Network Information'], ['Source Network Address', 'Client Address',
      'Network Address']),
    message_value(entries, ['Network Information'], ['Source Port', 'Client Port', 'Port']),
    message_value(entries, ['Network Information'], ['Workstation Name'])) END AS src_endpoint,
  CASE WHEN class_name = 'authentication' THEN {'hostname': head['ComputerName']} END
                                                           AS dst_endpoint,
  CASE WHEN class_name = 'authentication'
    THEN message_value(entries, ['Failure Information'], ['Status']) END AS status_code,
  CASE WHEN class_name = 'event_log_actvity' THEN head['LogName'] END AS log_name,
  line                                                     AS raw_data,
  strlen(line)                                             AS raw_data_size,
  filled({'Event': map_from_entries(list_filter(map_entries(head), lambda e: e.key NOT IN (
      'LogName', 'ComputerName', 'Keywords', 'Type'))),
    'Message': nullif(body, message)})                     AS unmapped,
  CASE
    WHEN code IS NULL OR head['LogName'] IS NULL OR head['ComputerName'] IS NULL
      THEN 'the text is no event of Windows with LogName, EventCode and ComputerName'
  END                                                      AS problem
FROM judged
