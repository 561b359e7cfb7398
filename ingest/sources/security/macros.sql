-- Create, read, update or delete, by a verb among the words of an event's name; NULL if by none.
CREATE MACRO verb_activity_id(event) AS
  CASE
    WHEN regexp_matches(event,
      '(^|[._])(create|add|register|import|generate|publish|upload|fork|open|invite)(d|ed)?($|[._])')
      THEN 1
    WHEN regexp_matches(event,
      '(^|[._])(read|view|access|list|download|export|fetch|clone|search|request)(d|ed)?($|[._])')
      THEN 2
    WHEN regexp_matches(event, '(^|[._])(delete|remove|destroy|revoke|purge)(d)?($|[._])') THEN 4
    WHEN regexp_matches(event,
      '(^|[._])(update|change|edit|modify|rename|transfer|enable|disable|set|reset|replace|archive'
      || '|unarchive|rotate|regenerate|merge|grant)(d|ed)?($|[._])') THEN 3
  END;

-- Expressions of the sources of security.

-- Windows ---------------------------------------------------------------------------------------
-- https://learn.microsoft.com/en-us/windows/win32/wes/eventschema-schema

-- What each event is: its provider and number, its class and activity. `status_id` and
-- `severity_id` are what the event means by itself; without them its fields and its level tell.
-- https://learn.microsoft.com/en-us/previous-versions/windows/it-pro/windows-10/security/threat-protection/auditing/basic-security-audit-policy-settings
-- https://learn.microsoft.com/en-us/sysinternals/downloads/sysmon#events
-- https://learn.microsoft.com/en-us/defender-endpoint/troubleshoot-microsoft-defender-antivirus
CREATE MACRO windows_events() AS TABLE
  SELECT provider, unnest(string_split(codes, ' ')) AS code, class_name, activity_id, status_id,
    severity_id
  FROM (VALUES
    ('security', '4624', 'authentication', 1, 1, 1),
    ('security', '4625', 'authentication', 1, 2, 2),
    ('security', '4634 4647', 'authentication', 2, NULL, NULL),
    ('security', '4648 4776', 'authentication', 1, NULL, NULL),
    ('security', '4649', 'authentication', 99, 2, 3),
    ('security', '4768 4772', 'authentication', 3, NULL, NULL),
    ('security', '4769 4773', 'authentication', 4, NULL, NULL),
    ('security', '4770', 'authentication', 5, NULL, NULL),
    ('security', '4771', 'authentication', 6, 2, 2),
    ('security', '4777', 'authentication', 1, 2, 2),
    ('security', '4778 4779 4800 4801 4802 4803', 'authentication', 99, NULL, NULL),
    ('security', '4672', 'authorize_session', 1, NULL, NULL),
    ('security', '4964', 'authorize_session', 2, NULL, NULL),
    ('security', '4704 4717', 'user_access', 1, NULL, NULL),
    ('security', '4705 4718', 'user_access', 2, NULL, NULL),
    ('security', '4703', 'user_access', 99, NULL, NULL),
    ('security', '4656 4658 4661 4662 4663 4673 4674 4690', 'windows_resource_activity', 1, NULL,
     NULL),
    ('security', '4660 4664 4670 4907 4985', 'windows_resource_activity', 99, NULL, NULL),
    ('security', '4657', 'registry_value_activity', 2, NULL, NULL),
    ('security', '4688', 'process_activity', 1, 1, NULL),
    ('security', '4689', 'process_activity', 2, NULL, NULL),
    ('security', '4696', 'process_activity', 99, NULL, NULL),
    ('security', '4697', 'windows_service_activity', 1, NULL, NULL),
    ('security', '4698', 'scheduled_job_activity', 1, NULL, NULL),
    ('security', '4699', 'scheduled_job_activity', 3, NULL, NULL),
    ('security', '4700', 'scheduled_job_activity', 4, NULL, NULL),
    ('security', '4701', 'scheduled_job_activity', 5, NULL, NULL),
    ('security', '4702', 'scheduled_job_activity', 2, NULL, NULL),
    ('security', '4720 4741', 'account_change', 1, NULL, NULL),
    ('security', '4722', 'account_change', 2, NULL, NULL),
    ('security', '4723 4794', 'account_change', 3, NULL, NULL),
    ('security', '4724', 'account_change', 4, NULL, NULL),
    ('security', '4725', 'account_change', 5, NULL, NULL),
    ('security', '4726 4743', 'account_change', 6, NULL, NULL),
    ('security', '4740', 'account_change', 9, NULL, NULL),
    ('security', '4767', 'account_change', 12, NULL, NULL),
    ('security', '4738 4742 4765 4766 4780 4781 4798', 'account_change', 99, NULL, NULL),
    ('security', '4728 4732 4746 4751 4756 4761', 'group_management', 3, NULL, NULL),
    ('security', '4729 4733 4747 4752 4757 4762', 'group_management', 4, NULL, NULL),
    ('security', '4730 4734 4748 4753 4758 4763', 'group_management', 5, NULL, NULL),
    ('security', '4727 4731 4744 4749 4754 4759', 'group_management', 6, NULL, NULL),
    ('security', '4735 4737 4745 4750 4755 4760 4764 4799', 'group_management', 99, NULL, NULL),
    ('security', '5137 5142 4706 4946', 'entity_management', 1, NULL, NULL),
    ('security', '4713 4716 4719 4739 4817 4902 4904 4905 4912 4947 4950 5136 5143',
     'entity_management', 3, NULL, NULL),
    ('security', '4707 4948 5141 5144', 'entity_management', 4, NULL, NULL),
    ('security', '5139', 'entity_management', 5, NULL, NULL),
    ('security', '5138', 'entity_management', 99, NULL, NULL),
    ('security', '5140 5145', 'smb_activity', 2, NULL, NULL),
    ('security', '5168', 'smb_activity', 99, 2, 2),
    ('security', '5152 5153 5157 5159', 'network_activity', 5, NULL, NULL),
    ('security', '5150 5151 5155', 'network_activity', 5, NULL, NULL),
    ('security', '5154 5158', 'network_activity', 7, NULL, NULL),
    ('security', '5156', 'network_activity', 1, NULL, NULL),
    ('security', '6416', 'peripheral_activity', 1, NULL, NULL),
    ('security', '6419 6420', 'peripheral_activity', 4, NULL, NULL),
    ('security', '6421 6422', 'peripheral_activity', 3, NULL, NULL),
    ('security', '6423', 'peripheral_activity', 99, 2, 2),
    ('security', '6424', 'peripheral_activity', 99, NULL, NULL),
    ('eventlog', '1102 104 517', 'event_log_actvity', 1, NULL, 4),
    ('eventlog', '1100 6006', 'event_log_actvity', 7, NULL, NULL),
    ('eventlog', '6005', 'event_log_actvity', 6, NULL, NULL),
    ('eventlog', '1105', 'event_log_actvity', 4, NULL, NULL),
    ('eventlog', '1101 1104 1108', 'event_log_actvity', 99, 2, 3),
    ('sysmon', '1', 'process_activity', 1, 1, NULL),
    ('sysmon', '2', 'file_activity', 6, NULL, NULL),
    ('sysmon', '3', 'network_activity', 1, NULL, NULL),
    ('sysmon', '4', 'windows_service_activity', 99, NULL, NULL),
    ('sysmon', '5', 'process_activity', 2, NULL, NULL),
    ('sysmon', '6', 'kernel_extension_activity', 1, NULL, NULL),
    ('sysmon', '7', 'module_activity', 1, NULL, NULL),
    ('sysmon', '8 25', 'process_activity', 4, NULL, NULL),
    ('sysmon', '9', 'file_activity', 2, NULL, NULL),
    ('sysmon', '10', 'process_activity', 3, NULL, NULL),
    ('sysmon', '11 15 17 29', 'file_activity', 1, NULL, NULL),
    ('sysmon', '27', 'file_activity', 1, 2, NULL),
    ('sysmon', '12', 'registry_key_activity', 1, NULL, NULL),
    ('sysmon', '13', 'registry_value_activity', 2, NULL, NULL),
    ('sysmon', '14', 'registry_key_activity', 5, NULL, NULL),
    ('sysmon', '18', 'file_activity', 14, NULL, NULL),
    ('sysmon', '22', 'dns_activity', 1, NULL, NULL),
    ('sysmon', '23 26', 'file_activity', 4, NULL, NULL),
    ('sysmon', '28', 'file_activity', 4, 2, NULL),
    ('powershell', '4103 4104 4105 4106 400 600 800', 'script_activity', 1, NULL, NULL),
    ('powershell', '4100', 'script_activity', 1, 2, NULL),
    ('powershell', '403', 'script_activity', 99, NULL, NULL),
    ('tasks', '106', 'scheduled_job_activity', 1, NULL, NULL),
    ('tasks', '140', 'scheduled_job_activity', 2, NULL, NULL),
    ('tasks', '141', 'scheduled_job_activity', 3, NULL, NULL),
    ('tasks', '142', 'scheduled_job_activity', 5, NULL, NULL),
    ('tasks', '100 107 108 109 110 117 118 119 120 121 122 123 124 125 129 200',
     'scheduled_job_activity', 6, NULL, NULL),
    ('tasks', '101 103 104 105 203', 'scheduled_job_activity', 6, 2, 3),
    ('tasks', '102 201', 'scheduled_job_activity', 99, 1, NULL),
    ('tasks', '202', 'scheduled_job_activity', 99, 2, 3),
    ('tasks', '111 112 114 126 127 128 130 131 132 133 134 135 153', 'scheduled_job_activity', 99,
     NULL, NULL),
    ('tasks', '322 323 324 325 326 327 328 329 330 331 332 333', 'scheduled_job_activity', 99, NULL,
     NULL),
    ('defender', '1006 1015 1116 1121 1122 1123 1124 1125 1126 1127 1128 1131 1132 1133 1134',
     'detection_finding', 1, NULL, NULL),
    ('defender', '1007 1008 1117 1118 1119', 'detection_finding', 2, NULL, NULL),
    ('defender', '1000', 'scan_activity', 1, NULL, NULL),
    ('defender', '1001', 'scan_activity', 2, NULL, NULL),
    ('defender', '1002', 'scan_activity', 3, NULL, NULL),
    ('defender', '1003', 'scan_activity', 7, NULL, NULL),
    ('defender', '1004', 'scan_activity', 8, NULL, NULL),
    ('defender', '1005', 'scan_activity', 6, 2, 3),
    ('crash', '1000 1001 1002', 'process_activity', 2, 2, 3),
    ('crash', '1026', 'process_activity', 2, 2, 3),
    ('services', '7045', 'windows_service_activity', 1, NULL, NULL),
    ('services', '7040', 'windows_service_activity', 2, NULL, NULL),
    ('services', '7000 7001 7003 7009 7022 7038 7041', 'windows_service_activity', 3, 2, 3),
    ('services', '7023 7024 7031 7032 7034', 'windows_service_activity', 4, 2, 3),
    ('services', '7011 7016 7026 7030 7043', 'windows_service_activity', 99, 2, 3),
    ('services', '7035 7036', 'windows_service_activity', 99, NULL, NULL),
    ('dns', '3006 3009 3010 3013 3016 3019', 'dns_activity', 1, NULL, NULL),
    ('dns', '3008 3011 3018 3020', 'dns_activity', 2, NULL, NULL),
    ('sessions', '21 1149', 'authentication', 1, 1, NULL),
    ('sessions', '23', 'authentication', 2, NULL, NULL),
    ('sessions', '22 24 25', 'authentication', 99, NULL, NULL),
    ('applocker', '8002 8003', 'process_activity', 1, 1, NULL),
    ('applocker', '8004', 'process_activity', 1, 2, 3),
    ('firewall', '2004 2071 2097', 'entity_management', 1, NULL, NULL),
    ('firewall', '2002 2003 2005 2008 2010 2073 2099', 'entity_management', 3, NULL, NULL),
    ('firewall', '2006 2033 2052', 'entity_management', 4, NULL, NULL),
    ('installer', '1033 11707', 'application_lifecycle', 1, NULL, NULL),
    ('installer', '11708', 'application_lifecycle', 1, 2, 3),
    ('installer', '1034 11724', 'application_lifecycle', 2, NULL, NULL),
    ('installer', '11725', 'application_lifecycle', 2, 2, 3),
    ('installer', '1035 1036 11728', 'application_lifecycle', 8, NULL, NULL)
  ) AS events(provider, codes, class_name, activity_id, status_id, severity_id);

