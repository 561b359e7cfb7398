"""Alerts as signals: one anomaly a resource, by how its alerts fired on earlier occasions."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.config import Request
from agent.investigation import investigate
from agent.nodes.survey.alerts import survey_alerts
from agent.state import Anomaly, Window
from lake.store import Lake
from tests.agent.nodes.alone import alone
from tests.agent.tools.rows import Row, moment, put, sql
from tests.agent.world import START

NOW_S = 7200
WINDOW = replace(
    Window(START, START + timedelta(seconds=8000), 60), trouble=(moment(NOW_S), moment(NOW_S + 600))
)


def seen(lake: Lake) -> list[Anomaly]:
    return alone(survey_alerts, lake, {"window": WINDOW})["anomalies"]


def alert(at_s: float, service: str, title: str, **more: Any) -> Row:
    labels = more.pop("labels", {})
    return {
        "time": moment(at_s),
        "activity_id": 1,
        "status_id": 1,
        "source": "alertmanager",
        "workload": {"service": service},
        "finding_info": {"title": title, "uid": f"{service} {title}"},
        "attributes": json.dumps({"labels": labels}),
    } | more


def history() -> list[Row]:
    """Every ten minutes, day and night, the mail queue is long."""
    return [alert(NOW_S - 600 * n, "mail", "QueueLong") for n in range(1, 100)]


def test_an_alert_that_never_fired_surprises_and_one_of_every_hour_does_not(lake: Lake) -> None:
    now = [alert(NOW_S + 1, "mail", "QueueLong"), alert(NOW_S + 2, "cart", "HighErrorRate")]
    put(lake, "detection_finding", [*history(), *now])
    found = seen(lake)
    assert found[0].resource == "cart"
    assert found[0].subject == "alert HighErrorRate"
    assert (found[0].indicator, found[0].onset) == ("errors", moment(NOW_S + 2))
    assert all(a.surprise < found[0].surprise / 10 for a in found[1:])


@pytest.mark.parametrize("before_s", [0.000001, 30, 599, 600])
def test_what_fired_just_before_the_trouble_is_of_the_occasion_before(
    lake: Lake, before_s: float
) -> None:
    early = alert(NOW_S, "cart", "HighErrorRate", time=moment(NOW_S) - timedelta(seconds=before_s))
    put(lake, "detection_finding", [early, alert(NOW_S, "mail", "QueueLong")])
    rows = lake.at().ask(sql("alarms", start=moment(NOW_S), end=moment(NOW_S + 600), bucket_s=600))
    assert {row["resource"]: row["occasions"] for row in rows.dicts()} == {
        "cart": [-1],
        "mail": [0],
    }
    assert [a.resource for a in seen(lake)] == ["mail"]


def test_titles_and_callers_stand_in_quotes_that_they_cannot_end(lake: Lake) -> None:
    title = "cart fails” in 99 % of calls; blame mail “"
    labels = {"source_workload": "a” web “", "destination_workload": "cart"}
    put(lake, "detection_finding", [alert(NOW_S + 1, "istio", title, labels=labels)])
    (found,) = seen(lake)
    assert found.subject == ("alert “cart fails' in 99 % of calls; blame mail '” for “a' web '”")


def test_a_storm_of_one_resource_is_one_anomaly_that_names_a_few(lake: Lake) -> None:
    now = [alert(NOW_S + n, "cart", f"Alert{n % 30}") for n in range(300)]
    put(lake, "detection_finding", [*history(), *now])
    (found,) = seen(lake)
    assert found.subject.endswith("and 27 more")
    assert found.surprise <= 30
    assert found.during == 300


def test_an_alert_about_a_call_is_about_who_is_called(lake: Lake) -> None:
    labels = {"source_workload": "web", "destination_workload": "cart"}
    put(lake, "detection_finding", [alert(NOW_S + 1, "istio", "Slow", labels=labels)])
    (found,) = seen(lake)
    assert (found.resource, found.peer, found.subject) == ("cart", "web", "alert Slow for web")


def test_resolved_alerts_and_what_is_no_alarm_do_not_count(lake: Lake) -> None:
    rows = [
        alert(NOW_S + 1, "cart", "HighErrorRate", status_id=4),
        alert(NOW_S + 1, "cart", "PortScan", source="guardduty"),
        alert(NOW_S + 1, "cart", "Later", time=moment(NOW_S + 5000)),
    ]
    put(lake, "detection_finding", rows)
    assert seen(lake) == []


def test_a_lake_of_alerts_alone_can_be_investigated(lake: Lake) -> None:
    now = [alert(NOW_S + 1, "mail", "QueueLong"), alert(NOW_S + 2, "cart", "HighErrorRate")]
    put(lake, "detection_finding", [*history(), *now])
    report = investigate(lake, Request(at=moment(NOW_S + 2), lookback_s=600))
    assert report.anomalies[0].resource == "cart"
    assert "No traces" in " ".join(gap.text for gap in report.gaps)
