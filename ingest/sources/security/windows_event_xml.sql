-- name: windows_event_xml
-- reads: xml
-- class: base_event authentication authorize_session user_access account_change group_management entity_management windows_resource_activity registry_key_activity registry_value_activity windows_service_activity process_activity file_activity module_activity kernel_extension_activity script_activity scheduled_job_activity event_log_actvity network_activity dns_activity smb_activity peripheral_activity detection_finding scan_activity application_lifecycle
-- product: Microsoft / Windows
-- sniff: <EventID[ >]
-- sniff: <Provider [^>]*Name=
-- https://learn.microsoft.com/en-us/windows/win32/wes/eventschema-schema
-- Events of any log as XML, from wevtutil, Event Viewer, Get-WinEvent or a forwarder. Which event
-- is what stands in `windows_events` of macros.sql: Security, Sysmon to schema 4.90, PowerShell,
-- Task Scheduler, Defender, crashes, services, DNS client, remote sessions, AppLocker, firewall and
-- installer. An event that is not there is a base event, all of it kept.
WITH events AS (
  SELECT position, ingested_at, "text", doc,
    from_json(doc->'$.System', '{"Provider": {"Name": "VARCHAR", "Guid": "VARCHAR"},
      "EventID": "JSON", "Version": "VARCHAR", "Level": "VARCHAR", "EventRecordID": "VARCHAR",
      "Channel": "VARCHAR", "Computer": "VARCHAR", "TimeCreated": {"SystemTime": "VARCHAR"},
      "Execution": {"ProcessID": "VARCHAR"}, "Security": {"UserID": "VARCHAR"}}') AS sys,
    from_json(coalesce(
      CASE WHEN json_type(doc, '$.EventData') = 'OBJECT' THEN doc->'$.EventData' END,
      json_extract(doc, '$.UserData.*')[1], '{}'), '"MAP(VARCHAR, VARCHAR)"') AS told
  FROM raw
),
cleaned AS (   -- Windows writes '-' for what it has not
  SELECT * EXCLUDE (told),
    windows_provider(sys.Provider.Name)                    AS provider,
    coalesce(sys.EventID->>'$.#text', sys.EventID->>'$')   AS code,
    map_from_entries(list_filter(map_entries(told), lambda e: e.value NOT IN ('', '-'))) AS fields
  FROM events
),
parsed AS (
  SELECT cleaned.*, windows_fields(fields) AS d, windows_params(fields) AS p,
    coalesce(e.class_name, 'base_event') AS class_name, e.activity_id, e.status_id, e.severity_id
  FROM cleaned LEFT JOIN windows_events() AS e USING (provider, code)
),
meant AS (   -- what the fields say of the event's kind
  SELECT * REPLACE (
    CASE WHEN provider = 'sysmon' AND code IN ('12', '14') AND d.EventType LIKE '%Value'
      THEN 'registry_value_activity' ELSE class_name END AS class_name),
    regexp_extract(d.ContextInfo, '(?m)^\s*User = (.*\S)\s*$', 1) AS shell_user,
    CASE WHEN provider = 'crash' THEN windows_crash(sys.Provider.Name, p, d) END AS crash
  FROM parsed
),
judged AS (
  SELECT * REPLACE (
    CASE
      WHEN class_name = 'base_event' THEN 0
      WHEN provider = 'sysmon' AND code = '12' THEN CASE
        WHEN d.EventType LIKE 'Delete%' THEN 4
        WHEN class_name = 'registry_value_activity' THEN 2 ELSE 1 END
      WHEN provider = 'sysmon' AND code = '14' AND class_name = 'registry_value_activity' THEN 3
      WHEN provider = 'sysmon' AND code = '4' THEN
        CASE d.State WHEN 'Started' THEN 3 WHEN 'Stopped' THEN 4 ELSE 99 END
      WHEN code = '4657' THEN CASE d.OperationType WHEN '%%1906' THEN 4 WHEN '%%1905' THEN 3
        ELSE 2 END
      WHEN provider = 'services' AND code IN ('7035', '7036') THEN
        CASE WHEN lower(p[2]) IN ('running', 'start') THEN 3
          WHEN lower(p[2]) IN ('stopped', 'stop') THEN 4
          WHEN lower(p[2]) IN ('paused', 'pause') THEN 5
          WHEN lower(p[2]) = 'continue' THEN 6 ELSE 99 END
      ELSE activity_id
    END AS activity_id,
    CASE
      WHEN provider = 'tasks' AND d.ResultCode IS NOT NULL THEN
        CASE WHEN windows_number(d.ResultCode) = 0 THEN 1 ELSE 2 END
      WHEN provider = 'security' AND class_name = 'authentication' AND status_id IS NULL
        AND d.Status IS NOT NULL THEN CASE WHEN windows_number(d.Status) = 0 THEN 1 ELSE 2 END
      WHEN class_name = 'dns_activity' AND d.QueryStatus IS NOT NULL
        THEN CASE WHEN d.QueryStatus IN ('0', '9701') THEN 1 ELSE 2 END
      WHEN provider = 'installer' AND status_id IS NULL AND p[4] IS NOT NULL
        THEN CASE WHEN p[4] = '0' THEN 1 ELSE 2 END
      WHEN status_id IS NULL AND is_audit_failure(doc->>'$.System.Keywords') THEN 2
      ELSE status_id
    END AS status_id)
  FROM meant
),
acting AS (
  SELECT *,
    CASE
      WHEN provider = 'sysmon' THEN windows_user(coalesce(d."User", d.SourceUser))
      WHEN provider = 'tasks' THEN windows_user(coalesce(d.UserContext, d.UserName, d."User"))
      WHEN provider = 'defender' THEN
        windows_user(coalesce(d."Detection User", d."User", d."Remediation User"))
      WHEN provider = 'powershell' THEN windows_user(nullif(coalesce(nullif(shell_user, ''),
        regexp_extract(array_to_string(p, chr(10)), '(?m)^\s*UserId=(.*\S)\s*$', 1)), ''))
      WHEN provider = 'applocker' OR provider = 'installer'
        THEN windows_account(coalesce(d.TargetUser, sys.Security.UserID), NULL, NULL)
      WHEN provider = 'firewall' THEN windows_account(d.ModifyingUser, NULL, NULL)
      ELSE coalesce(
        windows_account(d.SubjectUserSid, d.SubjectUserName, d.SubjectDomainName),
        windows_account(sys.Security.UserID, NULL, NULL))
    END                                                    AS actor_user,
    CASE
      WHEN provider = 'sysmon' AND code = '1' AND coalesce(d.LogonGuid, d.LogonId) IS NOT NULL
        THEN {'uid': d.LogonGuid, 'uid_alt': d.LogonId}
      WHEN provider = 'powershell' AND d.RunspaceId IS NOT NULL
        THEN {'uid': d.RunspaceId, 'uid_alt': NULL::VARCHAR}
      WHEN d.SubjectLogonId IS NOT NULL
        THEN {'uid': NULL::VARCHAR, 'uid_alt': d.SubjectLogonId}
    END                                                    AS actor_session,
    CASE
      WHEN provider = 'sysmon' AND code = '1' THEN windows_process(
        windows_pid(d.ParentProcessId), d.ParentProcessGuid, d.ParentImage, 8)
      WHEN provider = 'sysmon' THEN windows_process(
        windows_pid(coalesce(d.SourceProcessId, d.ProcessId)),
        coalesce(d.SourceProcessGuid, d.ProcessGuid),
        coalesce(d.SourceImage, d.Image), 8)
      WHEN provider = 'security' AND code = '4688' THEN
        windows_process(windows_pid(d.ProcessId), NULL, d.ParentProcessName, 8)
      WHEN provider IN ('security', 'eventlog') THEN windows_process(
        windows_pid(coalesce(d.ProcessId, d.ClientProcessId, d.CallerProcessId)), NULL,
        coalesce(d.ProcessName, d.Application, d.CallerProcessName), 8)
      WHEN provider = 'tasks' THEN windows_process(
        windows_pid(coalesce(d.ProcessId, d.EnginePID)), NULL, NULL, 8)
      WHEN provider = 'defender' AND d."Process Name" <> 'Unknown'
        THEN windows_process(NULL::INTEGER, NULL, d."Process Name", 1)
      WHEN provider = 'powershell'
        THEN windows_process(windows_pid(sys.Execution.ProcessID), NULL, NULL, 8)
      WHEN provider = 'firewall'
        THEN windows_process(NULL::INTEGER, NULL, d.ModifyingApplication, 8)
    END                                                    AS actor_process,
    CASE
      WHEN class_name <> 'process_activity' THEN NULL
      WHEN provider = 'sysmon' AND code IN ('8', '10') THEN windows_process(
        windows_pid(d.TargetProcessId), d.TargetProcessGuid,
        d.TargetImage, 8)
      WHEN provider = 'sysmon'
        THEN windows_process(windows_pid(d.ProcessId), d.ProcessGuid, d.Image, 8)
      WHEN code = '4688'
        THEN windows_process(windows_pid(d.NewProcessId), NULL, d.NewProcessName, 8)
      WHEN code = '4696'
        THEN windows_process(windows_pid(d.TargetProcessId), NULL, d.TargetProcessName, 8)
      WHEN provider = 'security' THEN actor_process
      WHEN provider = 'applocker' THEN windows_process(
        windows_pid(d.TargetProcessId), NULL, coalesce(d.FullFilePath, d.FilePath), 8)
      ELSE windows_process(crash.pid, NULL, coalesce(crash.path, crash.name), 8)
    END                                                    AS process,
    CASE WHEN class_name IN ('file_activity', 'smb_activity', 'scheduled_job_activity')
      OR class_name = 'detection_finding'
      THEN coalesce(d.TargetFilename, d.Device, d.PipeName, d.RelativeTargetName, d.ActionName,
        regexp_replace(split_part(d.Path, ';', 1), '^[a-z]+:_', '')) END AS file_path,
    windows_target(d, p, class_name, provider, code)       AS target
  FROM judged
),
whole AS (   -- an event without what its class is about is no more than a base event
  SELECT * REPLACE (
    CASE WHEN about IS NULL THEN 'base_event' ELSE class_name END AS class_name,
    CASE WHEN about IS NULL THEN 0 ELSE activity_id END AS activity_id)
  FROM (SELECT *, windows_about(d, class_name, process, target, file_path) AS about FROM acting)
)
SELECT
  position,
  ingested_at,
  class_name,
  coalesce(CASE WHEN provider = 'sysmon' THEN any_time(d.UtcTime) END,
    any_time(sys.TimeCreated.SystemTime))                  AS "time",
  activity_id,
  coalesce(defender_severity_id(coalesce(d."Severity Name", d.Severity)), severity_id,
    CASE WHEN status_id = 2 AND class_name = 'authentication' THEN 2 END,
    windows_severity_id(sys.Level))                        AS severity_id,
  CASE WHEN class_name NOT IN ('detection_finding') THEN status_id END AS status_id,
  coalesce(
    CASE WHEN provider = 'tasks' THEN d.ResultCode END,
    CASE WHEN class_name IN ('authentication', 'smb_activity') THEN d.Status END,
    crash.code,
    CASE WHEN class_name = 'dns_activity' THEN d.QueryStatus END) AS status_code,
  doc->>'$.RenderingInfo.Message'                          AS message,
  {'event_code': code, 'log_name': sys.Channel, 'log_level': sys.Level,
   'log_version': sys."Version", 'log_format': 'xml',
   'logged_time': epoch_ms(any_time(sys.TimeCreated.SystemTime)),
   'original_event_uid': sys.EventRecordID,
   'extensions': [{'name': 'win', 'version': '1.8.0'}],
   'profiles': list_concat(['host', 'inquest/telemetry'],
     CASE WHEN class_name = 'detection_finding' THEN ['security_control'] ELSE [] END),
   'product': {'name': sys.Provider.Name, 'uid': sys.Provider.Guid, 'vendor_name': 'Microsoft'}
  }                                                        AS metadata,
  {'hostname': sys.Computer}                               AS device,
  {'node': sys.Computer, 'service': CASE
    WHEN class_name = 'windows_service_activity' THEN target.service_name
    WHEN class_name = 'application_lifecycle' THEN p[1] END} AS workload,
  {'user': actor_user, 'session': actor_session,
   'process': struct_insert(actor_process, user := CASE
     WHEN provider = 'sysmon' AND code = '1' THEN windows_user(d.ParentUser)
     WHEN provider = 'sysmon' AND code = '10' THEN windows_user(d.SourceUser) END,
     cmd_line := CASE WHEN provider = 'sysmon' AND code = '1' THEN d.ParentCommandLine END),
   'app_name': CASE WHEN actor_user IS NULL AND actor_session IS NULL
     AND actor_process IS NULL AND class_name IN ('process_activity', 'file_activity',
       'module_activity', 'kernel_extension_activity', 'script_activity', 'peripheral_activity',
       'registry_key_activity', 'registry_value_activity', 'windows_resource_activity',
       'windows_service_activity') THEN sys.Provider.Name END} AS actor,   -- OCSF wants one
  CASE WHEN process IS NOT NULL THEN {
    'pid': process.pid, 'uid': process.uid, 'name': process.name, 'path': process.path,
    'file': struct_insert(process.file,
      "version" := coalesce(d.FileVersion, crash."version"), "desc" := d.Description,
      product := {'name': d.Product}, company_name := d.Company,
      internal_name := d.OriginalFileName, hashes := windows_hashes(d.Hashes)),
    'cmd_line': d.CommandLine, 'working_directory': d.CurrentDirectory,
    'integrity_id': windows_integrity_id(coalesce(d.IntegrityLevel, d.MandatoryLabel)),
    'created_time': CASE WHEN provider = 'sysmon' AND code = '1'
      THEN epoch_ms(any_time(d.UtcTime)) END,
    'user': CASE
      WHEN provider = 'sysmon' THEN windows_user(coalesce(d.TargetUser, d."User"))
      WHEN code IN ('4688', '4696')
        THEN coalesce(CASE WHEN d.TargetUserSid <> 'S-1-0-0'   -- nobody
          THEN windows_account(d.TargetUserSid, d.TargetUserName, d.TargetDomainName) END,
          actor_user) END,
    'parent_process': CASE
      WHEN provider = 'sysmon' AND code = '1' THEN
        {'pid': actor_process.pid, 'uid': actor_process.uid, 'path': actor_process.path,
         'cmd_line': d.ParentCommandLine, 'user': windows_user(d.ParentUser),
         'file': actor_process.file}
      WHEN code = '4688' THEN
        {'pid': actor_process.pid, 'uid': actor_process.uid, 'path': actor_process.path,
         'cmd_line': NULL, 'user': NULL, 'file': actor_process.file} END} END AS process,
  CASE WHEN class_name = 'process_activity' AND activity_id = 1 THEN 1 END AS launch_type_id,
  CASE WHEN class_name = 'process_activity' AND activity_id = 4
    THEN CASE code WHEN '8' THEN 1 ELSE 99 END END         AS injection_type_id,
  CASE WHEN code = '4689' AND provider = 'security' THEN windows_exit_code(d.Status) END
                                                           AS exit_code,
  CASE WHEN code = '10' AND provider = 'sysmon'
    THEN windows_number(d.GrantedAccess) END               AS actual_permissions,
  CASE WHEN class_name = 'file_activity'
    OR (class_name = 'smb_activity' AND file_path IS NOT NULL) THEN {
    'name': windows_file_name(file_path), 'path': file_path,
    'type_id': CASE
      WHEN d.Device IS NOT NULL THEN 4 WHEN d.PipeName IS NOT NULL THEN 6
      WHEN lower(d.IsExecutable) = 'true' OR code IN ('27', '29') THEN 8 ELSE 1 END,
    'created_time': epoch_ms(any_time(d.CreationUtcTime)),
    'is_deleted': CASE WHEN code IN ('23', '26') THEN true END,
    'hashes': windows_hashes(coalesce(d.Hashes, d.Hash))} END AS file,
  CASE WHEN class_name = 'module_activity' THEN {'load_type_id': 1, 'file': {
    'name': windows_file_name(d.ImageLoaded), 'path': d.ImageLoaded, 'type_id': 8,
    'version': d.FileVersion, 'desc': d.Description, 'product': {'name': d.Product},
    'company_name': d.Company, 'internal_name': d.OriginalFileName,
    'hashes': windows_hashes(d.Hashes)}} END               AS module,
  CASE WHEN class_name = 'kernel_extension_activity' THEN {'file': {
    'name': windows_file_name(d.ImageLoaded), 'path': d.ImageLoaded, 'type_id': 8,
    'hashes': windows_hashes(d.Hashes)}} END               AS driver,
  CASE WHEN class_name = 'registry_key_activity'
    THEN {'path': coalesce(d.NewName, d.TargetObject)} END AS reg_key,
  CASE WHEN class_name = 'registry_key_activity' AND d.NewName IS NOT NULL
    THEN {'path': d.TargetObject} END                      AS prev_reg_key,
  CASE WHEN class_name = 'registry_value_activity' THEN target.reg_value END AS reg_value,
  CASE WHEN class_name = 'registry_value_activity' THEN target.prev_reg_value END
                                                           AS prev_reg_value,
  CASE WHEN class_name = 'windows_resource_activity' THEN {
    'name': coalesce(d.ObjectName, d.Service, d.ObjectServer),
    'uid': d.HandleId,
    'type_id': windows_resource_type_id(d.ObjectType), 'type': CASE
      WHEN windows_resource_type_id(d.ObjectType) = 99 THEN d.ObjectType END} END
                                                           AS win_resource,
  CASE WHEN class_name = 'windows_service_activity' THEN {
    'name': target.service_name,
    'service_file': windows_command_file(coalesce(d.ServiceFileName, d.ImagePath)),
    'service_start_name': coalesce(d.ServiceAccount, d.AccountName),
    'service_start_type_id': CASE WHEN code IN ('7045', '7040')
      THEN windows_start_type_id(coalesce(d.StartType, p[3])) END,
    'service_type_id': CASE
      WHEN code = '7045' THEN coalesce(windows_service_type_id(d.ServiceType), 0)
      WHEN coalesce(d.ServiceAccount, p[3]) IS NULL OR code <> '7040'
        AND d.ServiceAccount IS NULL THEN 0 END} END       AS win_service,
  CASE WHEN class_name = 'scheduled_job_activity' THEN {
    'name': coalesce(d.TaskName, sys.Channel), 'file': windows_file(file_path, 1)} END AS job,
  CASE WHEN class_name = 'script_activity' THEN {
    'type_id': 2, 'uid': d.ScriptBlockId, 'file': windows_file(d.Path, 1),
    'script_content': {
      'value': coalesce(d.ScriptBlockText, d.Payload,
        CASE WHEN p IS NOT NULL THEN array_to_string(p, chr(10)) END, ''),
      'is_truncated': CASE WHEN coalesce(d.ScriptBlockText, d.Payload, p[1]) IS NULL
        OR try_cast(d.MessageTotal AS INTEGER) > 1 THEN true END}} END AS script,
  CASE WHEN class_name = 'event_log_actvity'
    THEN coalesce(d.Channel, sys.Channel) END              AS log_name,
  CASE WHEN class_name IN ('authentication', 'account_change', 'user_access', 'authorize_session',
    'group_management') THEN target."user" END             AS "user",
  CASE WHEN class_name = 'account_change' AND d.NewTargetUserName IS NOT NULL THEN
    windows_account(d.TargetSid, d.NewTargetUserName, d.TargetDomainName) END AS user_result,
  CASE WHEN class_name = 'group_management'
    THEN windows_account(d.TargetSid, d.TargetUserName, d.TargetDomainName)
    WHEN class_name = 'authorize_session' AND code = '4964'
    THEN {'name': NULL, 'domain': NULL, 'uid': d.SidList} END AS "group",
  CASE WHEN class_name = 'authorize_session' AND code = '4672' THEN windows_words(d.PrivilegeList)
    WHEN class_name = 'user_access' THEN windows_words(coalesce(d.PrivilegeList,
      d.EnabledPrivilegeList, d.DisabledPrivilegeList, d.AccessGranted, d.AccessRemoved)) END
                                                           AS privileges,
  CASE WHEN class_name = 'authentication' THEN coalesce(windows_logon_type_id(d.LogonType),
    CASE WHEN provider = 'sessions' THEN 10 END) END       AS logon_type_id,
  CASE WHEN class_name = 'authentication' THEN coalesce(
    windows_protocol_id(coalesce(d.AuthenticationPackageName, d.PackageName)),
    CASE WHEN code IN ('4768', '4769', '4770', '4771', '4772', '4773') THEN 2 END) END
                                                           AS auth_protocol_id,
  CASE WHEN class_name = 'authentication' AND windows_protocol_id(d.AuthenticationPackageName) = 99
    THEN d.AuthenticationPackageName END                   AS auth_protocol,
  CASE WHEN class_name = 'authentication' AND coalesce(d.TargetLogonId, d.SessionID) IS NOT NULL
    THEN {'uid': d.LogonGuid, 'uid_alt': coalesce(d.TargetLogonId, d.SessionID)} END AS session,
  CASE WHEN class_name = 'authentication' AND coalesce(d.ServiceName, d.ServiceSid) IS NOT NULL
    THEN {'name': d.ServiceName, 'uid': d.ServiceSid} END  AS service,
  CASE
    WHEN class_name = 'network_activity' THEN windows_endpoint(coalesce(d.SourceIp,
      d.SourceAddress), d.SourcePort, d.SourceHostname)
    WHEN class_name = 'dns_activity' THEN windows_endpoint(NULL, NULL, sys.Computer)
    WHEN class_name IN ('authentication', 'smb_activity', 'account_change')
      THEN windows_endpoint(coalesce(d.IpAddress, d.ClientAddress, d.Address,
        CASE WHEN code = '1149' THEN p[3] END), d.IpPort,
        coalesce(d.WorkstationName, d.Workstation, d.ClientName,
          CASE WHEN code = '4740' THEN d.TargetDomainName END))
  END                                                      AS src_endpoint,
  CASE
    WHEN class_name = 'network_activity' THEN windows_endpoint(coalesce(d.DestinationIp,
      d.DestAddress), coalesce(d.DestinationPort, d.DestPort), d.DestinationHostname)
    WHEN class_name IN ('authentication', 'smb_activity')
      THEN windows_endpoint(NULL, NULL, coalesce(d.TargetServerName, sys.Computer))
  END                                                      AS dst_endpoint,
  CASE WHEN class_name = 'network_activity' THEN {
    'protocol_name': CASE d.Protocol WHEN '1' THEN 'icmp' WHEN '6' THEN 'tcp' WHEN '17' THEN 'udp'
      WHEN '58' THEN 'ipv6-icmp' WHEN 'tcp' THEN 'tcp' WHEN 'udp' THEN 'udp' END,
    'protocol_num': CASE d.Protocol WHEN 'tcp' THEN 6 WHEN 'udp' THEN 17
      ELSE try_cast(d.Protocol AS INTEGER) END,
    'direction_id': CASE WHEN d.Initiated = 'true' OR d.Direction = '%%14593' THEN 2
      WHEN d.Initiated = 'false' OR d.Direction = '%%14592' THEN 1 ELSE 0 END} END
                                                           AS connection_info,
  CASE WHEN class_name = 'dns_activity' AND d.QueryName IS NOT NULL
    THEN {'hostname': d.QueryName, 'type': d.QueryType} END AS query,
  CASE WHEN class_name = 'dns_activity' THEN dns_client_answers(d.QueryResults) END AS answers,
  CASE WHEN class_name = 'dns_activity' THEN CASE d.QueryStatus WHEN '0' THEN 0 WHEN '9001' THEN 1
    WHEN '9002' THEN 2 WHEN '9003' THEN 3 WHEN '9004' THEN 4 WHEN '9005' THEN 5 END END AS rcode_id,
  CASE WHEN class_name = 'smb_activity' THEN d.ShareName END AS share,
  CASE WHEN class_name = 'peripheral_activity' THEN {
    'name': coalesce(d.DeviceDescription, d.DeviceId), 'uid': d.DeviceId, 'class': d.ClassName}
  END                                                      AS peripheral_device,
  CASE WHEN class_name = 'entity_management' THEN target.entity END AS entity,
  CASE WHEN class_name = 'detection_finding' THEN {
    'uid': coalesce(d."Detection ID", d."Threat ID", d.ID),
    'title': coalesce(d."Threat Name", d.ID),
    'types': CASE WHEN coalesce(d."Category Name", d.Category) IS NOT NULL
      THEN [coalesce(d."Category Name", d.Category)] END} END AS finding_info,
  CASE WHEN class_name = 'detection_finding' AND d."Threat Name" IS NOT NULL THEN [{
    'name': d."Threat Name",
    'classification_ids': [defender_malware_id(coalesce(d."Category Name", d.Category))]}] END
                                                           AS malware,
  CASE WHEN class_name = 'detection_finding' AND file_path IS NOT NULL
    THEN [{'file': windows_file(file_path, 1)}] END        AS evidences,
  CASE WHEN class_name = 'detection_finding' THEN coalesce(defender_disposition_id(d."Action ID"),
    CASE code WHEN '1121' THEN 2 WHEN '1122' THEN 17 END) END AS disposition_id,
  CASE WHEN class_name = 'scan_activity' THEN {
    'uid': d."Scan ID", 'name': coalesce(d."Scan Type", 'Windows Defender'),
    'type_id': CASE WHEN d."Scan Parameters" IS NULL THEN 0 ELSE 99 END,
    'type': d."Scan Parameters"} END                       AS scan,
  CASE WHEN class_name = 'application_lifecycle' THEN {
    'name': coalesce(p[1], sys.Provider.Name), 'version': p[2], 'vendor_name': p[5]} END AS app,
  CASE WHEN class_name = 'application_lifecycle' THEN {
    'uid': concat_ws('/', sys.Computer, sys.EventRecordID), 'kind': 'deploy',
    'state': CASE status_id WHEN 2 THEN 'failure' ELSE 'success' END, 'revision': p[2],
    'environment': sys.Computer} END                       AS change,
  "text"                                                   AS raw_data,
  strlen("text")                                           AS raw_data_size,
  filled({
    'System': json_merge_patch(doc->'$.System', '{"Provider": null, "EventID": null,
      "Version": null, "Level": null, "TimeCreated": null, "EventRecordID": null,
      "Channel": null, "Computer": null}'),
    'EventData': nullif(to_json(map_from_entries(list_filter(map_entries(fields),
      lambda e: NOT list_contains(windows_mapped(class_name, provider), e.key))))::VARCHAR,
      '{}')::JSON})                                        AS unmapped,
  CASE
    WHEN code IS NULL OR sys.Provider.Name IS NULL OR sys.Computer IS NULL
      THEN 'the event has no provider, number or computer'
  END                                                      AS problem
FROM whole
