"""What is read: the window, where the alarm says to look in it, and the calm stretch elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.config import Request
from agent.errors import RequestError
from agent.nodes.scope import scope
from agent.state import Incident, Window
from lake.store import Lake
from tests.agent.nodes.alone import alone
from tests.agent.tools.rows import Row, put
from tests.agent.world import MINUTES, START, record

AT = START + timedelta(minutes=8)


def window(lake: Lake, request: Request) -> Window:
    record(lake, minutes=MINUTES)
    return alone(scope, lake, {}, request)["window"]


def after(minutes: float) -> timedelta:
    return timedelta(minutes=minutes)


@pytest.mark.parametrize("minutes", [-10, 5])
def test_what_a_calm_stretch_shares_with_the_window_is_not_read_twice(
    lake: Lake, minutes: float
) -> None:
    asked = (START - after(90), START + after(minutes))
    put(lake, "log_record", [{"time": START - after(80), "message": "well"}])
    told = window(lake, Request(at=AT, calm=asked))
    assert told.calm == (asked[0], min(asked[1], told.start))


@pytest.mark.parametrize(
    ("since", "until", "why"),
    [(2, 5, "lies in the window"), (-600, -500, "no telemetry in the calm stretch")],
)
def test_a_calm_stretch_that_cannot_be_used_is_said_and_why(
    lake: Lake, since: float, until: float, why: str
) -> None:
    record(lake, minutes=MINUTES)
    asked = Request(at=AT, calm=(START + after(since), START + after(until)))
    told = alone(scope, lake, {}, asked)
    assert told["window"].calm is None
    assert why in " ".join(gap.text for gap in told["gaps"])


def test_telemetry_that_lies_elsewhere_is_not_said_to_be_missing_from_the_lake(lake: Lake) -> None:
    put(lake, "http_activity", [{"time": START - after(180), "workload": {"service": "web"}}])
    record(lake, minutes=MINUTES)
    texts = [gap.text for gap in alone(scope, lake, {}, Request(at=AT))["gaps"]]
    (access,) = [text for text in texts if "access logs" in text]
    assert access.startswith("No access logs about the incident, those in the lake are of")
    assert "a clock or a time zone is off" in access


def test_a_trouble_that_is_known_is_looked_at_and_nothing_else(lake: Lake) -> None:
    told = window(lake, Request(at=AT, until=AT + after(1)))
    assert told.trouble == (AT, AT + after(1))


def fired(title: str, at: timedelta, service: str = "checkout", status: int = 1) -> Row:
    return {
        "time": START + at,
        "status_id": status,
        "workload": {"service": service},
        "finding_info": {"uid": f"{title}-1", "title": title},
    }


def incident(lake: Lake, request: Request, *alerts: Row) -> Incident:
    record(lake, alerts=())
    put(lake, "detection_finding", list(alerts))
    return alone(scope, lake, {}, request)["incident"]


YEARS = (fired("Old", timedelta(minutes=5)), fired("New", timedelta(days=700), "billing"))


@pytest.mark.parametrize(
    "request_",
    [
        Request(),
        Request(alert="Old"),
        Request(alert="Old-1"),
        Request(service="checkout"),
        Request(at=START + timedelta(minutes=5)),
        Request(at=START + timedelta(minutes=5), alert="Old"),
    ],
)
def test_an_incident_of_years_ago_is_found_as_one_of_today(lake: Lake, request_: Request) -> None:
    assert incident(lake, request_, *YEARS).alerts == ("Old",)


def test_of_an_unknown_alert_the_names_of_all_times_are_told(lake: Lake) -> None:
    with pytest.raises(RequestError, match="'Nobody' in this lake; it holds New, Old"):
        incident(lake, Request(at=AT, alert="Nobody"), *YEARS)


def test_alerts_are_read_around_the_incident_however_many_there_were_before(lake: Lake) -> None:
    record(lake, alerts=())
    days = (-700, -12, -10, 0)
    put(lake, "detection_finding", [fired("Burn", timedelta(days=n)) for n in days])
    told = alone(scope, lake, {})
    assert told["evidence"]["alerts"].rows == 1
    week = Request(lookback_s=7 * 86400.0)
    assert alone(scope, lake, {}, week)["evidence"]["alerts"].rows == 3


@pytest.mark.parametrize("minutes", [9, 50])
def test_an_alert_that_fired_for_long_makes_the_incident_not_its_resolution(
    lake: Lake, minutes: float
) -> None:
    over = fired("Slow", after(8 + minutes), status=4)
    told = incident(lake, Request(), fired("Slow", after(8)), over)
    assert told.detected_at == START + after(8)
    assert told.trigger == "Slow fired once"
