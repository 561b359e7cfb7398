"""Lines that say that somebody else failed their writer."""

from __future__ import annotations

import pytest

from agent.nodes.survey.blame import Blame

BLAME = Blame(["web", "auth", "search", "ts-price-service", "api.pay.example", "cache-2", "a b"])


@pytest.mark.parametrize(
    ("line", "whom"),
    [
        ("PeerError: request failed: auth answered <num> to POST", "auth"),
        ("connection refused: http://ts-price-service:8080/x", "ts-price-service"),
        ("could not resolve api.pay.example: temporary failure", "api.pay.example"),
        ("read timeout calling search.shop.svc.cluster.local", "search"),
        ("upstream cache-<num> unreachable", "cache-2"),
        ("failed to call a b", "a b"),
        ("connection reset by peer", ""),
        ("request to /prices failed: unexpected end of file", ""),
        ("call to auth failed", "auth"),
        ("request failed: api.carrier.example did not answer POST /x in <num> s", ""),
        ("no response from search", "search"),
        ("search responded with <num>", "search"),
    ],
)
def test_a_line_about_a_call_that_failed_blames_whom_it_names(line: str, whom: str) -> None:
    assert BLAME.of(line, "web") == whom


@pytest.mark.parametrize(
    "line",
    [
        "OutOfMemoryError: Java heap space in author page",
        "OutOfMemoryError: Java heap space in search page",
        "auth: 12 sessions",
        "Request failed: java.lang.NullPointerException",
        "request failed",
        "invocation failed in author page",
        "slow request: responded <num> after <num>ms",
        "job replied <num>",
    ],
)
def test_a_line_about_no_call_blames_nobody_whatever_it_names(line: str) -> None:
    assert BLAME.of(line, "web") is None


@pytest.mark.parametrize("line", ["unreachable for authors", "unreachable: my-auth said no"])
def test_a_part_of_a_word_is_no_name(line: str) -> None:
    assert BLAME.of(line, "web") == ""


def test_nobody_blames_oneself() -> None:
    assert BLAME.of("web: unreachable", "web") == ""


def test_ten_thousand_services_are_known_at_once() -> None:
    blame = Blame(f"service-{n}" for n in range(10_000))
    for _ in range(1_000):
        assert blame.of("request to service-9876 failed", "web") == "service-9876"
