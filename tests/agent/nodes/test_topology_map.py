"""The map of a report on facts made by hand: states, the way trouble spread, and bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from agent.analysis.topology import Edge, Topology
from agent.nodes.facts import Facts
from agent.nodes.survey.requests import ENTRANCE
from agent.nodes.topology_map import topology_map
from agent.state import (
    Call,
    Cause,
    Evidence,
    Hop,
    Incident,
    MapEdge,
    Resource,
    Signal,
    TopologyMap,
    Window,
)
from agent.tools.notebook import Answer
from lake.ask import Rows

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=10), 60)
SHOP = (("web", "checkout"), ("checkout", "payment"), ("payment", "db"), ("web", "search"))


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def signal(resource: str, onset: float, *, own: bool = False) -> Signal:
    return Signal(
        look="requests",
        resource=resource,
        indicator="errors",
        subject="own failures" if own else "failed requests",
        own=own,
        onset=at(onset),
        ended_at=None,
        effect=20.0,
        before=0.0,
        during=30.0,
        unit="%",
        evidence="requests",
    )


def facts(
    *signals: Signal,
    calls: tuple[tuple[str, str], ...] = SHOP,
    symptom: tuple[str, ...] = ("checkout",),
    started: float | None = 5,
) -> Facts:
    known = tuple(Call(a, b, "postgresql" if b == "db" else "", 100, 0) for a, b in calls)
    return Facts(
        window=WINDOW,
        incident=Incident(
            detected_at=at(6),
            window_start=at(0),
            window_end=at(10),
            started_at=None if started is None else at(started),
        ),
        symptom=tuple(s for s in signals if s.resource in symptom),
        signals=signals,
        calls=known,
        changes={},
        topology=Topology([Edge(c.caller, c.callee, c.calls) for c in known]),
        services=frozenset(name for call in calls for name in call if name != "db"),
    )


def blame(name: str, *path: tuple[str, str]) -> Cause:
    hops = tuple(Hop(source, target) for source, target in path)
    return Cause(1, "t", Resource("service", name), "errors", "deploy", 0.9, "confirmed", path=hops)


def edges(*rows: dict[str, Any]) -> Answer:
    columns = ("caller", "callee", "system", "bucket", "calls", "failed", "p95_ns")
    table = pa.table({name: [row.get(name) for row in rows] for name in columns})
    return Answer(Evidence("edges", "q", "edges", "SELECT 1", {}, len(rows), "d"), Rows(table))


def drawn(found: Facts, cause: Cause | None, answer: Answer | None = None) -> TopologyMap:
    made = topology_map(found, cause, answer or edges())
    assert made is not None
    return made


def called(caller: str, callee: str, bucket: int = 6, **more: Any) -> dict[str, Any]:
    row = {"caller": caller, "callee": callee, "bucket": bucket, "calls": 10, "failed": 0}
    return {**row, "p95_ns": 20_000_000, **more}


def test_every_resource_has_the_state_that_matters_most() -> None:
    found = facts(
        signal("payment", 5, own=True), signal("checkout", 5), signal("search", 6), signal("web", 6)
    )
    made = drawn(found, blame("payment", ("payment", "checkout"), ("checkout", "web")))
    assert {node.name: node.state for node in made.nodes} == {
        "payment": "cause",
        "checkout": "symptom",
        "web": "path",
        "search": "deviates",
        "db": "well",
    }
    assert {node.name: node.kind for node in made.nodes}["db"] == "database"


def test_a_node_says_what_deviated_first_and_a_well_one_nothing() -> None:
    found = facts(signal("payment", 6), signal("payment", 5, own=True), signal("checkout", 7))
    nodes = {node.name: node for node in drawn(found, blame("payment")).nodes}
    assert (nodes["payment"].text, nodes["payment"].onset) == ("own failures", at(5))
    assert (nodes["search"].text, nodes["search"].onset) == ("", None)


def test_trouble_spreads_over_the_path_and_on_to_callers_that_deviate_no_sooner() -> None:
    found = facts(signal("payment", 5, own=True), signal("checkout", 5.5), signal("web", 6))
    made = drawn(
        found,
        blame("payment", ("payment", "checkout")),
        edges(*(called(*call) for call in SHOP)),
    )
    spread = {(edge.caller, edge.callee) for edge in made.edges if edge.on_path}
    assert spread == {("checkout", "payment"), ("web", "checkout")}


@pytest.mark.parametrize("web", [(), (signal("web", 1),)], ids=["well", "ill before"])
def test_trouble_does_not_spread_to_a_caller_that_is_well_or_was_ill_before(
    web: tuple[Signal, ...],
) -> None:
    found = facts(signal("payment", 5, own=True), signal("checkout", 5.5), *web)
    made = drawn(found, blame("payment", ("payment", "checkout")), edges(called("web", "checkout")))
    assert [edge.on_path for edge in made.edges] == [False]


def test_calls_are_counted_during_the_incident_and_their_p95_told_before_and_during() -> None:
    answer = edges(
        called("web", "checkout", 3, calls=70, p95_ns=9_300_000),
        called("web", "checkout", 4, calls=80, p95_ns=9_500_000),
        called("web", "checkout", 5, calls=50, failed=20, p95_ns=3_000_000_000),
        called("web", "checkout", 6, calls=40, failed=30, p95_ns=None),
        called("web", "unknown", 6),
    )
    made = drawn(facts(signal("checkout", 5)), None, answer)
    assert made.edges == (MapEdge("web", "checkout", 90, 50, 3000.0, 9.4),)
    assert made.evidence == ("edges", "requests")


def test_without_an_incident_the_whole_window_is_counted() -> None:
    answer = edges(called("web", "checkout", 0), called("web", "checkout", 9))
    made = drawn(facts(started=None), None, answer)
    assert made.edges == (MapEdge("web", "checkout", 20, 0, 20.0, None),)
    assert {node.state for node in made.nodes} == {"well"}


def test_where_only_users_saw_it_the_entrance_is_no_resource_of_the_map() -> None:
    made = drawn(facts(signal(ENTRANCE, 5), symptom=(ENTRANCE,)), None)
    assert {node.name for node in made.nodes} == {"web", "checkout", "search", "payment", "db"}
    assert {node.state for node in made.nodes} == {"well"}


def test_nothing_seen_is_no_map() -> None:
    assert topology_map(facts(calls=()), None, edges()) is None


def test_of_ten_thousand_services_the_path_its_neighbours_and_counts_are_told() -> None:
    crowd = tuple((f"s{n}", f"s{n + 1}") for n in range(9_995))
    found = facts(
        signal("payment", 5, own=True),
        signal("checkout", 5),
        signal("s500", 6),
        calls=(*SHOP, *crowd),
    )
    made = drawn(found, blame("payment", ("payment", "checkout")), edges(called("s1", "s2")))
    assert [node.name for node in made.nodes] == ["payment", "checkout", "s500", "web", "db"]
    assert (made.others_deviating, made.others_well) == (0, 9_996)
    assert made.edges == ()


def test_where_very_many_deviate_those_not_drawn_are_counted_as_such() -> None:
    crowd = tuple(("web", f"s{n}") for n in range(200))
    ill = [signal(f"s{n}", 6) for n in range(100)]
    found = facts(signal("checkout", 5), *ill, calls=(*SHOP, *crowd))
    made = drawn(found, blame("payment", ("payment", "checkout")))
    assert [node.name for node in made.nodes][:2] == ["payment", "checkout"]
    assert len(made.nodes) == 20
    assert (made.others_deviating, made.others_well) == (82, 103)


def test_the_path_is_drawn_whole_even_where_very_many_show_the_symptom() -> None:
    crowd = tuple((f"s{n}", "checkout") for n in range(50))
    ill = [signal(f"s{n}", 6) for n in range(50)]
    found = facts(
        signal("payment", 5, own=True),
        *ill,
        calls=(*SHOP, *crowd),
        symptom=tuple(f"s{n}" for n in range(50)),
    )
    made = drawn(found, blame("payment", ("payment", "checkout"), ("checkout", "s49")))
    assert [node.name for node in made.nodes][:4] == ["payment", "checkout", "s49", "s0"]
    assert {node.name: node.state for node in made.nodes}["s49"] == "symptom"