-- The providers whose events are told above, by the name that they write.
CREATE MACRO windows_provider(name) AS
  CASE name
    WHEN 'Microsoft-Windows-Security-Auditing' THEN 'security'
    WHEN 'Microsoft-Windows-Eventlog' THEN 'eventlog' WHEN 'EventLog' THEN 'eventlog'
    WHEN 'Microsoft-Windows-Sysmon' THEN 'sysmon'
    WHEN 'Microsoft-Windows-PowerShell' THEN 'powershell' WHEN 'PowerShell' THEN 'powershell'
    WHEN 'PowerShellCore' THEN 'powershell'
    WHEN 'Microsoft-Windows-TaskScheduler' THEN 'tasks'
    WHEN 'Microsoft-Windows-Windows Defender' THEN 'defender'
    WHEN 'Microsoft Antimalware' THEN 'defender'
    WHEN 'Windows Error Reporting' THEN 'crash' WHEN 'Application Error' THEN 'crash'
    WHEN 'Application Hang' THEN 'crash' WHEN '.NET Runtime' THEN 'crash'
    WHEN 'Service Control Manager' THEN 'services'
    WHEN 'Microsoft-Windows-DNS-Client' THEN 'dns'
    WHEN 'Microsoft-Windows-TerminalServices-LocalSessionManager' THEN 'sessions'
    WHEN 'Microsoft-Windows-TerminalServices-RemoteConnectionManager' THEN 'sessions'
    WHEN 'Microsoft-Windows-AppLocker' THEN 'applocker'
    WHEN 'Microsoft-Windows-Windows Firewall With Advanced Security' THEN 'firewall'
    WHEN 'MsiInstaller' THEN 'installer'
  END;

-- Windows' Error is an operation that failed: OCSF's Medium asks for action, its High for haste.
CREATE MACRO windows_severity_id(level) AS
  CASE level WHEN '1' THEN 5 WHEN '2' THEN 3 WHEN '3' THEN 2 ELSE 1 END;

-- A number that is written as 0x1a4c or 6732; windows_hex: always in hex digits.
CREATE MACRO windows_number(text) AS try_cast(text AS BIGINT);
CREATE MACRO windows_hex(text) AS
  try_cast(CASE WHEN text LIKE '0x%' THEN text ELSE '0x' || text END AS BIGINT);

-- What a process left, which Windows writes without a sign: 0xc0000005 is -1073741819.
CREATE MACRO windows_exit_code(text) AS try_cast(CASE WHEN windows_number(text) > 2147483647
  THEN windows_number(text) - 4294967296 ELSE windows_number(text) END AS INTEGER);

-- An id of a process; 0 and Windows' own Idle are none.
CREATE MACRO windows_pid(text) AS nullif(try_cast(windows_number(text) AS INTEGER), 0);

CREATE MACRO windows_file_name(path) AS
  nullif(regexp_extract(trim(path, '\/"'), '[^\\/]*$'), '');

-- 'worker.exe' and 'Registry' are names and no paths.
CREATE MACRO windows_path(text) AS CASE WHEN regexp_matches(text, '[\\/]') THEN text END;

-- type_id 1 is a regular file, 4 a block device, 6 a pipe, 8 a program.
CREATE MACRO windows_file(path, type) AS
  CASE WHEN path IS NOT NULL THEN
    {'name': windows_file_name(path), 'path': windows_path(path), 'type_id': type} END;

-- The program that a service's command starts; where its path ends, and its arguments begin, is not
-- told by a command without quotes, so that the path is the whole of it.
CREATE MACRO windows_command_file(command) AS CASE WHEN command IS NOT NULL THEN {
  'name': coalesce(nullif(regexp_extract(command,
    '(?i)([^\\/"]+\.(?:exe|sys|dll))(?:"|\s|$)', 1), ''),
    windows_file_name(command)), 'path': command, 'type_id': 8} END;

-- OCSF wants an id of a process: where the record gives none, its path is what tells it.
CREATE MACRO windows_process(id, guid, path, type) AS
  CASE WHEN coalesce(id::VARCHAR, guid, path) IS NOT NULL THEN
    {'pid': id, 'uid': coalesce(guid, CASE WHEN id IS NULL THEN path END),
     'name': windows_file_name(path), 'path': windows_path(path),
     'file': windows_file(path, type)} END;

-- 'SHOP\anna', 'anna@example.com' and 'anna' are users.
CREATE MACRO windows_user(text) AS
  CASE WHEN text IS NOT NULL THEN
    {'name': regexp_extract(text, '[^\\]*$'),
     'domain': nullif(regexp_extract(text, '^([^\\]+)\\', 1), ''), 'uid': NULL::VARCHAR} END;

