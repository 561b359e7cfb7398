"""A service's own time and its own failures: what is left when its callees' part is taken away."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agent.tools.rows import Row, answer, span

MS = 10**6


def own(*spans: Row) -> dict[str, tuple[int, int]]:
    """Each service's own time in ms and own failures, of one request each."""
    rows = answer("requests", trace_span=list(spans))
    return {row["service"]: (row["own_p95_ns"] // MS, row["own_failed"]) for row in rows}


def test_parallel_calls_are_waited_for_once() -> None:
    calls = [span(f"c{n}", "client", "web", 10, 50, "s") for n in range(3)]
    assert own(span("s", "server", "web", 0, 100), *calls) == {"web": (50, 0)}


def test_a_client_span_inside_another_is_the_same_call() -> None:
    outer = span("outer", "client", "web", 10, 60, "s")
    inner = span("inner", "client", "web", 15, 50, "outer")
    assert own(span("s", "server", "web", 0, 100), outer, inner) == {"web": (50, 0)}


def test_a_call_that_outlasts_its_request_covers_no_more_than_the_request() -> None:
    spans = span("s", "server", "web", 0, 100), span("c", "client", "web", 70, 500, "s")
    assert own(*spans) == {"web": (70, 0)}


def test_what_a_service_asks_of_its_store_is_its_own_work() -> None:
    query = span("q", "client", "web", 10, 80, "s", peer={"system": "postgresql", "address": "db"})
    assert own(span("s", "server", "web", 0, 100), query) == {"web": (100, 0)}


def test_a_call_by_grpc_is_to_a_service_and_to_no_store() -> None:
    call = span("c", "client", "web", 10, 80, "s", peer={"system": "grpc", "address": "cart"})
    assert own(span("s", "server", "web", 0, 100), call) == {"web": (20, 0)}


CALLS = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 60)), max_size=8)


@settings(max_examples=4, deadline=None)
@given(requests=st.lists(CALLS, min_size=20, max_size=40))
def test_own_time_is_the_time_that_no_call_covers(requests: list[list[tuple[int, int]]]) -> None:
    spans, uncovered = [], {}
    for trace, calls in enumerate(requests):
        covered = {t for at, took in calls for t in range(at, at + took)}
        uncovered[f"{trace}"] = len(set(range(100)) - covered) * MS
        spans.append(span("s", "server", "web", 0, 100, trace=f"{trace}"))
        for n, (at, took) in enumerate(calls):
            spans.append(span(f"c{n}", "client", "web", at, took, "s", trace=f"{trace}"))
    rows = answer("old_against_new", {"service": "web"}, trace_span=spans)
    assert {row["trace_uid"]: row["own_ns"] for row in rows} == uncovered


REQUEST = span("s", "server", "web", 0, 100, failed=True)
CALL = span("c", "client", "web", 10, 50, "s", failed=True, peer={"address": "cart"})
LATE = [CALL, span("a", "server", "cart", 11, 80, "c")]


def usually(took_ms: int) -> list[Row]:
    """What the callee takes in other minutes."""
    return [span("u", "server", "cart", 60_000 * n, took_ms, trace=f"{n}") for n in range(2, 5)]


BLAME: dict[str, tuple[list[Row], int]] = {
    "no call failed": ([span("c", "client", "web", 10, 50, "s", peer={"address": "cart"})], 1),
    "the callee failed": ([CALL, span("a", "server", "cart", 11, 48, "c", failed=True)], 0),
    "the callee never answered": ([CALL], 0),
    "the callee answered later than it does": ([*LATE, *usually(40)], 0),
    "its caller gave up before an answer is due": ([*LATE, *usually(75)], 1),
    "the callee answered well": ([CALL, span("a", "server", "cart", 11, 48, "c")], 1),
    "its cache did not answer": (
        [
            span(
                "c",
                "client",
                "web",
                10,
                1,
                "s",
                failed=True,
                peer={"system": "redis", "address": "cache"},
            )
        ],
        1,
    ),
    "its query is wrong": (
        [span("c", "client", "web", 10, 5, "s", failed=True, peer={"system": "postgresql"})],
        1,
    ),
    "a wrapped call was answered well": (
        [
            CALL,
            span("i", "client", "web", 11, 48, "c", failed=True),
            span("a", "server", "cart", 12, 40, "i"),
        ],
        1,
    ),
}


@pytest.mark.parametrize(("calls", "failures"), BLAME.values(), ids=BLAME.keys())
def test_a_failure_is_a_callees_only_if_a_service_let_it_down(
    calls: list[Row], failures: int
) -> None:
    assert own(REQUEST, *calls)["web"][1] == failures


def test_spans_that_name_no_service_are_kept() -> None:
    assert own(span("s", "server", None, 0, 100)) == {"unnamed": (100, 0)}
    assert own(span("s", "server", "inquest", 0, 100)) == {}
