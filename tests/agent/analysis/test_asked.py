"""Whether an object is meant is told by the names in the question."""

import pytest

from agent.analysis.asked import Asked


@pytest.mark.parametrize(
    ("question", "name", "least"),
    [
        ("Why is the pod cart-7d9f8-x2x4p crashing?", "cart-7d9f8-x2x4p", 1.0),
        ("what's wrong with `cart`?", "cart-7d9f8-x2x4p", 0.9),
        ("job report-28 of pod report-28-abcde failed", "report-28", 1.0),
        ("is shop/cart well", "cart", 1.0),
        ("deployment/cart in shop", "cart-7d9f8-x2x4p", 0.9),
    ],
)
def test_who_is_named_is_meant(question: str, name: str, least: float) -> None:
    assert Asked.of([question]).relevance("shop", name) >= least


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Why is the cart slow?", "payment-7d9f8"),
        ("Which pod is failing?", "pod"),
        ("an error in production", "production"),
        ("db is down", "db-migrator"),
        ("", "cart"),
    ],
)
def test_words_that_are_no_names_name_nobody(question: str, name: str) -> None:
    assert Asked.of([question]).relevance("shop", name) < 0.5


def test_a_namespace_says_little() -> None:
    assert 0 < Asked.of(["trouble in shop"]).relevance("shop", "cart") < 0.5