CREATE MACRO windows_account(sid, name, domain) AS
  CASE WHEN coalesce(sid, name) IS NOT NULL THEN
    {'name': name, 'domain': domain, 'uid': sid} END;

-- '::ffff:192.0.2.7' is 192.0.2.7; what is no address is none.
CREATE MACRO windows_ip(text) AS nullif(regexp_extract(text,
  '^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)$', 1), '');

CREATE MACRO windows_port(text) AS
  CASE WHEN try_cast(text AS INTEGER) BETWEEN 1 AND 65535 THEN try_cast(text AS INTEGER) END;

CREATE MACRO windows_endpoint(ip, port, hostname) AS
  CASE WHEN coalesce(windows_ip(ip), hostname) IS NOT NULL THEN
    {'ip': windows_ip(ip), 'port': windows_port(port), 'hostname': hostname} END;

-- 'SHA1=..,MD5=..' as Sysmon writes hashes.
CREATE MACRO windows_hashes(text) AS nullif(list_transform(
  list_filter(string_split(coalesce(text, ''), ','), lambda h: contains(h, '=')),
  lambda h: {'algorithm_id': coalesce(
      MAP {'MD5': 1, 'SHA1': 2, 'SHA256': 3, 'IMPHASH': 18}[split_part(h, '=', 1)], 0),
    'value': split_part(h, '=', 2)}), []);

CREATE MACRO windows_words(text) AS nullif(regexp_extract_all(coalesce(text, ''), '[^\s,]+'), []);

-- https://learn.microsoft.com/en-us/windows/security/threat-protection/auditing/event-4624
CREATE MACRO windows_logon_type_id(type) AS
  CASE
    WHEN type = '0' THEN 1
    WHEN type IN ('2', '3', '4', '5', '7', '8', '9', '10', '11', '12', '13')
      THEN try_cast(type AS INTEGER)
  END;

CREATE MACRO windows_protocol_id(package) AS
  CASE
    WHEN package IS NULL THEN NULL WHEN package LIKE 'NTLM%'
      OR package = 'MICROSOFT_AUTHENTICATION_PACKAGE_V1_0' THEN 1
    WHEN package = 'Kerberos' THEN 2 WHEN package = 'WDigest' THEN 3 ELSE 99
  END;

-- https://schema.ocsf.io/1.8.0/objects/win/win_resource
CREATE MACRO windows_resource_type_id(type) AS coalesce(list_position([
  'Directory', 'Event', 'Timer', 'Device', 'Mutant', 'Type', 'File', 'Token', 'Thread', 'Section',
  'WindowStation', 'DebugObject', 'FilterCommunicationPort', 'EventPair', 'Driver', 'IoCompletion',
  'Controller', 'SymbolicLink', 'WmiGuid', 'Process', 'Profile', 'Desktop', 'KeyedEvent', 'Adapter',
  'Key', 'WaitablePort', 'Callback', 'Semaphore', 'Job', 'Port', 'FilterConnectionPort',
  'ALPC Port', 'SAM_ALIAS', 'SAM_GROUP', 'SAM_USER', 'SAM_DOMAIN', 'SAM_SERVER'], type),
  CASE WHEN type IS NULL THEN 0 ELSE 99 END);

CREATE MACRO windows_integrity_id(level) AS
  MAP {'Untrusted': 1, 'Low': 2, 'Medium': 3, 'High': 4, 'System': 5, 'Protected': 6,
    'S-1-16-0': 1, 'S-1-16-4096': 2, 'S-1-16-8192': 3, 'S-1-16-8448': 3, 'S-1-16-12288': 4,
    'S-1-16-16384': 5, 'S-1-16-20480': 6}[level];

CREATE MACRO windows_start_type_id(type) AS
  MAP {'0': 1, '1': 2, '2': 3, '3': 4, '4': 5, 'boot start': 1, 'system start': 2, 'auto start': 3,
    'demand start': 4, 'disabled': 5}[lower(type)];

CREATE MACRO windows_service_type_id(type) AS
  MAP {'0x1': 1, '0x2': 2, '0x10': 3, '0x20': 4, 'kernel mode driver': 1, 'file system driver': 2,
    'user mode service': 3}[lower(type)];

-- https://learn.microsoft.com/en-us/defender-endpoint/troubleshoot-microsoft-defender-antivirus
CREATE MACRO defender_disposition_id(action) AS
  MAP {'1': 11, '2': 3, '3': 5, '6': 1, '8': 7, '9': 16, '10': 2}[action];

CREATE MACRO defender_severity_id(severity) AS
  MAP {'Severe': 5, 'High': 4, 'Moderate': 3, 'Medium': 3, 'Low': 2}[severity];

-- https://schema.ocsf.io/1.8.0/objects/malware
CREATE MACRO defender_malware_id(category) AS coalesce(
  MAP {'adware': 1, 'backdoor': 2, 'bot': 3, 'trojan downloader': 6, 'trojan dropper': 7,
    'exploit': 8, 'ransom': 10, 'ransomware': 10, 'remote access trojan': 11, 'spyware': 17,
    'trojan': 18, 'virus': 19, 'worm': 22}[lower(category)],
  CASE WHEN category IS NULL THEN 0 ELSE 99 END);

