"""What playbooks find is graded by what was asked, and its way is checked hop by hop."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.analysis.object_graph import Chain, Edge, Ill
from agent.nodes.grounding import is_grounded
from agent.nodes.survey.playbooks import _path
from agent.nodes.weigh import together
from agent.state import Cause, Hop, Resource

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
MAP, POD = "ConfigMap/shop/settings", "Pod/shop/cart-1"
WAY = Chain((Edge(POD, "mounts", MAP),), Ill(MAP, "root"))


@pytest.mark.parametrize(
    ("seen", "grounded"),
    [
        ({MAP: AT, POD: AT}, True),
        ({MAP: AT}, False),
        ({POD: AT}, False),
        ({MAP: AT + timedelta(hours=1), POD: AT}, False),
    ],
)
def test_a_reference_is_a_grounded_step_if_both_ends_are_ill_in_time(
    seen: dict[str, datetime], *, grounded: bool
) -> None:
    path = _path(WAY, seen, "refs")
    assert [(hop.source, hop.target) for hop in path] == [(MAP, POD)]
    assert is_grounded(path) == grounded


def cause(name: str, probability: float, playbook: str = "") -> Cause:
    here = Hop(name, name, structure=True, deviation=True, order=True)
    return Cause(
        rank=0,
        text=name,
        resource=Resource("service", name),
        indicator="errors",
        mechanism="config",
        probability=probability,
        status="likely",
        grounded=bool(playbook),
        path=(here,) if playbook else (),
        playbook=playbook,
    )


def test_where_measures_say_where_a_resource_has_no_more_than_before() -> None:
    measured = {"resource cart": cause("cart", 0.6)}
    found = {"finding a": cause("cart", 0.9, "a"), "finding b": cause("cart", 0.5, "b")}
    weighed = together(measured, found, located=True)
    assert sum(one.probability for one in weighed.values()) == pytest.approx(0.6)
    assert weighed["finding a"].probability > weighed["finding b"].probability
    assert not weighed["finding a"].grounded  # as its resource is


def test_who_is_found_elsewhere_shares_by_how_sure_it_is() -> None:
    found = {"finding a": cause("a", 0.9, "a"), "finding b": cause("b", 0.02, "b")}
    weighed = together({"resource cart": cause("cart", 0.2)}, found, located=True)
    assert weighed["finding a"].probability > 20 * weighed["finding b"].probability
    assert not weighed["finding a"].grounded


def test_where_nothing_says_where_what_was_found_goes_first() -> None:
    weighed = together(
        {"resource cart": cause("cart", 0.6)}, {"finding a": cause("a", 0.9, "a")}, located=False
    )
    assert weighed["finding a"].probability == 0.9
    assert weighed["finding a"].grounded
    assert weighed["resource cart"].probability == pytest.approx(0.06)


def test_a_trouble_that_a_finding_names_is_not_ruled_out_beside_it() -> None:
    measured = {"resource a": cause("a", 0.4), "resource b": cause("b", 0.4)}
    weighed = together(measured, {"finding a": cause("a", 0.9, "a")}, located=False)
    assert weighed.keys() == {"finding a", "resource b"}
