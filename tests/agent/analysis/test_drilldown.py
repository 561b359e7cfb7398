"""Drill-down finds what was planted, no more of it than it needs, and nothing where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator

from agent.analysis.drilldown import Cells, Combination, carriers, is_risen

ITEMS = 12


@dataclass(frozen=True)
class Planted:
    """Requests that have all of `items` turn bad with `chance`."""

    items: tuple[int, ...]
    chance: float = 0.8


def drawn(random: Generator, requests: int) -> np.ndarray:
    """Requests by twelve independent items, each had by a half to a fifth of them."""
    return random.random((requests, ITEMS)) < np.linspace(0.5, 0.2, ITEMS)


def counted(has: np.ndarray, bad: np.ndarray, calm: np.ndarray, calm_bad: np.ndarray) -> Cells:
    """The cells of requests in trouble and of others in calm time."""
    both = np.concatenate([has, calm])
    kinds, which = np.unique(both, axis=0, return_inverse=True)
    which = which.ravel()

    def count(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.bincount(rows, weights=weights, minlength=len(kinds)).astype(np.float64)

    trouble, before = which[: len(has)], which[len(has) :]
    return Cells(
        kinds.astype(np.bool_),
        count(trouble, np.ones(len(has))),
        count(trouble, bad),
        count(before, np.ones(len(calm))),
        count(before, calm_bad),
    )


def world(
    seed: int,
    *planted: Planted,
    requests: int = 4000,
    noise: float = 0.005,
    twins: Sequence[tuple[int, int, float]] = (),
) -> Cells:
    """Requests in which the planted turn bad; of twins (a, b, p), b is as a with chance p."""
    random = np.random.default_rng(seed)
    has, calm = drawn(random, requests), drawn(random, requests)
    for one, other, chance in twins:
        for side in (has, calm):
            told = random.random(len(side)) < chance
            side[:, other] = np.where(told, side[:, one], side[:, other])
    bad = random.random(requests) < noise
    for plant in planted:
        bad |= has[:, plant.items].all(axis=1) & (random.random(requests) < plant.chance)
    return counted(has, bad, calm, random.random(requests) < noise)


def items(found: Sequence[Combination]) -> list[tuple[int, ...]]:
    return [one.items for one in found]


def some(most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, ITEMS - 1), min_size=most, max_size=most, unique=True)


@pytest.mark.parametrize("size", [1, 2, 3])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_what_was_planted_is_found_with_no_attribute_too_many_or_too_few(
    size: int, data: st.DataObject
) -> None:
    truth = tuple(sorted(data.draw(some(size))))
    cells = world(data.draw(st.integers(0, 10**6)), Planted(truth), requests=20_000)
    found = carriers(cells)
    assert items(found) == [truth]
    assert found[0].share > 0.9
    assert found[0].inside > 0.7
    assert found[0].outside < 0.05


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), rate=st.floats(0.02, 0.98))
def test_where_all_requests_fare_alike_nothing_is_named(seed: int, rate: float) -> None:
    random = np.random.default_rng(seed)
    has, calm = drawn(random, 3000), drawn(random, 3000)
    bad, before = random.random(3000) < rate, random.random(3000) < 0.01
    assert carriers(counted(has, bad, calm, before)) == []


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), likeness=st.floats(0.5, 0.95))
def test_what_only_goes_with_the_guilty_is_not_named(seed: int, likeness: float) -> None:
    """A decoy is had by most of those that have the guilty item, and by few others."""
    cells = world(seed, Planted((3,)), twins=[(3, 7, likeness)], requests=8000)
    assert items(carriers(cells)) == [(3,)]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_two_faults_at_once_are_both_named(seed: int) -> None:
    cells = world(seed, Planted((5,)), Planted((9,)), requests=8000)
    assert sorted(items(carriers(cells))) == [(5,), (9,)]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), usual=st.floats(0.05, 0.5))
def test_what_was_bad_before_carries_nothing_of_the_excess(seed: int, usual: float) -> None:
    """A caller who always fails goes on failing while all others begin to."""
    random = np.random.default_rng(seed)
    has, calm = drawn(random, 6000), drawn(random, 6000)
    noisy, noisy_before = (
        has[:, 8] & (random.random(6000) < usual),
        calm[:, 8] & (random.random(6000) < usual),
    )
    bad = noisy | (random.random(6000) < 0.1)
    assert carriers(counted(has, bad, calm, noisy_before)) == []


def test_a_combination_is_named_by_its_rates_and_its_share_of_the_excess() -> None:
    has = np.array([[True], [False]])
    cells = Cells(has, *(np.array(x) for x in ([50.0, 950], [40.0, 20], [50.0, 950], [0.0, 10])))
    (found,) = carriers(cells)
    assert (found.requests, found.bad, found.inside) == (50, 40, 0.8)
    assert found.outside == pytest.approx(20 / 950)
    assert found.share == pytest.approx(0.8, abs=0.02)
    assert found.p_value < 1e-20


def test_without_calm_time_what_fails_beside_what_does_not_is_still_told() -> None:
    cells = world(5, Planted((4, 6)), requests=8000)
    nothing = np.zeros_like(cells.calm_bad)
    alone = Cells(cells.has, cells.requests, cells.bad, nothing, nothing)
    assert items(carriers(alone)) == [(4, 6)]


@pytest.mark.parametrize("bad", [0.0, 7.0])
def test_a_handful_of_bad_requests_is_not_asked_what_it_shares(bad: float) -> None:
    cells = Cells(
        np.array([[True], [False]]),
        np.array([10.0, 990.0]),
        np.array([bad, 0.0]),
        np.array([10.0, 990.0]),
        np.zeros(2),
    )
    assert not is_risen(cells)
    assert carriers(cells) == []


def test_no_attributes_and_no_requests_give_nothing() -> None:
    none = np.zeros(0)
    assert carriers(Cells(np.zeros((0, 0), dtype=np.bool_), none, none, none, none)) == []
    one = np.ones(1)
    bare = Cells(np.zeros((1, 0), dtype=np.bool_), 100 * one, 50 * one, 100 * one, one)
    assert carriers(bare) == []
