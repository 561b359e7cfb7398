"""A change is tried by how earlier ones of its service fared: a leaning, never a verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.analysis.topology import Topology
from agent.analysis.track_record import MOST
from agent.nodes.controls import CONTROLS, IMPLICATED, tried, weight
from agent.nodes.facts import Facts
from agent.nodes.track_record import track_record
from agent.nodes.trying import Trying
from agent.state import Change, Control, Incident, Window
from agent.tools.notebook import Notebook
from lake.store import Lake
from tests.agent.tools.rows import Row, moment, put
from tests.agent.tools.test_release_history import MINUTE, alert, release
from traces.tracer import Tracing

SERVICES = 12
RELEASES = 30
WEEKS = 10_000 * 12.0  # minutes


def made(releases: int = RELEASES) -> list[Row]:
    """A synthetic past: every third release of `flaky` brings an alert, of others hardly any."""
    random = np.random.default_rng(3)
    rows = []
    for service in ["flaky", *(f"steady-{n}" for n in range(1, SERVICES))]:
        for number, at in enumerate(np.sort(random.uniform(0, WEEKS - 100, releases))):
            rows.append(release(service, float(at), f"{number}"))
            bad = number % 3 == 0 if service == "flaky" else service == "steady-1" and number == 9
            rows += [alert(service, float(at) + 7)] if bad else []
    return rows


def said(folder: Path, service: str, rows: list[Row]) -> Control:
    """What the record says of a deploy of a service that comes after it."""
    window = Window(moment(WEEKS * MINUTE), moment((WEEKS + 60) * MINUTE), 10)
    changed = Change("C1", "deploy", f"{service} 99", service, declared_at=window.at(60))
    facts = Facts(
        window=window,
        incident=Incident(window.at(90), window.start, window.end),
        symptom=(),
        signals=(),
        calls=(),
        changes={changed.id: changed},
        topology=Topology([]),
        services=frozenset(),
    )
    with Lake.create(folder / "lake") as lake:
        put(lake, "application_lifecycle", [row for row in rows if "change" in row])
        put(lake, "detection_finding", [row for row in rows if "finding_info" in row])
        with Tracing(lake, "test") as tracing:
            return track_record(Trying(changed, facts, Notebook(lake.at(), tracing).ask))


def test_earlier_releases_that_brought_trouble_speak_for_the_change(tmp_path: Path) -> None:
    control = said(tmp_path, "flaky", made())
    assert (control.verdict, control.log_odds) == ("neutral", MOST)
    assert control.text.startswith(
        "10 of 30 earlier changes of flaky (deploy) were followed by trouble within 30 min; "
    )
    assert control.evidence == ("release_history:deploy",)


def test_earlier_releases_that_went_well_speak_against_it(tmp_path: Path) -> None:
    control = said(tmp_path, "steady-5", made())
    assert (control.verdict, control.log_odds < -0.5) == ("neutral", True)


@pytest.mark.parametrize(("service", "releases"), [("new", RELEASES), ("flaky", 1)])
def test_where_too_little_is_known_it_says_so(tmp_path: Path, service: str, releases: int) -> None:
    control = said(tmp_path, service, made(releases))
    assert (control.verdict, control.log_odds) == ("not_assessable", 0.0)


def test_a_record_leans_and_never_decides() -> None:
    assert CONTROLS["track_record"] is track_record
    change = Change("C1", "deploy", "cart 2", "cart")
    nearly = Control("own_signals", "implicates", "", p_value=1e-9)
    enough = Control("old_against_new", "implicates", "")
    leaning = Control("track_record", "neutral", "", log_odds=MOST)
    against = replace(leaning, log_odds=-MOST)
    assert weight((nearly, leaning)) >= IMPLICATED > weight((enough, against))
    assert tried(change, (nearly, leaning)).verdict == "not_assessable"
    assert tried(change, (enough, against)).verdict == "implicated"
