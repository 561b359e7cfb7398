"""Alerts, changes and log lines as they were meant, however they were delivered."""

from __future__ import annotations

import re

import pytest

from agent.tools.catalogue import tool
from ingest.source import SOURCES
from tests.agent.tools.rows import Row, answer, moment


def alert(at_s: float, status: int = 1, uid: str = "a") -> Row:
    """A notification of an alert."""
    return {
        "time": moment(at_s),
        "status_id": status,
        "severity_id": 4,
        "workload": {"service": "checkout"},
        "finding_info": {"uid": uid, "title": "CheckoutBurn", "desc": "it burns"},
    }


BILLING = {
    "workload": {"service": "billing"},
    "finding_info": {"uid": "b", "title": "BillingBurn"},
}
ALL = [alert(0), alert(60, 4), alert(90, 4) | BILLING]


def test_an_alert_delivered_many_times_fired_once() -> None:
    told = [alert(0)] * 6 + [alert(60, 4)] * 2 + [alert(0, uid="b")]
    rows = answer("alerts", detection_finding=told)
    assert [(row["uid"], row["resolved"]) for row in rows] == [
        ("a", False),
        ("b", False),
        ("a", True),
    ]


OTHERS: dict[str, Row] = {
    "a source of security findings": {"source": "falco"},
    "no alert, by its own word": {"source": "door", "ocsf_rest": '{"is_alert":false}'},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_a_finding_that_is_not_about_a_services_health_is_no_alert(other: Row) -> None:
    mine = alert(60, uid="mine") | {"source": "mine", "ocsf_rest": '{"is_alert":true}'}
    rows = answer("alerts", detection_finding=[alert(0) | other, mine])
    assert [row["uid"] for row in rows] == ["mine"]


def test_every_source_of_ours_that_finds_something_else_than_alerts_is_left_out() -> None:
    finding = {
        path.stem
        for path in SOURCES.glob("*/*.sql")
        if path.parent.name != "alerts"
        and re.search(r"^-- class:.*\bdetection_finding\b", path.read_text(), re.MULTILINE)
    }
    assert finding == set(re.findall(r"'(\w+)'", tool("alerts").sql.partition("NOT IN")[2]))


def test_an_alert_says_whether_there_is_telemetry_of_its_service() -> None:
    lines = [{"time": moment(0), "workload": {"service": "checkout"}}]
    other = alert(0, uid="b") | {"workload": {"service": "billing"}}
    nobodys = alert(0, uid="c") | {"workload": None}
    rows = answer("alerts", detection_finding=[alert(0), other, nobodys], log_record=lines)
    assert {row["uid"]: row["is_observed"] for row in rows} == {"a": True, "b": False, "c": False}


def test_alerts_and_telemetry_of_another_time_are_not_read() -> None:
    lines = [{"time": moment(-1), "workload": {"service": "checkout"}}]
    told = [alert(-1), alert(0, uid="in"), alert(721)]
    (row,) = answer("alerts", detection_finding=told, log_record=lines)
    assert (row["uid"], row["is_observed"]) == ("in", False)


def test_the_alert_told_of_last_comes_first_among_those_that_telemetry_shows() -> None:
    lines = [{"time": moment(0), "workload": {"service": "checkout"}}]
    rows = answer("last_alerts", {"service": None}, detection_finding=ALL, log_record=lines)
    assert [(row["title"], row["last_at"], row["fired"]) for row in rows] == [
        ("CheckoutBurn", moment(60), True),
        ("BillingBurn", moment(90), False),
    ]


WANTED: dict[str, tuple[Row, set[str]]] = {
    "by its title": ({"alert": "BillingBurn", "service": None}, {"BillingBurn"}),
    "by its uid": ({"alert": "a", "service": None}, {"CheckoutBurn"}),
    "by its service": ({"service": "billing"}, {"BillingBurn"}),
}


@pytest.mark.parametrize(("values", "titles"), WANTED.values(), ids=WANTED.keys())
def test_an_alert_is_found(values: Row, titles: set[str]) -> None:
    rows = answer("last_alerts", values, detection_finding=ALL)
    assert {row["title"] for row in rows} == titles


STATES: dict[tuple[str | None, ...], bool] = {
    ("created", "in_progress", "success"): False,
    ("created", "in_progress", "failure"): True,
    ("created", "error"): True,
    ("failure", "success"): False,
    ("success", "inactive"): False,
    ("inactive",): True,
    ("created",): False,
    (None,): False,
}


@pytest.mark.parametrize("states", STATES)
def test_a_change_failed_if_it_never_succeeded(states: tuple[str | None, ...]) -> None:
    told = [
        {
            "time": moment(0),
            "metadata": {"uid": f"{8 + n}"},  # GitHub's times are in seconds, its ids rise
            "change": {"uid": "1", "kind": "deploy", "state": state},
        }
        for n, state in enumerate(states)
    ]
    (row,) = answer("changes", application_lifecycle=told[::-1])
    assert (row["failed"], row["state"]) == (STATES[states], states[-1])


INTENDED: dict[str, tuple[str, list[str], list[tuple[bool, int]]]] = {
    "a plan": ("infrastructure", ["planned"], []),
    "drift": ("infrastructure", ["drifted"], []),
    "a push": ("deploy", ["planned"], [(False, 0)]),
    "a plan that was carried out": ("infrastructure", ["planned", "in_progress"], [(True, 60)]),
    "what was never planned": ("infrastructure", ["created", "success"], [(True, 0)]),
}


@pytest.mark.parametrize(("kind", "states", "found"), INTENDED.values(), ids=INTENDED.keys())
def test_an_intention_is_no_change_and_dates_none(
    kind: str, states: list[str], found: list[tuple[bool, int]]
) -> None:
    told = [
        {"time": moment(60 * n), "change": {"uid": "1", "kind": kind, "state": state}}
        for n, state in enumerate(states)
    ]
    rows = answer("changes", application_lifecycle=told)
    assert [(row["happened"], row["declared_at"]) for row in rows] == [
        (happened, moment(at_s)) for happened, at_s in found
    ]


def test_templates_are_of_all_lines_and_of_those_without_words_too() -> None:
    lines = [(1, "hello 1"), (3, "slow 17 ms"), (4, None), (None, "who knows")]
    told = [
        {
            "time": moment(0),
            "severity_id": severity,
            "message": message,
            "workload": {"service": "web"},
            "exception": None if message else {"type": "Timeout", "message": "after 30 s"},
        }
        for severity, message in lines
    ]
    rows = answer("templates", log_record=told)
    assert [(row["template"], row["exception"]) for row in rows] == [
        ("hello <num>", None),
        ("slow <num> ms", None),
        ("after <num> s", "Timeout"),
        ("who knows", None),
    ]


def test_a_line_with_its_stack_is_told_by_its_first_line_and_the_root_of_its_exception() -> None:
    stack = "a.Failed: no\n\tat a.b(C.java:1)\nCaused by: a.Middle: no\nCaused by: a.Root: no\n"
    told = [
        {
            "time": moment(0),
            "severity_id": 4,
            "message": f"\n  could not serve 17{trace}",
            "workload": {"service": "web"},
            "exception": {"type": "a.Failed", "stacktrace": trace},
        }
        for trace in (stack, "a.Failed: no\n\tat a.b(C.java:2)\n")
    ]
    rows = answer("templates", log_record=told)
    assert [(row["template"], row["exception"], row["lines"]) for row in rows] == [
        ("  could not serve <num>a.Failed: no", "a.Failed", 1),
        ("  could not serve <num>a.Failed: no", "a.Root", 1),
    ]
