"""How improbable it is that what never broke in calm time breaks so often."""

from __future__ import annotations

from math import comb, exp, lgamma, log

import numpy as np
import pytest

from agent.analysis.tails import breaks_nats


def nats(breaks: int, buckets: int, calm: int) -> float:
    return float(breaks_nats(np.array([breaks]), buckets, np.array([calm]))[0])


def exactly(breaks: int, buckets: int, calm: int) -> float:
    """The chance of that many breaks: the beta-binomial distribution, Jeffreys' prior updated."""
    a, b = breaks + 0.5, calm + buckets - breaks + 0.5
    log_beta = lgamma(a) + lgamma(b) - lgamma(a + b)
    return comb(buckets, breaks) * exp(
        log_beta - lgamma(0.5) - lgamma(calm + 0.5) + lgamma(calm + 1.0)
    )


@pytest.mark.parametrize("calm", [1, 20, 500])
@pytest.mark.parametrize("buckets", [1, 7, 60])
def test_the_surprise_is_of_at_least_so_many_breaks(buckets: int, calm: int) -> None:
    for breaks in range(1, buckets + 1):
        chance = sum(exactly(k, buckets, calm) for k in range(breaks, buckets + 1))
        assert nats(breaks, buckets, calm) == pytest.approx(-log(chance), abs=1e-9)


@pytest.mark.parametrize("buckets", [10, 60, 480])
def test_no_calm_time_makes_no_break_surprising(buckets: int) -> None:
    assert nats(1, buckets, 0) == 0.0
    assert nats(buckets, buckets, 0) == 0.0


def test_the_longer_the_trouble_the_less_a_break_in_it_surprises() -> None:
    told = [nats(1, buckets, 30) for buckets in (1, 10, 60, 480, 5000)]
    assert told == sorted(told, reverse=True)
    assert told[-1] < 0.1


def test_no_break_is_no_surprise() -> None:
    assert nats(0, 60, 100) == 0.0