-- The fields that are mapped somewhere, parsed once; Windows spells some of them in two ways, which
-- are one here.
CREATE MACRO windows_fields(fields) AS
  from_json(regexp_replace(replace(to_json(fields)::VARCHAR, 'ProcessGUID"', 'ProcessGuid"'),
    '"ProcessID"', '"ProcessId"'), '{
    "AccessGranted": "VARCHAR", "AccessList": "VARCHAR", "AccessRemoved": "VARCHAR",
    "AccountDomain": "VARCHAR", "AccountName": "VARCHAR", "Action ID": "VARCHAR",
    "ActionName": "VARCHAR", "Address": "VARCHAR", "AppName": "VARCHAR", "AppPath": "VARCHAR",
    "AppVersion": "VARCHAR", "Application": "VARCHAR", "AuthenticationPackageName": "VARCHAR",
    "CallerProcessId": "VARCHAR", "CallerProcessName": "VARCHAR", "Category": "VARCHAR",
    "Category Name": "VARCHAR", "Channel": "VARCHAR", "ClassName": "VARCHAR",
    "ClientAddress": "VARCHAR", "ClientName": "VARCHAR", "ClientProcessId": "VARCHAR",
    "CommandLine": "VARCHAR", "Company": "VARCHAR", "ContextInfo": "VARCHAR",
    "CreationUtcTime": "VARCHAR", "CurrentDirectory": "VARCHAR", "Description": "VARCHAR",
    "DestAddress": "VARCHAR", "DestPort": "VARCHAR", "DestinationHostname": "VARCHAR",
    "DestinationIp": "VARCHAR", "DestinationPort": "VARCHAR", "Details": "VARCHAR",
    "Detection ID": "VARCHAR", "Detection User": "VARCHAR", "Device": "VARCHAR",
    "DeviceDescription": "VARCHAR", "DeviceId": "VARCHAR", "Direction": "VARCHAR",
    "DisabledPrivilegeList": "VARCHAR", "DomainName": "VARCHAR", "EnabledPrivilegeList": "VARCHAR",
    "EnginePID": "VARCHAR", "EventType": "VARCHAR", "ExceptionCode": "VARCHAR",
    "FilePath": "VARCHAR", "FileVersion": "VARCHAR", "FullFilePath": "VARCHAR",
    "GrantedAccess": "VARCHAR", "HandleId": "VARCHAR", "Hash": "VARCHAR", "Hashes": "VARCHAR",
    "ID": "VARCHAR", "Image": "VARCHAR", "ImageLoaded": "VARCHAR", "ImagePath": "VARCHAR",
    "Initiated": "VARCHAR", "IntegrityLevel": "VARCHAR", "IpAddress": "VARCHAR",
    "IpPort": "VARCHAR", "IsExecutable": "VARCHAR", "LogonGuid": "VARCHAR", "LogonId": "VARCHAR",
    "LogonType": "VARCHAR", "MandatoryLabel": "VARCHAR", "MemberName": "VARCHAR",
    "MemberSid": "VARCHAR", "MessageTotal": "VARCHAR", "ModifyingApplication": "VARCHAR",
    "ModifyingUser": "VARCHAR", "NewName": "VARCHAR", "NewProcessId": "VARCHAR",
    "NewProcessName": "VARCHAR", "NewTargetUserName": "VARCHAR", "NewValue": "VARCHAR",
    "NewValueType": "VARCHAR", "ObjectClass": "VARCHAR", "ObjectDN": "VARCHAR",
    "ObjectGUID": "VARCHAR", "ObjectName": "VARCHAR", "ObjectServer": "VARCHAR",
    "ObjectType": "VARCHAR", "ObjectValueName": "VARCHAR", "OldTargetUserName": "VARCHAR",
    "OldValue": "VARCHAR", "OldValueType": "VARCHAR", "OperationType": "VARCHAR",
    "OriginalFileName": "VARCHAR", "PackageName": "VARCHAR", "ParentCommandLine": "VARCHAR",
    "ParentImage": "VARCHAR", "ParentProcessGuid": "VARCHAR", "ParentProcessId": "VARCHAR",
    "ParentProcessName": "VARCHAR", "ParentUser": "VARCHAR", "Path": "VARCHAR",
    "Payload": "VARCHAR", "PipeName": "VARCHAR", "PrivilegeList": "VARCHAR",
    "Process Name": "VARCHAR", "ProcessGuid": "VARCHAR", "ProcessId": "VARCHAR",
    "ProcessName": "VARCHAR", "Product": "VARCHAR", "Protocol": "VARCHAR", "QueryName": "VARCHAR",
    "QueryResults": "VARCHAR", "QueryStatus": "VARCHAR", "QueryType": "VARCHAR",
    "RelativeTargetName": "VARCHAR", "Remediation User": "VARCHAR", "ResultCode": "VARCHAR",
    "RuleId": "VARCHAR", "RuleName": "VARCHAR", "RunspaceId": "VARCHAR", "Scan ID": "VARCHAR",
    "Scan Parameters": "VARCHAR", "Scan Type": "VARCHAR", "ScriptBlockId": "VARCHAR",
    "ScriptBlockText": "VARCHAR", "Service": "VARCHAR", "ServiceAccount": "VARCHAR",
    "ServiceFileName": "VARCHAR", "ServiceName": "VARCHAR", "ServiceSid": "VARCHAR",
    "ServiceStartType": "VARCHAR", "ServiceType": "VARCHAR", "SessionID": "VARCHAR",
    "Severity": "VARCHAR", "Severity Name": "VARCHAR", "ShareName": "VARCHAR",
    "SidList": "VARCHAR", "SourceAddress": "VARCHAR", "SourceHostname": "VARCHAR",
    "SourceImage": "VARCHAR", "SourceIp": "VARCHAR", "SourcePort": "VARCHAR",
    "SourceProcessGuid": "VARCHAR", "SourceProcessId": "VARCHAR", "SourceUser": "VARCHAR",
    "StartType": "VARCHAR", "State": "VARCHAR", "Status": "VARCHAR", "SubcategoryGuid": "VARCHAR",
    "SubjectDomainName": "VARCHAR", "SubjectLogonId": "VARCHAR", "SubjectUserName": "VARCHAR",
    "SubjectUserSid": "VARCHAR", "TargetDomainName": "VARCHAR", "TargetFilename": "VARCHAR",
    "TargetImage": "VARCHAR", "TargetLogonId": "VARCHAR", "TargetObject": "VARCHAR",
    "TargetProcessGuid": "VARCHAR", "TargetProcessId": "VARCHAR", "TargetProcessName": "VARCHAR",
    "TargetServerName": "VARCHAR", "TargetSid": "VARCHAR", "TargetUser": "VARCHAR",
    "TargetUserName": "VARCHAR", "TargetUserSid": "VARCHAR", "TaskName": "VARCHAR",
    "Threat ID": "VARCHAR", "Threat Name": "VARCHAR", "User": "VARCHAR", "UserContext": "VARCHAR",
    "UserName": "VARCHAR", "UtcTime": "VARCHAR", "Workstation": "VARCHAR",
    "WorkstationName": "VARCHAR"}');

-- The fields without a name, in their order.
CREATE MACRO windows_params(fields) AS list_transform(range(1, 26),
  lambda n: coalesce(fields['param' || n], fields['Param' || n]));

-- Keywords with the bit that says Audit Failure.
CREATE MACRO is_audit_failure(keywords) AS
  regexp_matches(keywords, '^0x[0-9a-fA-F]*[13579bdfBDF][0-9a-fA-F]{13}$');

-- What crashed or hung. Error Reporting orders its parameters by the kind of the fault, so that
-- they are told by their form.
-- https://learn.microsoft.com/en-us/windows/win32/wer/wer-settings
CREATE MACRO windows_crash(provider, p, d) AS
  CASE provider
    WHEN 'Application Error' THEN {
      'name': coalesce(d.AppName, p[1]), 'version': coalesce(d.AppVersion, p[2]),
      'code': coalesce(d.ExceptionCode, p[7]),
      'pid': try_cast(windows_hex(coalesce(d.ProcessId, p[9])) AS INTEGER),
      'path': coalesce(d.AppPath, p[11])}
    WHEN 'Application Hang' THEN {
      'name': p[1], 'version': p[2], 'code': NULL, 'pid': try_cast(windows_hex(p[3]) AS INTEGER),
      'path': p[6]}
    WHEN '.NET Runtime' THEN {
      'name': nullif(regexp_extract(p[1], 'Application: (\S.*?)\s*(?:\n|$)', 1), ''),
      'version': NULL, 'code': nullif(regexp_extract(p[1], 'Exception Info: ([\w.]+)', 1), ''),
      'pid': NULL, 'path': NULL}
    ELSE {
      'name': list_filter(p, lambda v: regexp_full_match(v, '(?i)[^\\/:]+\.exe'))[1],
      'version': list_filter(p, lambda v: regexp_full_match(v, '\d+(\.\d+){3}'))[1],
      'code': list_filter(p, lambda v: regexp_full_match(v, '(?i)(0x)?[ce][0-9a-f]{7}'))[1],
      'pid': NULL,
      'path': list_filter(p, lambda v: regexp_full_match(v, '(?i)[a-z]:\\.*\.exe'))[1]}
  END;

-- A value of the registry with what it holds, as Sysmon writes it in words.
CREATE MACRO windows_reg_value(path, name, kind, details) AS
  CASE WHEN path IS NOT NULL THEN {
    'path': path, 'name': coalesce(name, '(Default)'), 'type_id': kind,
    'reg_integer_data': CASE WHEN kind IN (2, 3, 8) THEN coalesce(windows_number(details),
      windows_hex(nullif(regexp_replace(details, '^.WORD \(|-?0x|\)$', '', 'g'), ''))) END,
    'reg_string_data': CASE WHEN kind IS NULL OR kind IN (4, 5, 6, 10) THEN details END} END;

CREATE MACRO sysmon_reg_value(target, details) AS windows_reg_value(
  regexp_extract(target, '^(.*)\\', 1), nullif(regexp_extract(target, '[^\\]*$'), ''),
  CASE WHEN details LIKE 'DWORD (%' THEN 2 WHEN details LIKE 'QWORD (%' THEN 8
    WHEN details = 'Binary Data' THEN 1 END, details);

-- https://learn.microsoft.com/en-us/previous-versions/windows/it-pro/windows-10/security/threat-protection/auditing/event-4657
CREATE MACRO windows_reg_type_id(code) AS
  MAP {'%%1872': 7, '%%1873': 10, '%%1874': 4, '%%1875': 1, '%%1876': 2, '%%1877': 3,
    '%%1878': 5, '%%1879': 6, '%%1883': 8}[code];

