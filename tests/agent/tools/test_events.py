"""Alerts, changes and log lines as they were meant, however they were delivered."""

from __future__ import annotations

import pytest

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


def test_an_alert_delivered_many_times_fired_once() -> None:
    told = [alert(0)] * 6 + [alert(60, 4)] * 2 + [alert(0, uid="b")]
    rows = answer("alerts", detection_finding=told)
    assert [(row["uid"], row["resolved"]) for row in rows] == [
        ("a", False),
        ("b", False),
        ("a", True),
    ]


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


def test_templates_are_of_warnings_and_worse_and_of_lines_without_words_too() -> None:
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
        ("slow <num> ms", None),
        ("after <num> s", "Timeout"),
    ]
