"""How improbable it is that what never broke in calm time breaks so often."""

from __future__ import annotations

from math import comb, exp, lgamma, log

import numpy as np
import pytest

from agent.analysis.tails import breaks_nats, proneness


def nats(breaks: int, buckets: int, calm: int, prone: float = 0.5) -> float:
    return float(breaks_nats(np.array([breaks]), buckets, np.array([calm]), np.array([prone]))[0])


def exactly(breaks: int, buckets: int, calm: int, prone: float) -> float:
    """The chance of that many breaks: the beta-binomial distribution, its prior updated."""
    a, b = breaks + prone, calm + buckets - breaks + 1.0 - prone
    log_beta = lgamma(a) + lgamma(b) - lgamma(a + b)
    return comb(buckets, breaks) * exp(
        log_beta - lgamma(prone) - lgamma(calm + 1.0 - prone) + lgamma(calm + 1.0)
    )


@pytest.mark.parametrize("prone", [0.02, 0.5])
@pytest.mark.parametrize("calm", [1, 20, 500])
@pytest.mark.parametrize("buckets", [1, 7, 60])
def test_the_surprise_is_of_at_least_so_many_breaks(buckets: int, calm: int, prone: float) -> None:
    for breaks in range(1, buckets + 1):
        chance = sum(exactly(k, buckets, calm, prone) for k in range(breaks, buckets + 1))
        assert nats(breaks, buckets, calm, prone) == pytest.approx(-log(chance), abs=1e-9)


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


@pytest.mark.parametrize("prone", [0.05, 0.2, 0.4])
def test_how_many_siblings_hold_tells_how_prone_a_series_is_to_break(prone: float) -> None:
    chances = np.random.default_rng(0).beta(prone, 1.0 - prone, size=(5000, 1))
    constant = np.all(np.random.default_rng(1).random((5000, 300)) >= chances, axis=1)
    calm, groups = np.full(5000, 300), np.zeros(5000, dtype=np.int64)
    told = proneness(constant, calm, groups)[constant]
    assert told == pytest.approx(prone, rel=0.2)


def test_a_group_of_one_is_told_by_all_others_and_not_by_itself() -> None:
    groups, calm = np.arange(100), np.full(100, 300)
    few, most = (proneness(np.arange(100) < held, calm, groups)[0] for held in (10, 90))
    assert few > 0.3
    assert most < 0.05


def test_a_series_that_nobody_stands_beside_may_break_or_not() -> None:
    (alone,) = proneness(np.ones(1, dtype=np.bool_), np.array([300]), np.zeros(1, dtype=np.int64))
    assert 300.0**-alone == pytest.approx(0.5)