-- What an event is done to.
CREATE MACRO windows_target(d, p, class_name, provider, code) AS {
  'service_name': CASE
    WHEN provider = 'sysmon' THEN 'Sysmon'
    WHEN class_name = 'windows_service_activity'
      THEN coalesce(d.ServiceName, CASE WHEN code = '7040' THEN p[4] END, p[1]) END,
  'reg_value': CASE
    WHEN code = '4657' THEN windows_reg_value(d.ObjectName, d.ObjectValueName,
      windows_reg_type_id(coalesce(d.NewValueType, d.OldValueType)), d.NewValue)
    ELSE sysmon_reg_value(coalesce(d.NewName, d.TargetObject), d.Details) END,
  'prev_reg_value': CASE
    WHEN code = '4657' AND d.OldValueType IS NOT NULL THEN windows_reg_value(
      d.ObjectName, d.ObjectValueName, windows_reg_type_id(d.OldValueType), d.OldValue)
    WHEN d.NewName IS NOT NULL THEN sysmon_reg_value(d.TargetObject, NULL) END,
  'user': CASE
    WHEN class_name = 'group_management' THEN windows_account(d.MemberSid, d.MemberName, NULL)
    WHEN code = '4672' AND class_name = 'authorize_session'
      THEN windows_account(d.SubjectUserSid, d.SubjectUserName, d.SubjectDomainName)
    WHEN provider = 'sessions' THEN coalesce(windows_user(d."User"),
      windows_account(NULL, p[1], p[2]))
    ELSE windows_account(coalesce(d.TargetUserSid, d.TargetSid),
      coalesce(d.OldTargetUserName, d.TargetUserName, d.AccountName),
      CASE WHEN code <> '4740' THEN coalesce(d.TargetDomainName, d.AccountDomain) END) END,
  'entity': {
    'name': coalesce(d.RuleName, d.ObjectDN, d.ShareName, d.DomainName, d.SubcategoryGuid,
      'policy'),
    'uid': coalesce(d.RuleId, d.ObjectGUID),
    'type': coalesce(d.ObjectClass, CASE
      WHEN d.ShareName IS NOT NULL THEN 'Share' WHEN d.RuleName IS NOT NULL THEN 'Firewall Rule'
      WHEN d.DomainName IS NOT NULL THEN 'Domain' ELSE 'Policy' END)}};

-- What OCSF wants an event of a class to tell, whatever of it is there; NULL if nothing is.
CREATE MACRO windows_about(d, class_name, process, target, file_path) AS
  CASE class_name
    WHEN 'authentication' THEN coalesce(target."user".name, target."user".uid)
    WHEN 'account_change' THEN coalesce(target."user".name, target."user".uid)
    WHEN 'authorize_session' THEN CASE WHEN target."user" IS NOT NULL
      THEN coalesce(windows_words(d.PrivilegeList)[1], d.SidList) END
    WHEN 'user_access' THEN CASE WHEN target."user" IS NOT NULL
      THEN windows_words(coalesce(d.PrivilegeList, d.EnabledPrivilegeList,
        d.DisabledPrivilegeList, d.AccessGranted, d.AccessRemoved))[1] END
    WHEN 'group_management' THEN coalesce(d.TargetSid, d.TargetUserName)
    WHEN 'windows_resource_activity'
      THEN coalesce(d.ObjectName, d.Service, d.ObjectServer, d.HandleId)
    WHEN 'registry_key_activity' THEN coalesce(d.NewName, d.TargetObject)
    WHEN 'registry_value_activity' THEN target.reg_value.path
    WHEN 'windows_service_activity' THEN target.service_name
    WHEN 'process_activity' THEN coalesce(process.pid::VARCHAR, process.uid)
    WHEN 'file_activity' THEN windows_file_name(file_path)
    WHEN 'module_activity' THEN windows_file_name(d.ImageLoaded)
    WHEN 'kernel_extension_activity' THEN windows_file_name(d.ImageLoaded)
    WHEN 'scheduled_job_activity' THEN d.TaskName
    WHEN 'network_activity' THEN coalesce(windows_ip(coalesce(d.SourceIp, d.SourceAddress)),
      windows_ip(coalesce(d.DestinationIp, d.DestAddress)), d.SourceHostname,
      d.DestinationHostname)
    WHEN 'peripheral_activity' THEN coalesce(d.DeviceDescription, d.DeviceId)
    WHEN 'detection_finding' THEN coalesce(d."Detection ID", d."Threat ID", d.ID)
    ELSE class_name
  END;

-- 'type:  5 web.example.com;::ffff:192.0.2.7;' is an alias and an address.
CREATE MACRO dns_client_answers(results) AS nullif(list_transform(
  list_filter(list_transform(string_split(coalesce(results, ''), ';'), lambda r: trim(r)),
    lambda r: r <> ''),
  lambda r: {'rdata': regexp_replace(r, '^(type:\s*\d+\s+|::ffff:)', ''),
    'type': CASE
      WHEN r LIKE 'type:%' THEN coalesce(MAP {'1': 'A', '2': 'NS', '5': 'CNAME', '6': 'SOA',
        '12': 'PTR', '15': 'MX', '16': 'TXT', '28': 'AAAA', '33': 'SRV'}[
          regexp_extract(r, '(\d+)', 1)], regexp_extract(r, '(\d+)', 1))
      WHEN contains(regexp_replace(r, '^::ffff:', ''), ':') THEN 'AAAA'
      ELSE 'A' END}), []);

-- The names of an event's fields that its class has a place for; `unmapped` has the others.
CREATE MACRO windows_mapped(class_name, provider) AS list_concat(
  CASE provider
    WHEN 'sysmon' THEN ['UtcTime', 'User', 'ProcessGuid', 'ProcessId', 'Image', 'SourceUser',
      'SourceProcessGuid', 'SourceProcessGUID', 'SourceProcessId', 'SourceImage']
    WHEN 'security' THEN ['SubjectUserSid', 'SubjectUserName', 'SubjectDomainName',
      'SubjectLogonId', 'ProcessId', 'ProcessID', 'ProcessName', 'ClientProcessId',
      'CallerProcessId', 'CallerProcessName']
    WHEN 'eventlog' THEN ['SubjectUserSid', 'SubjectUserName', 'SubjectDomainName',
      'SubjectLogonId', 'ClientProcessId']
    WHEN 'tasks' THEN ['UserContext', 'UserName', 'User', 'ProcessId', 'ProcessID', 'EnginePID',
      'ResultCode']
    WHEN 'firewall' THEN ['ModifyingUser', 'ModifyingApplication']
    WHEN 'applocker' THEN ['TargetUser']
    ELSE [] END,
  CASE class_name
    WHEN 'process_activity' THEN list_concat(['NewProcessId', 'NewProcessName', 'TargetProcessId',
      'TargetProcessName', 'TargetProcessGuid', 'TargetProcessGUID', 'TargetImage', 'TargetUser',
      'CommandLine', 'CurrentDirectory', 'IntegrityLevel', 'MandatoryLabel', 'FileVersion',
      'Description', 'Product', 'Company', 'OriginalFileName', 'Hashes', 'ParentProcessName',
      'ParentProcessId', 'ParentProcessGuid', 'ParentImage', 'ParentCommandLine', 'ParentUser',
      'LogonGuid', 'LogonId', 'TargetUserSid', 'TargetUserName', 'TargetDomainName', 'Status',
      'GrantedAccess', 'FullFilePath', 'AppName', 'AppVersion', 'AppPath', 'ExceptionCode'],
      CASE WHEN provider = 'crash' THEN ['ProcessId'] ELSE [] END)
    WHEN 'file_activity' THEN ['TargetFilename', 'Device', 'PipeName', 'IsExecutable',
      'CreationUtcTime', 'Hashes', 'Hash']
    WHEN 'module_activity' THEN ['ImageLoaded', 'FileVersion', 'Description', 'Product', 'Company',
      'OriginalFileName', 'Hashes']
    WHEN 'kernel_extension_activity' THEN ['ImageLoaded', 'Hashes']
    WHEN 'registry_key_activity' THEN ['EventType', 'TargetObject', 'NewName']
    WHEN 'registry_value_activity' THEN ['EventType', 'TargetObject', 'NewName', 'Details',
      'ObjectName', 'ObjectValueName', 'OperationType', 'NewValue', 'NewValueType', 'OldValue',
      'OldValueType']
    WHEN 'windows_resource_activity' THEN ['ObjectName', 'ObjectType', 'Service', 'HandleId']
    WHEN 'windows_service_activity' THEN ['ServiceName', 'ServiceFileName', 'ImagePath',
      'ServiceAccount', 'AccountName', 'StartType', 'State']
    WHEN 'scheduled_job_activity' THEN ['TaskName', 'ActionName']
    WHEN 'script_activity' THEN ['ScriptBlockId', 'ScriptBlockText', 'Payload', 'Path',
      'RunspaceId']
    WHEN 'event_log_actvity' THEN ['Channel']
    WHEN 'authentication' THEN ['TargetUserSid', 'TargetSid', 'TargetUserName', 'TargetDomainName',
      'AccountName', 'AccountDomain', 'User', 'TargetLogonId', 'LogonGuid', 'SessionID',
      'LogonType', 'AuthenticationPackageName', 'PackageName', 'Status', 'IpAddress', 'IpPort',
      'ClientAddress', 'Address', 'WorkstationName', 'Workstation', 'ClientName', 'ServiceName',
      'ServiceSid', 'TargetServerName', 'Param1', 'Param2', 'Param3']
    WHEN 'account_change' THEN ['TargetUserSid', 'TargetSid', 'TargetUserName', 'TargetDomainName',
      'OldTargetUserName', 'NewTargetUserName']
    WHEN 'group_management' THEN ['MemberSid', 'MemberName', 'TargetSid', 'TargetUserName',
      'TargetDomainName']
    WHEN 'user_access' THEN ['TargetUserSid', 'TargetSid', 'TargetUserName', 'TargetDomainName',
      'PrivilegeList', 'AccessGranted', 'AccessRemoved']
    WHEN 'authorize_session' THEN ['PrivilegeList', 'SidList', 'TargetUserSid', 'TargetUserName',
      'TargetDomainName']
    WHEN 'entity_management' THEN ['RuleId', 'RuleName', 'ObjectDN', 'ObjectGUID', 'ObjectClass',
      'ShareName', 'DomainName', 'SubcategoryGuid']
    WHEN 'smb_activity' THEN ['ShareName', 'RelativeTargetName', 'IpAddress', 'IpPort']
    WHEN 'network_activity' THEN ['Protocol', 'Initiated', 'Direction', 'Application', 'SourceIp',
      'SourceAddress', 'SourceHostname', 'SourcePort', 'DestinationIp', 'DestAddress',
      'DestinationHostname', 'DestinationPort', 'DestPort']
    WHEN 'dns_activity' THEN ['QueryName', 'QueryType', 'QueryStatus', 'QueryResults']
    WHEN 'peripheral_activity' THEN ['DeviceId', 'DeviceDescription', 'ClassName']
    WHEN 'detection_finding' THEN ['Detection ID', 'Threat Name', 'Severity Name', 'Severity',
      'Category Name', 'Category', 'Path', 'Process Name', 'Detection User', 'User']
    WHEN 'scan_activity' THEN ['Scan ID', 'Scan Type', 'Scan Parameters', 'User']
    ELSE [] END);
