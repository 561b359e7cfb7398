"""How a change is tried: each control on facts made by hand, and the verdict from all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.analysis.topology import Edge, Topology
from agent.nodes.controls import (
    IMPLICATED,
    order,
    own_signals,
    peers,
    reach,
    recovery,
    tried,
    weight,
)
from agent.nodes.facts import Facts
from agent.nodes.grounding import hops
from agent.nodes.trying import Trying
from agent.state import (
    Call,
    Change,
    Control,
    ControlKind,
    ControlVerdict,
    Incident,
    Rollout,
    Signal,
    Window,
)
from agent.tools.notebook import Answer

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=15), 10)
CALLS = (
    Call("web", "checkout", "", 100, 0),
    Call("web", "search", "", 100, 0),
    Call("checkout", "payment", "", 100, 9),
    Call("payment", "postgresql/shop", "postgresql", 100, 0),
    Call("stock", "postgresql/shop", "postgresql", 100, 0),
)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def signal(resource: str, onset: float, *, own: bool, ended: float | None = 600) -> Signal:
    return Signal(
        look="requests",
        resource=resource,
        indicator="errors",
        subject="failed requests",
        own=own,
        onset=at(onset),
        ended_at=None if ended is None else at(ended),
        effect=20.0,
        before=0.0,
        during=30.0,
        unit="%",
        evidence="requests",
    )


def change(service: str, seconds: float, **more: Any) -> Change:
    instance = Rollout(f"{service}-a", at(seconds))
    known: dict[str, Any] = {"id": "C1", "kind": "deploy", "rollouts": (instance,)} | more
    return Change(what=f"{service} 2", service=service, version="2", **known)


SYMPTOM = signal("checkout", 310, own=False)
SIGNALS = (SYMPTOM, signal("payment", 300, own=True))


def facts(*signals: Signal, ended: float | None = 600, changes: tuple[Change, ...] = ()) -> Facts:
    return Facts(
        window=WINDOW,
        incident=Incident(
            detected_at=at(400),
            window_start=WINDOW.start,
            window_end=WINDOW.end,
            started_at=at(300),
            ended_at=None if ended is None else at(ended),
        ),
        symptom=(SYMPTOM,),
        signals=signals or SIGNALS,
        calls=CALLS,
        changes={c.id: c for c in changes},
        topology=Topology([Edge(c.caller, c.callee) for c in CALLS]),
        services=frozenset({"web", "checkout", "search", "payment", "stock"}),
    )


def no_question(name: str, *_: Any, **__: Any) -> Answer:
    raise AssertionError(f"this control needs no question, but asked {name}")


def trying(changed: Change, known: Facts) -> Trying:
    return Trying(changed, known, no_question)


@pytest.mark.parametrize(
    ("began", "verdict"), [(250, "neutral"), (308, "neutral"), (330, "clears")]
)
def test_a_change_after_the_first_deviation_is_cleared(began: float, verdict: str) -> None:
    assert order(trying(change("payment", began), facts())).verdict == verdict


@pytest.mark.parametrize(
    ("announced", "verdict"), [(330, "neutral"), (395, "neutral"), (440, "clears")]
)
def test_where_no_request_was_seen_only_what_came_after_the_alarm_is_cleared(
    announced: float, verdict: str
) -> None:
    changed = replace(change("payment", announced + 90), declared_at=at(announced))
    known = replace(facts(), watched=False)
    assert order(trying(changed, known)).verdict == verdict


def test_calls_that_are_only_stated_show_no_requests_to_judge_by() -> None:
    stated = replace(facts(), calls=(Call("web", "search", "", 0, 0),))
    assert own_signals(trying(change("search", 250), stated)).verdict == "not_assessable"
    assert own_signals(trying(change("search", 250), facts())).verdict == "clears"


@pytest.mark.parametrize(
    ("service", "verdict"),
    [
        ("checkout", "neutral"),
        ("payment", "neutral"),
        ("search", "clears"),
        ("stock", "not_assessable"),
        ("unseen", "not_assessable"),
    ],
)
def test_a_change_that_calls_do_not_lead_to_is_cleared(service: str, verdict: str) -> None:
    assert reach(trying(change(service, 250), facts())).verdict == verdict


def test_a_change_reaches_through_a_store_in_trouble() -> None:
    ill = replace(signal("postgresql/shop", 300, own=True), look="calls")
    found = reach(trying(change("stock", 250), facts(*SIGNALS, ill)))
    assert (found.verdict, "postgresql/shop" in found.text) == ("neutral", True)


@pytest.mark.parametrize(
    ("service", "began", "verdict"),
    [
        ("payment", 250, "implicates"),
        ("payment", 330, "clears"),
        ("checkout", 250, "neutral"),
        ("stock", 250, "clears"),
    ],
)
def test_own_trouble_after_the_change_implicates_and_none_clears(
    service: str, began: float, verdict: str
) -> None:
    assert own_signals(trying(change(service, began), facts())).verdict == verdict


@pytest.mark.parametrize(
    ("back", "ended", "verdict"),
    [
        (590, 600, "implicates"),
        (590, 850, "neutral"),
        (590, None, "neutral"),
        (850, None, "not_assessable"),
        (None, 600, "not_assessable"),
    ],
)
def test_trouble_that_ends_when_the_change_is_taken_back_implicates_it(
    back: float | None, ended: float | None, verdict: str
) -> None:
    guilty = change("payment", 250)
    reverts = () if back is None else (change("payment", back, id="C2", reverts="C1"),)
    known = facts(ended=ended, changes=(guilty, *reverts))
    assert recovery(trying(guilty, known)).verdict == verdict


def test_peers_are_those_that_do_not_depend_on_what_changed() -> None:
    found = peers(trying(change("payment", 250), facts()))
    assert "search" in found.text
    assert "checkout" not in found.text


def control(kind: ControlKind, verdict: ControlVerdict) -> Control:
    return Control(kind, verdict, f"{kind} {verdict}")


@pytest.mark.parametrize(
    ("controls", "verdict"),
    [
        ([control("own_signals", "implicates")], "not_assessable"),
        (
            [control("own_signals", "implicates"), control("old_against_new", "implicates")],
            "implicated",
        ),
        ([control("own_signals", "implicates"), control("recovery", "implicates")], "implicated"),
        ([control("own_signals", "clears"), control("recovery", "implicates")], "cleared"),
        ([control("order", "clears"), control("old_against_new", "implicates")], "not_assessable"),
        (
            [control("order", "not_assessable"), control("reach", "not_assessable")],
            "not_assessable",
        ),
    ],
)
def test_a_verdict_needs_enough_for_it_and_nothing_against_it(
    controls: list[Control], verdict: str
) -> None:
    assert tried(change("payment", 250), tuple(controls)).verdict == verdict


def test_a_path_is_checked_hop_by_hop() -> None:
    (hop,) = hops("payment", facts())
    assert (hop.source, hop.target) == ("payment", "checkout")
    assert (hop.structure, hop.deviation, hop.order) == (True, True, True)
    (late,) = hops("payment", facts(SYMPTOM, signal("payment", 400, own=True)))
    assert not late.order
    (well,) = hops("payment", facts(SYMPTOM))
    assert not well.deviation
    assert hops("search", facts()) == ()


def test_of_two_implicated_changes_the_clearer_one_weighs_more() -> None:
    clear, less = (
        (Control("old_against_new", "implicates", "", p_value=p),) for p in (1e-8, 0.009)
    )
    assert weight(clear) > weight(less) >= IMPLICATED


def test_a_moment_alone_implicates_nothing() -> None:
    alone = Control("own_signals", "implicates", "", p_value=1e-9)
    text = Control("relevance", "implicates", "", p_value=0.1)
    assert weight((alone,)) < IMPLICATED <= weight((alone, text))
