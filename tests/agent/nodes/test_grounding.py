"""The way from a cause up to the symptom, and whether every hop of it holds."""

from __future__ import annotations

from agent.nodes.grounding import hops, is_grounded
from tests.agent.nodes.deviating import anomaly, facts


def test_a_way_on_which_both_ends_deviate_in_order_is_grounded() -> None:
    path = hops("payment", facts(anomaly(minutes=15), anomaly(minutes=20, resource="web")))
    assert [(hop.source, hop.target) for hop in path] == [("payment", "web")]
    assert is_grounded(path)


def test_a_cause_later_than_its_effect_is_not_grounded() -> None:
    path = hops("payment", facts(anomaly(minutes=25), anomaly(minutes=12, resource="web")))
    assert path
    assert not is_grounded(path)


def test_where_nothing_tells_the_symptoms_place_trouble_shows_where_it_is() -> None:
    (hop,) = hops("payment", facts(anomaly(nats=8.0), alarmed=()))
    assert (hop.source, hop.target) == ("payment", "payment")
    assert is_grounded((hop,))


def test_what_does_not_deviate_is_not_grounded_in_itself() -> None:
    assert not is_grounded(hops("payment", facts(alarmed=())))


def test_trouble_of_a_node_climbs_by_way_of_what_runs_on_it() -> None:
    node = anomaly(minutes=15, resource="rack-7")
    path = hops("rack-7", facts(node, anomaly(minutes=16), anomaly(minutes=20, resource="web")))
    assert [(hop.source, hop.target) for hop in path] == [("rack-7", "payment"), ("payment", "web")]
    assert is_grounded(path)
