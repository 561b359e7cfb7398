"""Who may answer under an address that only callers know."""

from __future__ import annotations

from agent.analysis.topology import Edge, Topology
from agent.nodes.weigh import resolved

BALANCER = "search-7.elb.example.com"


def shop(*more: tuple[str, str]) -> Topology:
    edges = [("web", BALANCER), ("web", "search"), ("web", "mail"), ("search", "db")]
    return resolved(Topology(Edge(*edge) for edge in (*edges, *more)))


def test_a_bare_address_may_be_the_way_to_a_service_that_its_callers_call() -> None:
    assert shop().callees(BALANCER) == ("search",)


def test_a_service_that_calls_the_address_does_not_answer_under_it() -> None:
    assert shop(("db", BALANCER)).callees(BALANCER) == ()


def test_what_makes_calls_of_its_own_is_no_bare_address() -> None:
    assert shop((BALANCER, "db")).callees(BALANCER) == ("db",)


def test_a_name_is_no_address() -> None:
    assert resolved(Topology([Edge("web", "cache"), *shop().edges])).callees("cache") == ()