-- Okta ------------------------------------------------------------------------------------------
-- https://developer.okta.com/docs/reference/api/event-types/
CREATE MACRO okta_class(event_type) AS
  CASE
    WHEN event_type LIKE 'user.session.%' OR event_type LIKE 'user.authentication.%'
      OR event_type LIKE 'app.oauth2.%' OR event_type LIKE 'user.mfa.okta\_verify%' ESCAPE '\'
      OR event_type IN ('policy.evaluate_sign_on', 'user.mfa.attempt_bypass',
        'device.user.add', 'app.ldap.password.change.failed') THEN 'authentication'
    WHEN event_type LIKE 'user.lifecycle.%' OR event_type LIKE 'user.account.%'
      OR event_type LIKE 'user.mfa.factor.%' OR event_type LIKE 'user.credential.%'
      THEN 'account_change'
    WHEN event_type LIKE 'group.%' THEN 'group_management'
    WHEN event_type LIKE 'application.lifecycle.%' OR event_type LIKE 'policy.%'
      OR event_type LIKE 'zone.%' OR event_type LIKE 'device.lifecycle.%'
      OR event_type LIKE 'system.api\_token.%' ESCAPE '\' OR event_type LIKE 'system.idp.%'
      THEN 'entity_management'
    ELSE 'api_activity'
  END;

-- What is done, by the verbs that the name of an event holds.
CREATE MACRO okta_activity_id(class_name, event_type) AS
  CASE class_name
    WHEN 'authentication' THEN CASE
      WHEN event_type LIKE 'user.session.end%' OR event_type LIKE '%.session.clear%' THEN 2
      WHEN event_type LIKE '%impersonation%' THEN 7
      WHEN event_type LIKE '%token.grant%' OR event_type LIKE '%token.mint%' THEN 3
      WHEN event_type LIKE '%token.revoke%' OR event_type LIKE 'device.%' THEN 99
      ELSE 1 END
    WHEN 'account_change' THEN CASE
      WHEN event_type LIKE 'user.mfa.factor.%' THEN
        CASE WHEN regexp_matches(event_type, '(deactivate|suspend|reset_all)$') THEN 11
          WHEN regexp_matches(event_type, '(activate|unsuspend)$') THEN 10 ELSE 99 END
      WHEN event_type LIKE '%.create' THEN 1
      WHEN regexp_matches(event_type, 'lifecycle\.(activate|reactivate|unsuspend)') THEN 2
      WHEN event_type LIKE '%update\_password' ESCAPE '\' THEN 3
      WHEN regexp_matches(event_type, '(reset|expire)_password') THEN 4
      WHEN regexp_matches(event_type, 'lifecycle\.(deactivate|suspend)') THEN 5
      WHEN event_type LIKE 'user.lifecycle.delete%' THEN 6
      WHEN event_type LIKE '%privilege.grant' THEN 7
      WHEN event_type LIKE '%privilege.revoke' THEN 8
      WHEN event_type LIKE '%.unlock%' THEN 12
      WHEN event_type LIKE '%.lock%' THEN 9
      ELSE 99 END
    WHEN 'group_management' THEN CASE
      WHEN event_type LIKE '%privilege.grant' THEN 1
      WHEN event_type LIKE '%privilege.revoke' THEN 2
      WHEN event_type LIKE 'group.user\_membership.add' ESCAPE '\' THEN 3
      WHEN event_type LIKE 'group.user\_membership.remove' ESCAPE '\' THEN 4
      WHEN event_type LIKE 'group.lifecycle.delete' THEN 5
      WHEN event_type LIKE 'group.lifecycle.create' THEN 6
      ELSE 99 END
    ELSE coalesce(verb_activity_id(event_type),
      CASE WHEN class_name = 'entity_management' THEN CASE
        WHEN event_type LIKE '%deactivate' THEN 11 WHEN event_type LIKE '%activate' THEN 10
        WHEN event_type LIKE '%suspend' AND event_type NOT LIKE '%unsuspend' THEN 12 END END, 99)
  END;

-- Who a principal of Okta is: someone's login is an address or a plain name.
CREATE MACRO okta_user(principal) AS {
  'uid': principal.id, 'full_name': principal."displayName",
  'name': nullif(regexp_extract(principal."alternateId", '^[^@]+'), 'unknown'),
  'email_addr': CASE WHEN regexp_full_match(principal."alternateId", '[^@\s]+@[^@\s]+\.[^@\s]+')
    THEN principal."alternateId" END,
  'type_id': CASE WHEN principal.id IS NULL THEN NULL
    WHEN principal.type IN ('User', 'AppUser') THEN 1
    WHEN principal.type IN ('SystemPrincipal') THEN 3
    WHEN principal.type LIKE '%Client%' OR principal.type LIKE '%App%' THEN 4 ELSE 0 END};

-- Microsoft Graph -------------------------------------------------------------------------------
-- The objects of a page of Microsoft Graph, or the one object that a document is.
CREATE MACRO graph_objects(doc) AS coalesce(nullif(json_extract(doc, '$.value[*]'), []),
  CASE WHEN json_type(doc, '$.value') IS DISTINCT FROM 'ARRAY' THEN [doc] END);

-- An address as OCSF allows it, which is one in ASCII.
CREATE MACRO email_address(text) AS CASE WHEN regexp_full_match(text,
  '[a-zA-Z0-9!#$%&''*+/=?^_`{|}~.-]+@[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*') THEN text END;

-- A user by a principal name, as anna@example.com; OCSF's type 1 is a person, 4 a service.
CREATE MACRO graph_user(principal, full_name, uid, type) AS
  CASE WHEN coalesce(principal, uid) IS NOT NULL THEN {
    'name': coalesce(nullif(split_part(principal, '@', 1), ''), uid),
    'domain': nullif(split_part(principal, '@', 2), ''),
    'email_addr': email_address(principal),
    'full_name': full_name, 'uid': uid, 'type_id': type} END;

CREATE MACRO graph_severity_id(severity) AS
  MAP {'informational': 1, 'low': 2, 'medium': 3, 'high': 4, 'critical': 5}[lower(severity)];

CREATE MACRO graph_verdict_id(classification) AS
  MAP {'truePositive': 2, 'falsePositive': 1, 'informationalExpectedActivity': 5,
    'benignPositive': 5, 'unknown': 0}[classification];

