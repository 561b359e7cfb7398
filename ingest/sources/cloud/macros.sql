-- A JSON value as text: of a text itself, of nothing NULL.
CREATE MACRO json_text(value) AS nullif(nullif(value->>'$', ''), 'null');

-- A moment in the text form that OCSF's `_dt` has.
CREATE MACRO iso_time(moment) AS strftime(moment, '%Y-%m-%dT%H:%M:%S.%gZ');

-- What a call of the API does, by the verb that its name begins with.
CREATE MACRO aws_activity_id(operation) AS
  CASE regexp_extract(operation, '^(?:Admin|Batch)?([A-Z][a-z]+)', 1)
    WHEN 'Create' THEN 1 WHEN 'Run' THEN 1 WHEN 'Allocate' THEN 1 WHEN 'Import' THEN 1
    WHEN 'Copy' THEN 1 WHEN 'Provision' THEN 1 WHEN 'Register' THEN 1 WHEN 'Request' THEN 1
    WHEN 'Generate' THEN 1 WHEN 'Issue' THEN 1 WHEN 'Purchase' THEN 1 WHEN 'Launch' THEN 1
    WHEN 'Upload' THEN 1 WHEN 'Clone' THEN 1
    WHEN 'Get' THEN 2 WHEN 'List' THEN 2 WHEN 'Describe' THEN 2 WHEN 'Head' THEN 2
    WHEN 'Lookup' THEN 2 WHEN 'Search' THEN 2 WHEN 'Query' THEN 2 WHEN 'Scan' THEN 2
    WHEN 'Select' THEN 2 WHEN 'View' THEN 2 WHEN 'Check' THEN 2 WHEN 'Validate' THEN 2
    WHEN 'Estimate' THEN 2 WHEN 'Detect' THEN 2 WHEN 'Download' THEN 2 WHEN 'Simulate' THEN 2
    WHEN 'Preview' THEN 2 WHEN 'Discover' THEN 2 WHEN 'Read' THEN 2 WHEN 'Verify' THEN 2
    WHEN 'Update' THEN 3 WHEN 'Modify' THEN 3 WHEN 'Put' THEN 3 WHEN 'Set' THEN 3
    WHEN 'Change' THEN 3 WHEN 'Attach' THEN 3 WHEN 'Detach' THEN 3 WHEN 'Add' THEN 3
    WHEN 'Associate' THEN 3 WHEN 'Disassociate' THEN 3 WHEN 'Enable' THEN 3
    WHEN 'Disable' THEN 3 WHEN 'Start' THEN 3 WHEN 'Stop' THEN 3 WHEN 'Reboot' THEN 3
    WHEN 'Restore' THEN 3 WHEN 'Authorize' THEN 3 WHEN 'Revoke' THEN 3 WHEN 'Replace' THEN 3
    WHEN 'Reset' THEN 3 WHEN 'Rotate' THEN 3 WHEN 'Tag' THEN 3 WHEN 'Untag' THEN 3
    WHEN 'Deactivate' THEN 3 WHEN 'Activate' THEN 3 WHEN 'Cancel' THEN 3 WHEN 'Apply' THEN 3
    WHEN 'Delete' THEN 4 WHEN 'Remove' THEN 4 WHEN 'Terminate' THEN 4 WHEN 'Deregister' THEN 4
    WHEN 'Release' THEN 4 WHEN 'Purge' THEN 4 WHEN 'Destroy' THEN 4 WHEN 'Deprovision' THEN 4
    ELSE 99
  END;

-- What a call does to a user's account; NULL if it is about no user.
CREATE MACRO aws_account_activity_id(source, operation) AS
  CASE WHEN source IN ('iam.amazonaws.com', 'identitystore.amazonaws.com',
                       'sso-directory.amazonaws.com') THEN
    MAP {
      'CreateUser': 1, 'CreateLoginProfile': 2, 'EnableUser': 2, 'ChangePassword': 3,
      'UpdateLoginProfile': 4, 'UpdatePassword': 4, 'DeleteLoginProfile': 5, 'DisableUser': 5,
      'DeleteUser': 6, 'AttachUserPolicy': 7, 'PutUserPolicy': 7,
      'PutUserPermissionsBoundary': 7, 'DetachUserPolicy': 8, 'DeleteUserPolicy': 8,
      'DeleteUserPermissionsBoundary': 8, 'EnableMFADevice': 10, 'DeactivateMFADevice': 11,
      'UpdateUser': 99, 'CreateAccessKey': 99, 'UpdateAccessKey': 99, 'DeleteAccessKey': 99
    }[operation]
  END;

-- What happens to a session.
CREATE MACRO aws_session_activity_id(operation) AS
  CASE
    WHEN operation IN ('ConsoleLogin', 'UserAuthentication', 'Authenticate', 'Federate') THEN 1
    WHEN operation IN ('Logout', 'SignOut') THEN 2
    WHEN operation IN ('GetSigninToken', 'GetSessionToken', 'GetFederationToken') THEN 3
    WHEN operation IN ('CheckMfa', 'CredentialChallenge', 'CredentialVerification') THEN 6
    WHEN operation IN ('SwitchRole', 'ExitRole', 'RenewRole') THEN 7
    WHEN operation LIKE 'AssumeRole%' THEN 1
    ELSE 99
  END;

