"""Rows that are of no use to an investigation, though they look like those that are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent.config import Request
from agent.investigation import investigate
from lake.store import Lake
from tests.agent.test_graph import verdicts
from tests.agent.tools.rows import Row, moment, put
from tests.agent.world import BACK, EARLY, GUILTY, leaking, record


def findings(**more: object) -> list[Row]:
    """One every ten minutes of the two hours before, and of the world's own time."""
    return [
        {
            "time": moment(600 * n + 60),
            "status_id": 1,
            "workload": {"service": None},
            "finding_info": {"uid": f"n{n}", "title": "Shell in a container"},
        }
        | more
        for n in range(-12, 2)
    ]


NOTICES: dict[str, Row] = {
    "of a security product": {"source": "falco", "workload": {"service": "checkout"}},
    "of nobody that telemetry knows": {"source": "mine"},
}


@pytest.mark.parametrize("notice", NOTICES.values(), ids=NOTICES.keys())
def test_findings_before_the_alarm_do_not_become_the_alarm(lake: Lake, notice: Row) -> None:
    record(lake, releases=(EARLY, GUILTY, BACK), behaviour=leaking)
    put(lake, "detection_finding", findings(**notice))
    report = investigate(lake, Request())
    assert report.incident.detected_at == moment(420)
    assert report.incident.alerts == ("CheckoutBurn",)
    assert verdicts(report)["payment 2.8.0"] == "implicated"


def test_an_alarm_about_what_no_telemetry_shows_is_an_alarm_where_there_is_no_other(
    lake: Lake,
) -> None:
    record(lake, releases=(EARLY, GUILTY, BACK), behaviour=leaking, alerts=())
    put(lake, "detection_finding", [findings()[-1] | {"time": moment(420)}])
    report = investigate(lake, Request())
    assert report.incident.detected_at - moment(420) == timedelta()


def test_a_scanner_that_a_network_sensor_sees_does_not_make_a_calm_time_doubtful(
    lake: Lake,
) -> None:
    flaps = tuple(("checkout", 200.0 + 90 * n, 230.0 + 90 * n) for n in range(4))
    record(lake, releases=(EARLY,), alerts=flaps)
    seen = {
        "source": "suricata",
        "http_response": {"code": 503},
        "src_endpoint": {"ip": "203.0.113.9"},
        "dst_endpoint": {"ip": "192.0.2.80"},
    }
    put(lake, "http_activity", [{"time": moment(300 + n / 4)} | seen for n in range(900)])
    assert investigate(lake, Request()).verdict == "no_incident"


def test_one_release_that_two_tools_announce_is_one_change_and_as_sure_as_of_one(
    tmp_path: Path,
) -> None:
    found = []
    for tools in (("github_deployment",), ("github_deployment", "argocd_application")):
        with Lake.create(tmp_path / tools[-1]) as lake:
            releases = (EARLY, replace(GUILTY, announced=False), BACK)
            record(lake, releases=releases, behaviour=leaking)
            put(lake, "application_lifecycle", [sync(n, tool) for n, tool in enumerate(tools)])
            report = investigate(lake, Request())
            found.append((verdicts(report), len(report.changes), report.confidence))
    assert found[0] == found[1]


def sync(number: int, tool: str) -> Row:
    """A deploy of the guilty version as one tool tells it."""
    return {
        "time": moment(290 + number),
        "source": tool,
        "app": {"name": "payment", "version": "2.8.0"},
        "change": {
            "uid": tool,
            "kind": "deploy",
            "state": "success",
            "revision": f"{number:040x}",
        },
    }
