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


def logged(count: int) -> list[Row]:
    """Lines of an access log."""
    code = {"code": 200}
    return [{"time": moment(n), "duration": 9, "http_response": code} for n in range(count)]


ENTRANCES: dict[str, tuple[list[Row], list[Row], int]] = {
    "nothing": ([], [], 0),
    "traces that begin here": (roots(7), [], 7),
    "traces that begin in a browser": (from_a_browser(7), [], 7),
    "those of browsers beside a stray health check": (from_a_browser(30) + roots(1), [], 31),
    "a stray request that lost its parent": (from_a_browser(1) + roots(7), [], 7),
    "an access log of its own": ([], logged(5), 5),
    "an access log beside sampled traces": (roots(2), logged(50), 50),
    "an access log of one line": (roots(30), logged(1), 30),
}


@pytest.mark.parametrize(("spans", "lines", "count"), ENTRANCES.values(), ids=ENTRANCES.keys())
def test_the_entrance_is_where_the_users_are(
    spans: list[Row], lines: list[Row], count: int
) -> None:
    rows = answer("entrance", trace_span=spans, http_activity=lines)
    assert sum(row["requests"] for row in rows) == count