-- What a directory audit does to a user, by its activity, which Microsoft words in full.
-- https://learn.microsoft.com/en-us/entra/identity/monitoring-health/reference-audit-activities
CREATE MACRO entra_account_activity_id(activity, operation) AS
  CASE
    WHEN regexp_matches(activity, '(?i)^(add|create|invite|restore) .*user') THEN 1
    WHEN regexp_matches(activity, '(?i)^enable account') THEN 2
    WHEN regexp_matches(activity, '(?i)^change .*password') THEN 3
    WHEN regexp_matches(activity, '(?i)^(self-service |admin )?reset .*password') THEN 4
    WHEN regexp_matches(activity, '(?i)^(disable account|block)') THEN 5
    WHEN regexp_matches(activity, '(?i)^(hard )?delete .*user') THEN 6
    WHEN regexp_matches(activity, '(?i)registered .*security info|^enable strong auth') THEN 10
    WHEN regexp_matches(activity, '(?i)deleted .*security info|^disable strong auth') THEN 11
    WHEN regexp_matches(activity, '(?i)^unlock') THEN 12
    ELSE 99
  END;

CREATE MACRO entra_group_activity_id(activity) AS
  CASE
    WHEN regexp_matches(activity, '(?i)^add (eligible )?member') THEN 3
    WHEN regexp_matches(activity, '(?i)^remove (eligible )?member') THEN 4
    WHEN regexp_matches(activity, '(?i)^(hard )?delete group') THEN 5
    WHEN regexp_matches(activity, '(?i)^(add|create|restore) group') THEN 6
    ELSE 99
  END;

CREATE MACRO entra_entity_activity_id(activity, operation) AS
  CASE
    WHEN operation IN ('Add', 'Create') OR regexp_matches(activity, '(?i)^(add|create|register) ')
      THEN 1
    WHEN operation IN ('Delete', 'Remove')
      OR regexp_matches(activity, '(?i)^(hard )?(delete|remove) ') THEN 4
    WHEN regexp_matches(activity, '(?i)^enable ') THEN 8
    WHEN regexp_matches(activity, '(?i)^disable ') THEN 9
    WHEN operation IN ('Update', 'Assign', 'Unassign')
      OR regexp_matches(activity, '(?i)^(update|set|change|consent) ') THEN 3
    ELSE 99
  END;

-- Sophos ----------------------------------------------------------------------------------------
-- A person as Sophos names one: 'DOMAIN\login' or a full name.
CREATE MACRO sophos_user(id, person) AS CASE WHEN coalesce(id, person) IS NOT NULL THEN {
  'uid': id, 'full_name': person, 'name': regexp_extract(person, '[^\\]*$'),
  'domain': nullif(regexp_extract(person, '^([^\\]+)\\', 1), ''), 'type_id': 1} END;

CREATE MACRO sophos_device_type_id(type) AS
  CASE lower(type) WHEN 'computer' THEN 2 WHEN 'server' THEN 1 WHEN 'mobile' THEN 5
    WHEN 'securityvm' THEN 6 WHEN 'security_vm' THEN 6 ELSE 0 END;

-- Windows events as text ------------------------------------------------------------------------
-- What an event's message says: 'Subject:' and under it '  Account Name:  anna' is a heading, a
-- name and a value; a line without a name goes on with the value before it.
CREATE MACRO message_entries(message) AS flatten(list_transform(
  string_split(regexp_replace(
    regexp_replace(message, '(?m)\n[ \t]+([^:\n]*[^:\s])[ \t]*$', ' \1', 'g'),
    '(?m)^(\S[^:\n]*):[ \t]*$', chr(1) || '\1', 'g'), chr(1)),
  lambda section: list_transform(
    list_filter(string_split(section, chr(10))[2:], lambda l: contains(l, ':')),
    lambda l: {'heading': split_part(section, chr(10), 1),
      'name': trim(split_part(l, ':', 1), E' \t'),
      'value': given(trim(l[strpos(l, ':') + 1:], E' \t'))})));

CREATE MACRO message_value(entries, headings, names) AS list_filter(entries, lambda e:
  list_contains(headings, e.heading) AND list_contains(names, e.name)
    AND e.value IS NOT NULL)[1].value;

-- A process as the messages tell it, with the folder of its program.
CREATE MACRO windows_program(pid, path) AS
  CASE WHEN coalesce(pid::VARCHAR, path) IS NOT NULL THEN {
    'pid': pid, 'uid': CASE WHEN pid IS NULL THEN path END,
    'file': CASE WHEN path IS NOT NULL THEN {'name': windows_file_name(path), 'path': path,
      'parent_folder': nullif(regexp_extract(path, '^(.*)\\', 1), ''), 'type_id': 1} END} END;

-- An account or a group as the messages tell it, under the first of some headings that they have.
CREATE MACRO message_account(entries, headings) AS list_transform([{
    'uid': message_value(entries, headings, ['Security ID', 'User ID'])
      .nullif('NULL SID'),
    'name': message_value(entries, headings, ['Account Name', 'Group Name']),
    'domain': message_value(entries, headings, ['Account Domain', 'Group Domain'])}],
  lambda a: CASE WHEN coalesce(a.uid, a.name) IS NOT NULL THEN a END)[1];

-- Microsoft 365 ---------------------------------------------------------------------------------
-- https://learn.microsoft.com/en-us/office/office-365-management-api/office-365-management-activity-api-schema
-- '192.0.2.7:51234' and '[2001:db8::7]:443' are an address and a port.
CREATE MACRO m365_endpoint(address) AS windows_endpoint(
  CASE
    WHEN address LIKE '[%' THEN regexp_extract(address, '^\[([^\]]*)', 1)
    WHEN regexp_full_match(address, '[\d.]+:\d+') THEN split_part(address, ':', 1)
    ELSE address
  END,
  nullif(regexp_extract(address, '^(?:\[.*\]|[\d.]+):(\d+)$', 1), ''), NULL);

-- What an operation on a file of SharePoint and OneDrive is among those of OCSF's File Hosting.
CREATE MACRO m365_file_activity_id(operation) AS
  CASE
    WHEN regexp_matches(operation, '^FileAccessed|^FileViewed|^PageViewed') THEN 14
    WHEN regexp_matches(operation, '^(File|Folder)(Uploaded|Created)|^FileUploadedPartial') THEN 1
    WHEN regexp_matches(operation, '^FileDownloaded|^FileSyncDownloaded') THEN 2
    WHEN regexp_matches(operation, '^(File|Folder)Modified|^FileSyncUploaded|^FileModified') THEN 3
    WHEN regexp_matches(operation, '^(File|Folder)(Deleted|Recycled|VersionsAllDeleted)') THEN 4
    WHEN regexp_matches(operation, '^(File|Folder)Renamed') THEN 5
    WHEN regexp_matches(operation, '^(File|Folder)Copied') THEN 6
    WHEN regexp_matches(operation, '^(File|Folder)Moved') THEN 7
    WHEN regexp_matches(operation, '^(File|Folder)Restored') THEN 8
    WHEN regexp_matches(operation, '^FilePreviewed') THEN 9
    WHEN regexp_matches(operation, '^FileCheckedOut|^LockRecord') THEN 10
    WHEN regexp_matches(operation, '^FileCheckedIn|^FileCheckOutDiscarded|^UnlockRecord') THEN 11
    WHEN regexp_matches(operation,
      '^SharingSet|^SharingInvitationCreated|LinkCreated$|^AddedToSecureLink') THEN 12
    WHEN regexp_matches(operation,
      '^SharingRevoked|LinkRemoved$|LinkDeleted$|^RemovedFromSecureLink') THEN 13
    ELSE 99
  END;

-- Any other operation by its verb: New-Mailbox, UserLoggedIn, Add-RoleGroupMember, SendAs.
CREATE MACRO m365_activity_id(operation) AS
  CASE
    WHEN regexp_matches(operation,
      '(?i)^(new|add|create|send|install|import|enable|invite)|(created|added)$') THEN 1
    WHEN regexp_matches(operation,
      '(?i)^(get|search|test|view|export)|(viewed|accessed|exported)$') THEN 2
    WHEN regexp_matches(operation,
      '(?i)^(set|update|change|move|rename|disable)|(updated|modified|changed|moved|set)$') THEN 3
    WHEN regexp_matches(operation,
      '(?i)^(remove|delete|harddelete|softdelete|uninstall|purge)|(deleted|removed)$') THEN 4
    ELSE 99
  END;

-- https://learn.microsoft.com/en-us/office/office-365-management-api/office-365-management-activity-api-schema#enum-user-type---type-edmint32
CREATE MACRO m365_user_type_id(type) AS
  MAP {'0': 1, 'Regular': 1, '2': 2, 'Admin': 2, '3': 2, 'DcAdmin': 2, '4': 3, 'System': 3, '5': 4,
    'Application': 4, '6': 4, 'ServicePrincipal': 4, '8': 3, 'SystemPolicy': 3}[type];

