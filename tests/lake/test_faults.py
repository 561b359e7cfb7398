"""What the check on the hot path says of a row, by the SQL that it is."""

from __future__ import annotations

import duckdb
import pytest

from lake.faults import faults


def told(table: str, select: str) -> str | None:
    """What is said of the one row of a SELECT."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        row = connection.sql(f"SELECT {select}")
        given = dict(zip(row.columns, row.types, strict=True))
        clauses = faults(table, given)
        if not clauses:
            return None
        case = f"SELECT CASE {' '.join(clauses)} END FROM (SELECT {select})"
        found: str | None = connection.sql(case).fetchall()[0][0]
        return found


HTTP = "{'code': 200} AS http_response"


@pytest.mark.parametrize(
    ("table", "select", "reason"),
    [
        ("log_record", "1 AS activity_id, 'x' AS message", None),
        ("log_record", "12 AS activity_id", "activity_id is none of 0, 1, 99"),
        ("log_record", "'often' AS count", "count is not a whole number"),
        ("http_activity", HTTP, None),
        ("http_activity", "'x' AS message", "one of http_request, http_response is required"),
        ("http_activity", "{'code': NULL, 'length': 3} AS http_response",
         "http_response.code is required"),
        ("http_activity", "{'code': '5000000000'} AS http_response",
         "http_response.code is not a whole number of 32 bits"),
        ("http_activity", f"{HTTP}, {{'ip': '999.1.1.1'}} AS src_endpoint",
         "src_endpoint.ip is no valid IP Address"),
        ("http_activity", f"{HTTP}, {{'ip': '192.0.2.7'}} AS src_endpoint", None),
        ("http_activity", f"{HTTP}, {{'ip': 'fe80::1%eth0'}} AS src_endpoint", None),
        ("http_activity", f"{HTTP}, {{'ip': NULL, 'port': 70000}} AS dst_endpoint",
         "of dst_endpoint one of"),
        ("http_activity", f"{HTTP}, {{'ip': '::1', 'port': '70000'}} AS dst_endpoint",
         "dst_endpoint.port is not 0 to 65535"),
        ("http_activity", f"{HTTP}, {{'ip': '::1', 'mac': 'nonsense'}} AS src_endpoint",
         "src_endpoint.mac is no valid MAC Address"),
        ("http_activity", f"{HTTP}, {{'http_method': 'BREW', 'uid': 'r'}} AS http_request", None),
        ("http_activity", f"{HTTP}, 1763726400 AS start_time",
         "start_time is in seconds, not milliseconds"),
        ("http_activity", f"{HTTP}, 'yesterday' AS start_time", "start_time is no time"),
        ("http_activity", f"{HTTP}, TIMESTAMPTZ '2026-11-21 12:00:00Z' AS start_time", None),
        ("http_activity", f"{HTTP}, [{{'name': 'x', 'type_id': 4242}}] AS observables",
         "observables.type_id is none of"),
        ("account_change", "1 AS activity_id", "user is required"),
        ("account_change", "{'name': NULL} AS user", "user is required"),
        ("account_change", "{'name': 'mira'} AS user", None),
        ("detection_finding", "{'title': 'slow'} AS finding_info", "finding_info.uid is required"),
        ("patch_state", "{'os': {'version': '12'}, 'hostname': 'a'} AS device",
         "device.os.name is required"),
    ],
)  # fmt: skip
def test_a_row_is_refused_for_what_ocsf_does_not_allow(
    table: str, select: str, reason: str | None
) -> None:
    said = told(table, select)
    assert (said or "").startswith(reason or "")
    assert (said is None) == (reason is None)


def test_what_cannot_be_wrong_costs_nothing() -> None:
    assert faults("log_record", {}) == []
