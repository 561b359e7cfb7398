"""Calm is looked for where the window has been before; what is as every day is no incident.

The history is synthetic: the small world of the tests, recorded anew for each past day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

import tests.agent.world as world
from agent.config import Request
from agent.investigation import investigate
from agent.nodes.calm import Calm, calm_stretch
from agent.nodes.context import Context
from agent.state import Window
from agent.tools.notebook import Notebook
from lake.store import Lake
from tests.agent.tools.rows import put, span
from tests.agent.world import START, Behaviour, Served, record, well
from traces.tracer import Tracing

DAY = timedelta(days=1)
MINUTES = timedelta(minutes=12)
WINDOW = Window(START, START + MINUTES, 10)


def answered(lake: Lake, back: timedelta, failed: int = 0, every_s: int = 5) -> None:
    """Requests so long before the window, the first few of them failed."""
    rows = []
    for n, at_s in enumerate(range(0, 720, every_s)):
        row = span("s", "server", "web", at_s * 1000, 20, trace=f"{back}{n}", failed=n < failed)
        rows.append(row | {"time": row["time"] - back})
    put(lake, "trace_span", rows, f"{back}")


def sought(lake: Lake, *alerts: datetime) -> Calm:
    with Tracing(lake, "test") as tracing:
        context = Context(Request(), Notebook(lake.at(), tracing), lambda _: None)
        rows: list[dict[str, Any]] = [{"time": at, "resolved": False} for at in alerts]
        return calm_stretch(context, WINDOW, rows)


def days(found: Calm) -> list[float]:
    return [(START - one.start) / DAY for one in found.stretches]


def test_the_same_hours_of_the_nearest_day_of_the_same_sort_come_first(lake: Lake) -> None:
    assert START.weekday() == 6
    for n in range(8):
        answered(lake, n * DAY)
    found = sought(lake)
    assert days(found) == [1, 7, 2, 3, 4, 5, 6]
    assert found.stretch == (START - DAY, START - DAY + MINUTES)
    assert found.evidence.keys() == {"calm", "past_incidents"}


def test_where_no_day_is_known_the_time_just_before_is_taken(lake: Lake) -> None:
    for back in (timedelta(), MINUTES):
        answered(lake, back)
    assert sought(lake).stretch == (START - MINUTES, START)


def test_a_day_that_had_an_alert_is_passed_over(lake: Lake) -> None:
    for n in range(3):
        answered(lake, n * DAY)
    assert days(sought(lake, START - DAY + timedelta(minutes=3))) == [2]
    assert days(sought(lake, START - DAY - timedelta(minutes=3))) == [1, 2]


def test_a_day_whose_requests_failed_more_than_on_others_is_passed_over(lake: Lake) -> None:
    for n, failed in enumerate((40, 15, 4, 3)):
        answered(lake, n * DAY, failed)
    assert days(sought(lake)) == [2, 3]


def test_a_day_that_has_telemetry_for_a_small_part_only_is_no_comparison(lake: Lake) -> None:
    answered(lake, timedelta())
    answered(lake, DAY, every_s=60)
    found = sought(lake)
    assert found.stretch is None
    assert found.reason == (
        "No calm stretch to compare with: of 8 in the week before, 8 lack telemetry of a kind."
    )


def test_a_day_on_which_an_incident_was_found_is_passed_over(lake: Lake) -> None:
    for n in range(3):
        answered(lake, n * DAY)
    at = START - DAY + timedelta(minutes=5)
    finding = {"time": at, "start_time": at, "end_time": at + timedelta(minutes=1)}
    put(lake, "incident_finding", [finding | {"verdict": "cause_found"}])
    assert days(sought(lake)) == [2]


def busy(factor: float = 1.0) -> Behaviour:
    """From the fifth to the eighth minute of every day all that is asked takes far longer."""

    def behaviour(service: str, version: str, at_s: float, random: Random) -> Served:
        served = well(service, version, at_s, random)
        slow = factor * 8 if 300 <= at_s < 480 and service == "payment" else 1.0
        return Served(served.own_ms * slow, served.failed)

    return behaviour


def record_day(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, back: int, behaviour: Behaviour, **more: Any
) -> None:
    """The day so many days before, with its own seed and ids of its own."""
    monkeypatch.setattr(world, "START", START - back * DAY)
    with pytest.MonkeyPatch.context() as patched:
        append = lake.append
        patched.setattr(
            lake, "append", lambda table, rows, batch: append(table, rows, f"{batch} {back}")
        )
        record(lake, seed=back + 1, behaviour=behaviour, **more)


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "no_incident"), (6.0, "cause_found")])
def test_a_daily_peak_is_no_incident_and_more_than_it_is(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, factor: float, verdict: str
) -> None:
    record_day(lake, monkeypatch, 0, busy(factor))
    assert investigate(lake, Request()).verdict == "cause_found"
    for back in range(1, 8):
        record_day(lake, monkeypatch, back, busy(), alerts=())
    assert days(sought(lake))[0] == 1
    assert investigate(lake, Request()).verdict == verdict
