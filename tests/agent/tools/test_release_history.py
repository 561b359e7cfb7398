"""What followed earlier changes: alerts, going back, a platform's work at one moment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agent.tools.rows import Row, answer, moment

MINUTE = 60.0
NOW = {"start": moment(100_000 * MINUTE)}


def release(service: str, at_min: float, version: str, **more: Any) -> Row:
    """A deploy that is said to have succeeded."""
    uid = f"{service} {at_min}"
    change = {"uid": uid, "kind": "deploy", "state": "success"} | more
    return {
        "time": moment(at_min * MINUTE),
        "metadata": {"uid": uid},
        "source": "argocd",
        "app": {"name": service, "version": version},
        "change": change,
    }


def alert(service: str | None, at_min: float, **more: Any) -> Row:
    return {
        "time": moment(at_min * MINUTE),
        "activity_id": 1,
        "status_id": 1,
        "source": "alertmanager",
        "workload": {"service": service},
        "finding_info": {"title": "HighErrorRate", "uid": f"{service}"},
    } | more


def history(*rows: Row) -> dict[str, Row]:
    """What is answered of each service, of rows of either kind."""
    changes = [row for row in rows if "change" in row]
    alerts = [row for row in rows if "finding_info" in row]
    tables = {"application_lifecycle": changes, "detection_finding": alerts}
    found = answer("release_history", NOW, **{k: v for k, v in tables.items() if v})
    return {row["service"]: row for row in found}


@pytest.mark.parametrize(
    ("alarm", "followed"),
    [
        (alert("cart", 120), 1),
        (alert(None, 120), 1),
        (alert("mail", 120), 0),
        (alert("cart", 131), 0),
        (alert("cart", 99), 0),
        (alert("cart", 120, status_id=4), 0),
        (alert("cart", 120, source="guardduty"), 0),
    ],
)
def test_trouble_is_an_alert_soon_after_of_the_service_or_of_none(
    alarm: Row, followed: int
) -> None:
    cart = history(release("cart", 0, "1"), release("cart", 100, "2"), alarm)["cart"]
    assert (cart["changes"], cart["followed"]) == (2, followed)


def test_going_back_soon_is_trouble_and_no_release() -> None:
    back = [release("cart", 0, "1"), release("cart", 100, "2"), release("cart", 120, "1")]
    assert [history(*back)["cart"][of] for of in ("changes", "followed")] == [2, 1]
    on = [release("cart", 0, "1"), release("cart", 100, "2"), release("cart", 120, "3")]
    assert [history(*on)["cart"][of] for of in ("changes", "followed")] == [3, 0]
    late = [release("cart", 0, "1"), release("cart", 100, "2"), release("cart", 200, "1")]
    assert [history(*late)["cart"][of] for of in ("changes", "followed")] == [3, 0]


def test_what_was_changed_at_one_moment_counts_once() -> None:
    bulk = [release(f"s{n}", 100, "2") for n in range(40)]
    found = history(*bulk, release("cart", 200, "2"), alert(None, 110)).values()
    assert float(sum(row["events"] for row in found)) == pytest.approx(2)
    assert float(sum(row["followed_events"] for row in found)) == pytest.approx(1)


def test_what_failed_what_was_planned_and_what_is_recent_is_no_release_of_the_past() -> None:
    rows = [
        release("cart", 0, "1"),
        release("cart", 100, "2", state="failure"),
        release("cart", 200, "3", state="planned"),
        release("cart", 300, "4", kind="config"),
        release("cart", 99_980, "5"),
    ]
    assert history(*rows)["cart"]["changes"] == 1


def test_the_time_before_alerts_tells_how_often_trouble_comes_by_chance() -> None:
    alarms = [alert("cart", at) for at in (1000, 1010, 5000)]
    rows = history(release("cart", 0, "1"), release("mail", 0, "1"), *alarms)
    assert rows["cart"]["alarmed_us"] == 70 * 60_000_000
    assert rows["mail"]["alarmed_us"] == 0
    assert rows["cart"]["history_us"] == 100_000 * 60_000_000
