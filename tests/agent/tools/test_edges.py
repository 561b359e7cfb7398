"""Who called whom, of calls that were answered and of calls that were not."""

from __future__ import annotations

import pytest

from tests.agent.tools.rows import Row, answer, span

ANSWERED = [
    span("c1", "client", "web", 0, 9, peer={"address": "cart.internal", "port": 80}),
    span("s1", "server", "cart", 1, 7, "c1"),
]
CALLS: dict[str, tuple[Row, list[Row], tuple[str, str | None]]] = {
    "by its answer": (
        {"service": "basket"},
        [span("a", "server", "cart", 1, 5, "c")],
        ("cart", None),
    ),
    "by its address": ({"address": "cart.internal", "port": 80}, ANSWERED, ("cart", None)),
    "by its name": ({"service": "cart"}, [], ("cart", None)),
    "by its name over gRPC": ({"service": "cart", "system": "grpc"}, [], ("cart", None)),
    "a store, whatever it is named": (
        {"service": "orders-db", "system": "postgresql", "namespace": "orders"},
        [],
        ("postgresql/orders", "postgresql"),
    ),
    "a store at an address that answered": (
        {"system": "redis", "address": "cart.internal", "port": 80},
        ANSWERED,
        ("redis/cart.internal", "redis"),
    ),
    "a third party": ({"address": "api.example.com"}, [], ("api.example.com", "external")),
}


@pytest.mark.parametrize(("peer", "others", "callee"), CALLS.values(), ids=CALLS.keys())
def test_a_callee_is_known(peer: Row, others: list[Row], callee: tuple[str, str | None]) -> None:
    call = span("c", "client", "shop", 0, 9, peer=peer)
    rows = answer("edges", trace_span=[call, *others])
    assert [(r["callee"], r["system"]) for r in rows if r["caller"] == "shop"] == [callee]


def test_a_call_is_counted_once_though_two_client_spans_tell_of_it() -> None:
    outer = span("o", "client", "web", 0, 9, peer={"service": "cart"}, failed=True)
    inner = span("i", "client", "web", 1, 7, "o", peer={"service": "cart"}, failed=True)
    answered = span("s", "server", "cart", 2, 5, "i")
    (edge,) = answer("edges", trace_span=[outer, inner, answered])
    assert (edge["calls"], edge["unanswered"]) == (1, 0)


def test_callers_that_name_no_service_are_kept() -> None:
    (edge,) = answer(
        "edges", trace_span=[span("c", "client", None, 0, 9, peer={"service": "cart"})]
    )
    assert edge["caller"] == "unnamed"


def test_calls_that_are_made_again_within_a_request_are_of_one_request() -> None:
    tries = [span(f"c{n}", "client", "web", n, 1, peer={"service": "cart"}) for n in range(3)]
    other = span("c", "client", "web", 9, 1, peer={"service": "cart"}, trace="u")
    (edge,) = answer("edges", trace_span=[*tries, other])
    assert (edge["calls"], edge["traces"]) == (4, 2)