-- VPC Flow Logs: the columns of a record that is a map from the names of its fields to their texts.
-- https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
-- `interface` is whose side the record was taken at: the destination's unless it says egress.
CREATE MACRO vpc_flow(fields) AS list_transform([{
    'f': fields, 'is_egress': fields['flow_direction'] = 'egress',
    'interface': {
      'interface_uid': given(fields['interface_id']), 'vpc_uid': given(fields['vpc_id']),
      'subnet_uid': given(fields['subnet_id']), 'instance_uid': given(fields['instance_id'])},
    'nowhere': {'interface_uid': NULL::VARCHAR, 'vpc_uid': NULL::VARCHAR,
      'subnet_uid': NULL::VARCHAR, 'instance_uid': NULL::VARCHAR}}],
  lambda r: {
    'time': any_time(given(r.f['start'])),
    'time_dt': iso_time(any_time(given(r.f['start']))),
    'start_time': any_time(given(r.f['start'])),
    'end_time': any_time(given(r.f['end'])),
    'activity_id': CASE r.f['action'] WHEN 'REJECT' THEN 5 ELSE 6 END,
    'severity_id': 1,
    'action_id': CASE r.f['action'] WHEN 'ACCEPT' THEN 1 WHEN 'REJECT' THEN 2 END,
    'disposition_id': CASE r.f['action'] WHEN 'ACCEPT' THEN 1 WHEN 'REJECT' THEN 2 END,
    'status_code': given(r.f['log_status']),
    'status_detail': given(r.f['reject_reason']),
    'metadata': {'product': {'version': given(r.f['version']), 'feature': {'name': 'Flowlogs'}}},
    'cloud': {'provider': 'AWS', 'account': {'uid': nullif(given(r.f['account_id']), 'unknown')},
      'region': given(r.f['region']), 'zone': given(r.f['az_id'])},
    'workload': {'account': nullif(given(r.f['account_id']), 'unknown'),
      'region': given(r.f['region']), 'instance': given(r.f['instance_id']),
      'service': given(r.f['ecs_service_name'])},
    'src_endpoint': struct_concat(
      {'ip': given(r.f['srcaddr']), 'port': try_cast(r.f['srcport'] AS INT),
       'svc_name': given(r.f['pkt_src_aws_service'])},
      CASE WHEN r.is_egress THEN r.interface ELSE r.nowhere END),
    'dst_endpoint': struct_concat(
      {'ip': given(r.f['dstaddr']), 'port': try_cast(r.f['dstport'] AS INT),
       'svc_name': given(r.f['pkt_dst_aws_service'])},
      CASE WHEN r.is_egress THEN r.nowhere ELSE r.interface END),
    'connection_info': {
      'protocol_num': try_cast(r.f['protocol'] AS INT),
      'protocol_name': protocol_name(try_cast(r.f['protocol'] AS INT)),
      'protocol_ver': given(r.f['type']),
      'tcp_flags': try_cast(r.f['tcp_flags'] AS INT),
      'direction_id': CASE r.f['flow_direction']
        WHEN 'ingress' THEN 1 WHEN 'egress' THEN 2 ELSE 0 END,
      'boundary_id': try_cast(r.f['traffic_path'] AS INT) + 3},
    'traffic': {'packets': try_cast(r.f['packets'] AS BIGINT),
      'bytes': try_cast(r.f['bytes'] AS BIGINT)},
    'unmapped': nullif(to_json(map_from_entries(list_filter(map_entries(r.f), lambda e:
      given(e.value) IS NOT NULL AND e.key NOT IN ('account_id', 'action', 'az_id', 'bytes',
        'dstaddr', 'dstport', 'end', 'flow_direction', 'instance_id', 'interface_id', 'log_status',
        'packets', 'pkt_dst_aws_service', 'pkt_src_aws_service', 'protocol', 'region',
        'reject_reason', 'srcaddr', 'srcport', 'start', 'subnet_id', 'tcp_flags', 'traffic_path',
        'type', 'version', 'vpc_id'))))::VARCHAR, '{}'),
    'problem': CASE
      WHEN map_contains(r.f, 'interface_id') IS NOT TRUE AND r.f['srcaddr'] IS NULL
        THEN 'the record has neither interface-id nor srcaddr'
      WHEN r.f['action'] NOT IN ('ACCEPT', 'REJECT', '-')
        THEN 'its action is neither ACCEPT nor REJECT'
    END})[1];

-- The parts of an ARN: arn:partition:service:region:account:resource.
CREATE MACRO arn_parts(arn) AS regexp_extract(arn,
  '^arn:([^:]*):([^:]*):([^:]*):([^:]*):(.*)$',
  ['partition', 'service', 'region', 'account', 'resource']);

-- A header's value; names are wanted in lower case.
CREATE MACRO header_value(headers, wanted) AS
  nullif(list_filter(headers, lambda h: lower(h.name) = wanted)[1]."value", '');

-- A moment as OCSF has it below the event: milliseconds since 1970.
CREATE MACRO time_ms(given) AS epoch_ms(any_time(given));

-- Security Hub's types of malware.
CREATE MACRO security_hub_malware_id(type) AS coalesce(MAP {
  'ADWARE': 1, 'BOTNET_AGENT': 3, 'EXPLOIT_KIT': 8, 'KEYLOGGER': 9, 'RANSOMWARE': 10,
  'REMOTE_ACCESS': 11, 'COIN_MINER': 13, 'ROOTKIT': 15, 'SPYWARE': 17, 'TROJAN': 18, 'VIRUS': 19,
  'WORM': 22}[upper(type)], CASE WHEN type IS NULL THEN 0 ELSE 99 END);
