"""Old and new instances by their metrics alone: who is worse, alike, or not heard from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.analysis.topology import Topology
from agent.nodes.facts import Facts
from agent.nodes.instances import by_instance
from agent.nodes.trying import Trying
from agent.state import Change, Control, Incident, Rollout, Window
from agent.tools.notebook import Notebook
from lake.store import Lake
from tests.agent.tools.rows import Row, moment, point, put
from tests.agent.world import START
from traces.tracer import Tracing

MINUTES, CAME, STARTED = 30, 15, 14
WINDOW = Window(START, START + timedelta(minutes=MINUTES), 30)


def minute(at: float) -> datetime:
    return moment(60 * at)


def measured(
    instance: str, value: float, *, version: str, since: int = 0, metric: str = "error_rate"
) -> list[Row]:
    """One value a minute; what is measured wobbles by a tenth of a point."""
    workload = {"service": "cart", "version": version, "instance": instance}
    more: dict[str, Any] = {"workload": workload, "unit": "%" if metric == "error_rate" else "ms"}
    return [
        point(60 * m, value + m % 3 / 10, metric, f"{instance} {metric}", **more)
        for m in range(since, MINUTES)
    ]


def started(
    service: str,
    instance: str,
    *,
    at: float = STARTED,
    activity: int = 3,
    version: str | None = "2",
) -> Row:
    """An announcement that an instance was started (3) or stopped (4)."""
    return {
        "time": minute(at),
        "activity_id": activity,
        "workload": {"service": service, "version": version, "instance": instance},
        "change": {"uid": f"{service}@2", "kind": "deploy", "state": "success"},
    }


@contextmanager
def asking(folder: Path, points: list[Row], announced: list[Row]) -> Iterator[Notebook]:
    with Lake.create(folder / "lake") as lake:
        put(lake, "metric_point", points)
        if announced:
            put(lake, "application_lifecycle", announced)
        with Tracing(lake, "test") as tracing:
            yield Notebook(lake.at(), tracing)


def tried(
    folder: Path,
    points: list[Row],
    *announced: Row,
    seen: bool = True,
    version: str = "2",
    window: Window = WINDOW,
) -> Control:
    change = Change(
        id="C1",
        kind="deploy",
        what="cart 2",
        service="cart",
        version=version,
        previous_version="1" if seen else "",
        declared_at=minute(STARTED),
        rollouts=(Rollout("cart-new", minute(CAME)),) if seen else (),
    )
    facts = Facts(
        window=window,
        incident=Incident(minute(CAME + 2), WINDOW.start, WINDOW.end),
        symptom=(),
        signals=(),
        calls=(),
        changes={"C1": change},
        topology=Topology([]),
        services=frozenset({"cart"}),
    )
    with asking(folder, points, list(announced)) as notebook:
        return by_instance(Trying(change, facts, notebook.ask))


def others(value: float = 0.0, metric: str = "error_rate") -> list[Row]:
    return [
        row for n in range(4) for row in measured(f"cart-{n}", value, version="1", metric=metric)
    ]


@pytest.mark.parametrize(("failing", "verdict"), [(40.0, "implicates"), (0.0, "clears")])
def test_a_new_version_that_alone_fails_is_implicated_and_one_like_the_old_is_cleared(
    tmp_path: Path, failing: float, verdict: str
) -> None:
    new = measured("cart-new", failing, version="2", since=CAME)
    assert tried(tmp_path, others() + new).verdict == verdict


def test_a_difference_that_users_do_not_mind_is_none(tmp_path: Path) -> None:
    slow = measured("cart-new", 4.0, version="2", since=CAME, metric="latency")
    assert tried(tmp_path, others(1.0, "latency") + slow).verdict != "implicates"


def test_a_new_instance_is_not_implicated_by_being_young(tmp_path: Path) -> None:
    old = others(metric="process.uptime")
    new = measured("cart-new", 0.0, version="2", since=CAME, metric="process.uptime")
    for rows, since in ((old, START - timedelta(days=2)), (new, minute(CAME))):
        for row in rows:
            row |= {"unit": "s", "value": (row["time"] - since).total_seconds()}
    assert tried(tmp_path, old + new).verdict == "not_assessable"


def test_the_first_minutes_of_an_instance_are_not_held_against_it(tmp_path: Path) -> None:
    new = measured("cart-new", 1.0, version="2", since=CAME, metric="latency")
    new[0]["value"] = 400.0
    assert tried(tmp_path, others(1.0, "latency") + new).verdict == "clears"


def gates(heard: int, silent: int = 0) -> tuple[list[Row], list[Row]]:
    """Instances of another service that were started too: what is heard, and what was announced."""
    points = [
        row | {"workload": {"service": "gate", "version": "2", "instance": f"gate-{n}"}}
        for n in range(heard)
        for row in measured(f"gate-{n}", 0.0, version="2", since=CAME)
    ]
    return points, [started("gate", f"gate-{n}") for n in range(heard + silent)]


@pytest.mark.parametrize("version", ["2", ""])
def test_an_instance_that_was_started_and_is_not_heard_from_implicates(
    tmp_path: Path, version: str
) -> None:
    heard, announced = gates(20)
    silent = started("cart", "cart-new")
    points = others() + heard
    control = tried(tmp_path, points, silent, *announced, seen=False, version=version)
    assert control.verdict == "implicates"
    assert control.p_value == pytest.approx(1 / 21)
    assert "cart-new" in control.text


def test_instances_that_were_stopped_and_had_been_heard_from_count_too(tmp_path: Path) -> None:
    heard, announced = gates(16)
    gone = [started("cart", f"cart-{n}", activity=4, version="1") for n in range(4)]
    silent = started("cart", "cart-new")
    control = tried(tmp_path, others() + heard, silent, *gone, *announced, seen=False)
    assert control.verdict == "implicates"
    assert control.p_value == pytest.approx(1 / 21)


def test_instances_of_the_calm_stretch_count_too(tmp_path: Path) -> None:
    heard, announced = gates(19)
    heard += measured("cart-8", 0.0, version="1", since=CAME)
    announced.append(started("cart", "cart-8", version="1"))
    for row in heard + announced:
        row["time"] -= timedelta(hours=3)
    calm = replace(WINDOW, calm=(START - timedelta(hours=4), START - timedelta(hours=1)))
    silent = started("cart", "cart-new")
    points = others() + heard
    control = tried(tmp_path, points, silent, *announced, seen=False, window=calm)
    assert control.verdict == "implicates"
    assert control.p_value == pytest.approx(1 / 21)


@pytest.mark.parametrize("version", ["2", ""])
def test_an_instance_that_was_silent_long_before_a_change_is_not_its_doing(
    tmp_path: Path, version: str
) -> None:
    heard, announced = gates(8)
    silent = started("cart", "cart-0", at=2)
    control = tried(tmp_path, heard, silent, *announced, seen=False, version=version)
    assert control.verdict == "not_assessable"


@pytest.mark.parametrize("other", ["1", None])
def test_silence_of_another_version_or_of_one_untold_is_not_that_of_a_new_one(
    tmp_path: Path, other: str | None
) -> None:
    heard, announced = gates(8)
    silent = started("cart", "cart-0", version=other)
    assert tried(tmp_path, heard, silent, *announced, seen=False).verdict == "not_assessable"


@pytest.mark.parametrize(("reports", "is_silent"), [(3, 0), (19, 0), (30, 2), (2, 4), (0, 3)])
def test_silence_says_nothing_beside_so_few_others_or_where_others_are_silent_too(
    tmp_path: Path, reports: int, is_silent: int
) -> None:
    heard, announced = gates(reports, is_silent)
    silent = started("cart", "cart-new")
    control = tried(tmp_path, others() + heard, silent, *announced, seen=False)
    assert control.verdict == "neutral"
    assert control.p_value is None or control.p_value >= 1 / 20


@pytest.mark.parametrize(("reports", "leans"), [(1, 0.0), (9, 0.47)])
def test_silence_leans_as_far_as_its_p_can_say(tmp_path: Path, reports: int, leans: float) -> None:
    heard, announced = gates(reports)
    silent = started("cart", "cart-new")
    control = tried(tmp_path, others() + heard, silent, *announced, seen=False)
    assert control.verdict == "neutral"
    assert control.log_odds == pytest.approx(leans, abs=0.01)


def test_silence_of_one_new_instance_says_nothing_where_another_reports(tmp_path: Path) -> None:
    heard, announced = gates(8)
    points = heard + measured("cart-1", 0.0, version="2", since=CAME)
    new = [started("cart", "cart-new"), started("cart", "cart-1")]
    control = tried(tmp_path, points, *new, *announced, seen=False)
    assert control.verdict == "neutral"
    assert "others of cart" in control.text


def test_where_nothing_that_was_started_is_heard_from_silence_says_nothing(tmp_path: Path) -> None:
    control = tried(tmp_path, others(), started("cart", "cart-new"), seen=False)
    assert control.verdict == "not_assessable"


def test_an_instance_just_started_is_not_missed_yet(tmp_path: Path) -> None:
    late = started("cart", "cart-new", at=MINUTES - 1)
    heard = started("cart", "cart-1")
    assert tried(tmp_path, others(), late, heard, seen=False).verdict == "not_assessable"


def test_what_was_stopped_is_no_longer_the_old_version(tmp_path: Path) -> None:
    """Some collectors go on under the name of what was replaced, with what replaced it measures."""
    bad = measured("cart-new", 40.0, version="2", since=CAME)
    replaced = [row for n in (0, 1, 2) for row in measured(f"cart-{n}", 0.0, version="1")]
    for row in replaced:
        if row["time"] >= minute(CAME):
            row["value"] = 40.0
    well = measured("cart-3", 0.0, version="1") + measured("cart-4", 0.0, version="1")
    stopped = [started("cart", f"cart-{n}", at=CAME, activity=4) for n in (0, 1, 2)]
    assert tried(tmp_path, replaced + well + bad, *stopped).verdict == "implicates"


def test_without_metrics_there_is_nothing_to_compare(tmp_path: Path) -> None:
    other = point(0, 1.0, workload={"service": "gate", "instance": "gate-0"})
    assert tried(tmp_path, [other]).verdict == "not_assessable"