-- Endpoints -------------------------------------------------------------------------------------
-- Digests of a file as OCSF lists them.
CREATE MACRO file_hashes(md5_text, sha1_text, sha256_text) AS nullif(list_filter([
  {'algorithm_id': 1, 'value': nullif(md5_text, '')},
  {'algorithm_id': 2, 'value': nullif(sha1_text, '')},
  {'algorithm_id': 3, 'value': nullif(sha256_text, '')}], lambda h: h."value" IS NOT NULL), []);

-- The last part of a path of any system.
CREATE MACRO file_name(path) AS nullif(regexp_extract(path, '[^/\\]*$'), '');

CREATE MACRO os_type_id(platform) AS
  CASE WHEN platform ILIKE 'win%' THEN 100 WHEN platform ILIKE 'lin%' THEN 200
    WHEN platform ILIKE 'mac%' OR platform ILIKE 'osx%' THEN 300 WHEN platform ILIKE 'ios%' THEN 301
    WHEN platform ILIKE 'android%' THEN 201 ELSE 0 END;

-- A severity as a word, else as points of a hundred.
CREATE MACRO points_severity_id(word, points) AS
  CASE
    WHEN lower(word) = 'informational' THEN 1
    WHEN word <> '' THEN alert_severity_id(word)
    WHEN points >= 80 THEN 5 WHEN points >= 60 THEN 4 WHEN points >= 40 THEN 3
    WHEN points >= 20 THEN 2 WHEN points >= 0 THEN 1 ELSE 0
  END;

CREATE MACRO ip_only(address) AS CASE WHEN is_ip(address) THEN address END;

CREATE MACRO mac_only(address) AS CASE WHEN regexp_full_match(address,
  '([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}') THEN address END;

CREATE MACRO ip_version(address) AS
  CASE WHEN contains(address, ':') THEN 6 WHEN contains(address, '.') THEN 4 END;

-- An address of mail out of 'Anna <anna@example.com>', '<anna@example.com>' and the plain one.
CREATE MACRO mail_address(text) AS email_address(
  trim(coalesce(nullif(regexp_extract(text, '<([^<>]*)>', 1), ''), text)));

-- The port and the scheme of a URL besides its path and query, as OCSF parts them.
CREATE MACRO url_parts(url) AS regexp_extract(url,
  '^(?:([A-Za-z][A-Za-z0-9+.-]*)://)?(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)(?::(\d+))?([^?#]*)(?:\?([^#]*))?',
  ['scheme', 'host', 'port', 'path', 'query']);

CREATE MACRO url_object(url) AS list_transform([url_parts(url)], lambda p:
  CASE WHEN url <> '' THEN {
    'scheme': nullif(p.scheme, ''), 'hostname': nullif(p.host, ''),
    'port': try_cast(p.port AS INT), 'path': nullif(p.path, ''),
    'query_string': nullif(p.query, ''), 'url_string': url} END)[1];

-- Digests in one text, known by their length.
CREATE MACRO digest(text) AS CASE WHEN text <> '' THEN {
  'value': replace(text, ':', ''), 'algorithm_id': coalesce(MAP {32: 1, 40: 2, 64: 3, 96: 9,
    128: 4}[length(replace(text, ':', ''))], 0)} END;

-- Zeek ------------------------------------------------------------------------------------------
-- Where the remote side of an SSH connection is, as Zeek's GeoIP database tells.
CREATE MACRO place(record) AS list_transform([{
    'country': coalesce(record.remote_location.country_code,
      record."remote_location.country_code"),
    'region': coalesce(record.remote_location.region, record."remote_location.region"),
    'city': coalesce(record.remote_location.city, record."remote_location.city"),
    'lat': coalesce(record.remote_location.latitude, record."remote_location.latitude"),
    'long': coalesce(record.remote_location.longitude, record."remote_location.longitude")}],
  lambda p: CASE WHEN coalesce(p.country, p.region, p.city) IS NOT NULL THEN p END)[1];

-- Firewalls -------------------------------------------------------------------------------------
-- What a firewall did with what it saw, in its own word, as OCSF's disposition.
CREATE MACRO firewall_disposition_id(action) AS MAP {
  'accept': 1, 'accepted': 1, 'allow': 1, 'allowed': 1, 'pass': 1, 'passed': 1, 'passthrough': 1,
  'permit': 1, 'permitted': 1, 'exempt': 1, 'bypass': 1, 'key install': 1, 'encrypt': 1,
  'decrypt': 1, 'ip-conn': 1, 'block': 2, 'blocked': 2, 'deny': 2, 'denied': 2, 'prevent': 2,
  'quarantine': 3, 'quarantined': 3, 'drop': 6, 'dropped': 6, 'clear_session': 6, 'drop_session': 6,
  'detect': 15, 'detected': 15, 'monitored': 15, 'monitor': 15, 'inform': 19, 'ask': 23,
  'log-only': 17, 'logged': 17, 'bypass_session': 1, 'pass_session': 1, 'redirect': 7,
  'reset': 21, 'reset_client': 21, 'reset_server': 21, 'reject': 25, 'rejected': 25}[lower(action)];

-- The same as OCSF's action.
CREATE MACRO disposition_action_id(disposition_id) AS CASE
  WHEN disposition_id IN (1, 8) THEN 1 WHEN disposition_id IN (2, 3, 6, 21, 25) THEN 2
  WHEN disposition_id IN (15, 17, 19) THEN 3 WHEN disposition_id IS NOT NULL THEN 99 END;

-- Inbound, outbound or lateral by where a firewall's interfaces lie.
CREATE MACRO zone_direction_id(inside, outside) AS CASE
  WHEN inside IS NULL OR outside IS NULL THEN 0
  WHEN inside AND outside THEN 3 WHEN inside THEN 2 WHEN outside THEN 1 ELSE 0 END;

-- FortiGate ---------------------------------------------------------------------------------------
-- https://docs.fortinet.com/document/fortigate/latest/fortios-log-message-reference
-- The class of an event is the first row's whose type and subtype are its own; NULL is any.
CREATE MACRO fortigate_class(type, subtype) AS CASE
  WHEN type = 'traffic' THEN 'network_activity'
  WHEN type = 'utm' OR type IN ('dns', 'app-ctrl') THEN coalesce(MAP {
    'virus': 'detection_finding', 'ips': 'detection_finding', 'anomaly': 'detection_finding',
    'dlp': 'detection_finding', 'attack': 'detection_finding', 'webfilter': 'http_activity',
    'waf': 'http_activity', 'dns': 'dns_activity', 'emailfilter': 'email_activity',
    'spam': 'email_activity', 'ssh': 'ssh_activity', 'cifs': 'smb_activity'}[subtype],
    'network_activity')
  WHEN type = 'event' THEN MAP {'user': 'authentication', 'vpn': 'tunnel_activity',
    'endpoint': 'tunnel_activity', 'wireless': 'detection_finding', 'wad': 'network_activity',
    'system': 'authentication'}[subtype]
END;

-- Cisco ASA ---------------------------------------------------------------------------------------
-- A time without a zone, in UTC; one without a year in the last in which it is not after a moment.
CREATE MACRO device_time(text, moment) AS coalesce(
  CASE WHEN regexp_matches(text, '^\d{4}-') THEN any_time(text) END,
  try_strptime(text, ['%b %d %Y %H:%M:%S', '%b %d %Y %H:%M:%S.%f'])::TIMESTAMPTZ,
  list_transform([try_strptime(year(moment) || ' ' || text, ['%Y %b %d %H:%M:%S',
      '%Y %b %d %H:%M:%S.%f']), try_strptime((year(moment) - 1) || ' ' || text,
      ['%Y %b %d %H:%M:%S', '%Y %b %d %H:%M:%S.%f'])],
    lambda t: t AT TIME ZONE 'UTC').list_filter(lambda t: t <= moment + INTERVAL 1 DAY)[1]);

-- 'inside:10.0.0.1/443', 'inside/10.0.0.1(443)', '10.0.0.1/443' and '10.0.0.1'.
CREATE MACRO asa_endpoint(text) AS list_transform([regexp_extract(text,
    '^(?:([\w.-]+)[:/])??((?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)(?:[/(](\d+))?',
    ['interface', 'ip', 'port'])],
  lambda p: CASE WHEN p.ip <> '' THEN {'ip': p.ip, 'port': try_cast(p.port AS INTEGER),
    'interface_name': nullif(p.interface, '')} END)[1];
