"""How probable each cause is, and who may answer under an address that only callers know."""

from __future__ import annotations

from typing import Any

import pytest

from agent.analysis.ranking import UNKNOWN
from agent.nodes.facts import gather
from agent.nodes.hypothesise import hypothesise
from agent.nodes.scope import BY_ITSELF
from agent.nodes.test import test as trial
from agent.nodes.weigh import calibrated, resolved, suspected, weigh
from agent.state import Anomaly, Call, Look
from lake.store import Lake
from tests.agent.nodes.alone import alone
from tests.agent.nodes.deviating import anomaly, at, facts, surveyed

BALANCER = "search-7.elb.example.com"
CALLS = [("web", BALANCER), ("web", "search"), ("web", "mail"), ("search", "db")]


def answering(name: str, *calls: tuple[str, str], system: str = "") -> tuple[str, ...]:
    """Who may answer under a name that deviates, where these call each other."""
    state = surveyed(anomaly(resource=name))
    state["calls"] = [Call(a, b, system if b == name else "", 1, 0) for a, b in calls]
    return resolved(gather(state)).callees(name)


def test_a_bare_address_may_be_the_way_to_a_service_that_its_callers_call() -> None:
    assert answering(BALANCER, *CALLS) == ("search",)
    assert answering("10.0.3.7", ("web", "10.0.3.7"), *CALLS[1:]) == ("search",)


def test_a_service_that_calls_the_address_does_not_answer_under_it() -> None:
    assert answering(BALANCER, *CALLS, ("db", BALANCER)) == ()


def test_what_makes_calls_of_its_own_is_no_bare_address() -> None:
    assert answering(BALANCER, *CALLS, (BALANCER, "db")) == ("db",)


@pytest.mark.parametrize(
    "name", ["cache", "cache.default", "com.example.orders", "db.prod", "a.b.v1.2"]
)
def test_a_name_is_no_address(name: str) -> None:
    assert answering(name, ("web", name), *CALLS[1:]) == ()


def test_a_store_answers_for_itself() -> None:
    assert answering(BALANCER, *CALLS, system="postgresql") == ()


def test_an_address_that_may_be_any_of_many_tells_nothing() -> None:
    many = [call for n in range(20) for call in (("web", f"s{n}"), (f"s{n}", "db"))]
    assert answering(BALANCER, *CALLS, *many) == ()


def weighed(lake: Lake, *found: Anomaly, **asked: Any) -> float:
    """How probable it is that payment is the cause."""
    state = surveyed(*found, **asked)
    state["causes"] = alone(hypothesise, lake, state)["causes"]
    return alone(weigh, lake, state)["causes"]["resource payment"].probability


@pytest.mark.parametrize(("name", "status"), [("redis", "confirmed"), ("10.0.3.7", "likely")])
def test_an_address_is_no_cause_to_be_confirmed(lake: Lake, name: str, status: str) -> None:
    looks: tuple[Look, ...] = ("traces", "calls", "logs", "metrics")
    found = [anomaly(resource=name, minutes=15, nats=30.0, look=look) for look in looks]
    state = surveyed(*found, anomaly(resource="web", minutes=16))
    state["calls"] = [Call("web", name, "external" if name != "redis" else "redis", 9, 9)]
    state["subject"] = f"resource {name}"
    for node in (hypothesise, trial, weigh):
        state["causes"] = alone(node, lake, state)["causes"]
    cause = state["causes"][state["subject"]]
    assert cause.grounded
    assert cause.status == status


def test_while_nobody_is_seen_to_suffer_no_cause_is_surer_than_the_alarm(lake: Lake) -> None:
    mild = [anomaly(nats=11.0), anomaly(nats=11.0, look="logs"), anomaly(nats=11.0, look="traces")]
    felt = weighed(lake, *mild, anomaly(resource="web", minutes=20))
    alarmed, by_itself = weighed(lake, *mild), weighed(lake, *mild, trigger=BY_ITSELF)
    assert by_itself <= 0.45 < alarmed <= 0.75 < felt


@pytest.mark.parametrize("posteriors", [(0.6, 0.3, 0.1), (0.95, 0.01, 0.04), (0.1, 0.09, 0.81)])
def test_calibrated_probabilities_keep_their_order_and_their_sum(
    posteriors: tuple[float, float, float],
) -> None:
    first, second, unknown = posteriors
    told = calibrated({"a": first, "b": second, UNKNOWN: unknown})
    assert sum(told.values()) == pytest.approx(1.0)
    assert told["a"] > told["b"]
    assert told["b"] / told[UNKNOWN] == pytest.approx(second / unknown)


def test_who_is_first_alike_is_told_alike() -> None:
    told = calibrated({"a": 0.4, "b": 0.4, UNKNOWN: 0.2})
    assert told["a"] == told["b"] < 0.5
    assert sum(told.values()) == pytest.approx(1.0)


def test_no_suspect_leaves_the_unknown() -> None:
    assert calibrated({UNKNOWN: 1.0}) == {UNKNOWN: 1.0}


def test_nothing_begins_before_the_trouble_that_most_looks_see() -> None:
    (early,) = suspected(facts(anomaly(minutes=2)))
    assert early.onset == at(10).timestamp()


def test_where_a_changed_service_is_not_seen_no_other_is_as_sure_a_cause(lake: Lake) -> None:
    found = anomaly(look="traces", minutes=15), anomaly(resource="web", look="traces", minutes=16)
    dark = anomaly(resource="mailer", look="logs", nats=5.0)
    seen = weighed(lake, *found, dark, changed="payment")
    assert weighed(lake, *found, dark, changed="mailer") < seen
