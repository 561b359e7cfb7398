"""Instances beside their siblings: what differs with a change, and what differs anyhow."""

from __future__ import annotations

import numpy as np
import pytest

from agent.analysis.siblings import Siblings, beside_siblings

BUCKETS, CAME = 30, 15


def compared(
    new: float = 0.0, *, old: int = 4, fresh: int = 1, noise: float = 0.2, seed: int = 1
) -> Siblings:
    """One series of `old` instances at 10 and, from bucket 15 on, `fresh` ones at 10 and `new`."""
    random = np.random.default_rng(seed)
    values = 10.0 + noise * random.normal(size=(1, old + fresh, BUCKETS))
    values[0, old:, CAME:] += new
    values[0, old:, :CAME] = np.nan
    return trial(values, old)


def trial(values: np.ndarray, old: int) -> Siblings:
    bucket = np.arange(BUCKETS)
    has_it = np.zeros(values.shape[1:], dtype=np.bool_)
    has_it[old:] = bucket >= CAME
    without = np.zeros_like(has_it)
    without[:old] = bucket >= CAME
    return beside_siblings(values, has_it, without, bucket < CAME)


def test_new_instances_that_are_far_from_all_others_differ() -> None:
    found = compared(new=40.0)
    assert found.p_value[0] < 1e-4
    assert found.new[0] == pytest.approx(50.0, abs=1.0)
    assert found.buckets[0] == BUCKETS - CAME


def test_new_instances_like_the_others_do_not_differ() -> None:
    assert np.mean([compared(seed=seed).p_value[0] < 0.01 for seed in range(200)]) <= 0.02


def test_where_instances_differ_anyhow_one_more_is_nothing() -> None:
    values = np.full((1, 5, BUCKETS), 10.0) * np.array([1.0, 3.0, 6.0, 2.0, 7.0])[:, None]
    values[0, 4, :CAME] = np.nan
    assert trial(values, old=4).p_value[0] > 0.05


def test_of_two_new_instances_one_that_is_ill_alone_has_another_reason() -> None:
    alone, both = (
        np.full((1, 6, BUCKETS), 10.0) + np.random.default_rng(2).normal(size=(1, 6, BUCKETS))
        for _ in range(2)
    )
    alone[0, 4, CAME:] += 12.0
    both[0, 4:, CAME:] += 12.0
    assert trial(alone, old=4).p_value[0] > 0.01
    assert trial(both, old=4).p_value[0] < 0.001


def test_a_hair_between_constant_series_is_no_difference() -> None:
    values = np.full((1, 5, BUCKETS), 10.0)
    values[0, 4] += 0.1
    assert trial(values, old=4).p_value[0] > 0.5


def test_an_instance_that_never_reports_beside_others_that_do_is_silent() -> None:
    values = np.full((1, 5, BUCKETS), 10.0)
    values[0, 4] = np.nan
    assert trial(values, old=4).silent[0] == BUCKETS - CAME
    assert np.isnan(trial(values, old=4).p_value[0])


def test_where_the_others_seldom_report_silence_says_nothing() -> None:
    values = np.full((1, 5, BUCKETS), np.nan)
    values[0, :4, ::7] = 10.0
    assert trial(values, old=4).silent[0] == 0


def test_nothing_at_all_is_no_comparison_and_no_warning() -> None:
    found = trial(np.full((2, 5, BUCKETS), np.nan), old=4)
    assert np.isnan(found.p_value).all()
    assert (found.buckets == 0).all()


def test_one_old_and_one_new_instance_have_no_measure_of_chance() -> None:
    values = np.full((1, 2, BUCKETS), 10.0)
    values[0, 1, :CAME] = np.nan
    assert np.isnan(trial(values, old=1).p_value[0])
