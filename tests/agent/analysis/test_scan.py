"""Failures that are more frequent for a while are found from counts, and chance is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.analysis.scan import Floats, densest

BUCKETS = 80


def some(rate: Floats, trials: int, seed: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    asked = random.poisson(trials, BUCKETS).astype(float)
    return random.binomial(asked.astype(int), rate).astype(float), asked


@pytest.mark.parametrize("seed", range(5))
def test_a_few_failures_among_a_few_requests_a_bucket_are_found(seed: int) -> None:
    rate = np.zeros(BUCKETS)
    rate[35:65] = 0.2
    found = densest(*some(rate, 4, seed))
    assert found is not None
    assert found.p_value < 0.001
    assert 35 <= found.start <= 42
    assert 58 <= found.end <= 65
    assert found.before < 0.01 < 0.08 < found.during


def test_a_steady_rate_of_failures_is_no_stretch() -> None:
    rate = np.full(BUCKETS, 0.05)
    found = [densest(*some(rate, 5, seed)) for seed in range(200)]
    assert sum(f is not None and f.p_value < 0.01 for f in found) <= 4


def test_four_failures_are_too_few() -> None:
    events = np.zeros(BUCKETS)
    events[40] = 4
    assert densest(events, np.full(BUCKETS, 9.0)) is None


def test_trouble_all_the_time_has_nothing_beside_it() -> None:
    trials = np.full(BUCKETS, 9.0)
    assert densest(trials, trials) is None


@settings(deadline=None, max_examples=60)
@given(
    counts=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30),
    scale=st.integers(1, 5),
)
def test_the_stretch_lies_in_the_series_and_is_worse_than_the_rest(
    counts: list[tuple[int, int]], scale: int
) -> None:
    events = np.array([min(pair) * scale for pair in counts], dtype=float)
    trials = np.array([max(pair) * scale for pair in counts], dtype=float)
    if found := densest(events, trials):
        assert 0 <= found.start < found.end <= len(counts)
        assert found.before < found.during <= 1
        assert 0 <= found.p_value <= 1
