"""How much a service's record of trouble after changes says, beside others' and beside chance."""

from __future__ import annotations

import numpy as np
import pytest

from agent.analysis.track_record import MOST, leanings

MANY = 30  # services


def a_service(changes: int, followed: int, chance: float = 0.0) -> float:
    """What is said of it among services of 50 changes each, of which one in five is as flaky."""
    others = [10.0 if number % 5 == 0 else 0.0 for number in range(MANY)]
    n, k = [changes, *[50] * MANY], [followed, *others]
    return float(leanings(n, k, [chance, *[0.0] * MANY])[0])


def test_a_flaky_service_speaks_for_its_change_and_a_reliable_one_against_it() -> None:
    assert a_service(50, 10) == MOST
    assert a_service(50, 0) == -MOST
    assert a_service(0, 0) == pytest.approx(0.0)


def test_few_changes_say_less_than_many_at_the_same_rate() -> None:
    assert -MOST <= a_service(50, 0) < a_service(10, 0) < a_service(1, 0) < 0.0
    assert 0.0 < a_service(3, 1) < a_service(30, 10)


def test_trouble_that_comes_as_often_without_changes_says_nothing_of_them() -> None:
    noisy = a_service(50, 45, chance=0.9)
    assert abs(noisy) < 0.1
    assert a_service(50, 45, chance=0.1) == MOST


def test_where_services_differ_by_chance_alone_the_record_of_one_says_next_to_nothing() -> None:
    random = np.random.default_rng(7)
    n = random.integers(20, 400, size=80)
    said = leanings(n, random.binomial(n, 0.01), np.zeros(80))
    naive = np.log((random.binomial(n, 0.01) + 0.1) / (n * 0.01 + 0.1))
    assert np.abs(said).mean() < 0.2 < np.abs(naive).mean() / 2


def test_a_history_without_trouble_says_nothing() -> None:
    assert leanings([40, 3], [0, 0], [0.0, 0.0]) == pytest.approx([0.0, 0.0])
