"""What users got: by the access log, else by the traces, wherever those begin."""

from __future__ import annotations

import pytest

from tests.agent.tools.rows import Row, answer, moment, span


def roots(count: int) -> list[Row]:
    """Requests whose traces begin here, each with a call inside."""
    spans = []
    for n in range(count):
        spans.append(span("s", "server", "web", n, 10, trace=f"r{n}"))
        spans.append(span("c", "client", "web", n, 8, "s", trace=f"r{n}"))
        spans.append(span("a", "server", "cart", n, 7, "c", trace=f"r{n}"))
    return spans


def from_a_browser(count: int) -> list[Row]:
    """Requests whose traces began in a browser that reports nothing."""
    return [span("s", "server", "web", n, 10, "browser", trace=f"b{n}") for n in range(count)]


def logged(
    count: int, source: str | None = None, to: str | None = None, service: str | None = "nginx"
) -> list[Row]:
    """Lines of an access log: from which address, and to which one they were passed on."""
    line = {
        "duration": 9,
        "http_response": {"code": 200},
        "workload": {"service": service},
        "src_endpoint": {"ip": source},
        "dst_endpoint": {"ip": to},
    }
    return [{"time": moment(n)} | line for n in range(count)]


USER, BALANCER, WEB, CART = "198.51.100.7", "10.0.9.9", "10.0.4.17", "10.0.4.18"


ENTRANCES: dict[str, tuple[list[Row], list[Row], int]] = {
    "nothing": ([], [], 0),
    "traces that begin here": (roots(7), [], 7),
    "traces that begin in a browser": (from_a_browser(7), [], 7),
    "those of browsers beside a stray health check": (from_a_browser(30) + roots(1), [], 31),
    "a stray request that lost its parent": (from_a_browser(1) + roots(7), [], 7),
    "an access log of its own": ([], logged(5), 5),
    "an access log beside sampled traces": (roots(2), logged(50), 50),
    "an access log of one line": (roots(30), logged(1), 30),
    "what a network sensor saw of a scanner": (roots(7), logged(50, USER, service=None), 7),
    "a load balancer before nginx": (
        [],
        logged(20, USER, WEB, "alb") + logged(22, BALANCER),
        20,
    ),
    "a gateway before sidecars that call each other": (
        [],
        logged(20, BALANCER, WEB, "envoy") + logged(60, WEB, CART, "envoy") + logged(60, CART),
        20,
    ),
    "proxies that all have one address": ([], logged(20, "127.0.0.1", "127.0.0.1"), 20),
    "one from far away among those from inside": ([], logged(1, USER) + logged(30, BALANCER), 30),
}


@pytest.mark.parametrize(("spans", "lines", "count"), ENTRANCES.values(), ids=ENTRANCES.keys())
def test_the_entrance_is_where_the_users_are(
    spans: list[Row], lines: list[Row], count: int
) -> None:
    rows = answer("entrance", trace_span=spans, http_activity=lines)
    assert sum(row["requests"] for row in rows) == count
