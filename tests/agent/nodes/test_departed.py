"""What the anomalies of a changed service say of its change."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agent.analysis.topology import Topology
from agent.nodes.departed import departed
from agent.nodes.facts import SURE, Facts
from agent.nodes.trying import Trying
from agent.state import Anomaly, Change, Control, Incident, Window
from agent.tools.notebook import Notebook
from lake.store import Lake
from tests.agent.tools.rows import Row, moment, point, put
from tests.agent.world import START
from traces.tracer import Tracing

WINDOW = Window(START, START + timedelta(minutes=120), 60)
ENDS = 7200


def anomaly(resource: str, onset: float, surprise: float = SURE + 4) -> Anomaly:
    return Anomaly(
        look="logs",
        resource=resource,
        indicator="errors",
        subject="log “token is expired”",
        surprise=surprise,
        effect=9.0,
        onset=moment(onset),
        before=0.0,
        during=5.0,
        unit="lines",
        evidence="templates",
    )


def change(came: float, name: str = "C1") -> Change:
    declared = moment(came)
    return Change(id=name, kind="deploy", what="payment 2", service="payment", declared_at=declared)


def tried(
    folder: Path, *changes: Change, shown: tuple[Anomaly, ...] = (), metrics: tuple[Row, ...] = ()
) -> Control | None:
    """What is said of the first of the changes."""
    facts = Facts(
        window=WINDOW,
        incident=Incident(moment(6000), WINDOW.start, WINDOW.end, started_at=moment(5700)),
        symptom=(),
        signals=(),
        calls=(),
        changes={one.id: one for one in changes},
        topology=Topology([]),
        services=frozenset(),
        anomalies={a.resource: tuple(b for b in shown if b.resource == a.resource) for a in shown},
        watched=False,
    )
    with Lake.create(folder / "lake") as lake:
        put(lake, "metric_point", list(metrics) or [point(0, 1.0)])
        with Tracing(lake, "test") as tracing:
            return departed(Trying(changes[0], facts, Notebook(lake.at(), tracing).ask))


def drifting(since: float) -> tuple[Row, ...]:
    """A gauge that is calm until a time and falls by a little in each minute after it."""
    return tuple(
        point(float(s), 97.0 + (s // 60 * 7 % 5) / 10 - max(0.0, s - since) / 120)
        for s in range(0, ENDS, 60)
    )


@pytest.mark.parametrize(("elsewhere", "verdict"), [(5000, "neutral"), (5800, "implicates")])
def test_what_was_there_elsewhere_before_a_change_is_not_of_its_making(
    tmp_path: Path, elsewhere: float, verdict: str
) -> None:
    shown = (anomaly("payment", 5760), anomaly("gateway", elsewhere))
    control = tried(tmp_path, change(5700), shown=shown)
    assert control
    assert control.verdict == verdict


@pytest.mark.parametrize("first", [0, 1])
def test_changes_that_no_onset_tells_apart_were_as_probable_to_be_there(
    tmp_path: Path, first: int
) -> None:
    pair = [change(5640), change(5700, "C2")]
    control = tried(tmp_path, pair[first], pair[1 - first], shown=(anomaly("payment", 5760),))
    assert control
    assert control.p_value == pytest.approx(120 / ENDS, rel=0.01)


@pytest.mark.parametrize(("since", "verdict"), [(4500, "neutral"), (5700, "implicates")])
def test_what_departed_before_a_change_and_still_does_is_not_of_its_making(
    tmp_path: Path, since: float, verdict: str
) -> None:
    shown = (anomaly("payment", 5760),)
    control = tried(tmp_path, change(5700), shown=shown, metrics=drifting(since))
    assert control
    assert control.verdict == verdict


def test_a_slow_departure_from_a_change_on_is_told_by_what_was_before_the_change(
    tmp_path: Path,
) -> None:
    control = tried(tmp_path, change(4500), metrics=drifting(4500))
    assert control
    assert control.verdict == "implicates"
    assert control.p_value
    assert control.p_value < 0.1


def test_a_departure_that_was_under_way_is_of_no_later_change(tmp_path: Path) -> None:
    assert tried(tmp_path, change(5700), metrics=drifting(4500)) is None
