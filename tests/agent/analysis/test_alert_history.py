"""Which resource's alerts surprise, beside the occasions on which any alert fired."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from agent.analysis.alert_history import MOST_NATS, History, Surprises, joined, surprises

NOISY, CAUSE, VICTIM = 0, 1, 2  # owners


def judged(occasions: list[set[int]], owner: list[int], kind: list[int] | None = None) -> Surprises:
    """Each occasion as the alerts that fired on it, by their number; the present is the last."""
    fired = np.zeros((len(occasions), len(owner)), dtype=np.bool_)
    for row, on in zip(fired, occasions, strict=True):
        row[list(on)] = True
    return surprises(History(fired, np.array(owner), np.array(kind or [0] * len(owner))))


def test_one_rare_alert_surprises_more_than_many_that_fire_at_every_turn() -> None:
    past = [{0, 1, 2}] * 20 + [{0, 3}] * 1
    found = judged([*past, {0, 1, 2, 3}], [NOISY, NOISY, NOISY, CAUSE])
    assert found.owner[CAUSE] > 1.5 > 0.5 > found.owner[NOISY]


def test_an_alert_that_follows_from_another_resources_is_explained_by_it() -> None:
    past = [{0}] * 40 + [{1, 2}] * 10
    together = judged([*past, {1, 2}], [NOISY, CAUSE, VICTIM])
    alone = judged([*past, {2}], [NOISY, CAUSE, VICTIM])
    assert min(together.alert[1:]) < alone.alert[2] / 4


def test_alerts_that_always_come_together_say_little_more_than_one_of_them() -> None:
    past = [{0}] * 300 + [{1, 2, 3}] * 10
    found = judged([*past, {1, 2, 3}], [NOISY, CAUSE, CAUSE, CAUSE])
    said = np.sort(found.alert[1:])
    assert said[:2].sum() < said[2] / 4


def test_kinds_of_alerts_of_one_resource_bear_each_other_out() -> None:
    past = [{0, 1}] * 30 + [{2, 3}] * 3
    one_kind = judged([*past, {2, 3}], [NOISY, NOISY, CAUSE, CAUSE], [0, 1, 0, 0])
    two_kinds = judged([*past, {2, 3}], [NOISY, NOISY, CAUSE, CAUSE], [0, 1, 0, 1])
    assert two_kinds.alert[2:].min() > 2 > one_kind.alert[2:].min()


@pytest.mark.parametrize("occasions", [0, 1, 3])
def test_without_much_of_a_past_nothing_is_sure(occasions: int) -> None:
    found = judged([*[{0}] * occasions, {1, 2, 3}], [NOISY, CAUSE, CAUSE, VICTIM])
    assert 0 < found.owner.max() <= occasions + 1


def test_a_storm_of_alerts_never_says_more_than_the_most() -> None:
    past = [{n % 40} for n in range(400)]
    found = judged([*past, set(range(40, 840))], [NOISY] * 40 + [CAUSE] * 800)
    assert found.owner[CAUSE] <= MOST_NATS
    assert np.isfinite(found.alert).all()


def test_memory_grows_with_the_alerts_and_not_with_their_pairs() -> None:
    """Dense, the pairs of 6,000 alerts are 144 MB in single precision and 288 in double."""
    fired = np.random.default_rng(0).random((50, 6000)) < 0.01
    history = History(fired, np.arange(6000) % 20, np.zeros(6000, dtype=np.int64))
    tracemalloc.start()
    surprises(history)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10_000_000


def test_no_alerts_surprise_nobody() -> None:
    found = judged([{0}, {0}, set()], [NOISY, CAUSE])
    assert found.owner.tolist() == [0.0, 0.0]


def test_joined_surprises_are_the_chance_that_so_many_are_as_large_together() -> None:
    draws = np.random.default_rng(0).exponential(size=(200_000, 3)).sum(axis=1)
    assert joined(6.0, 3) == pytest.approx(-np.log(np.mean(draws >= 6.0)), abs=0.05)
    assert joined(6.0, 1) == 6.0
    assert joined(0.0, 3) == 0.0
