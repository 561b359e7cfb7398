"""The day is taken off a series that it explains."""

from __future__ import annotations

import numpy as np

from agent.analysis.anomalies import departures
from agent.analysis.daily import without_days
from agent.analysis.excursions import Floats

STEP_S = 600
A_DAY = 86_400 // STEP_S


def days(number: int, seed: int = 0) -> tuple[Floats, Floats]:
    """A day and night curve with noise, and the clock; the last two hours are the trouble."""
    clock = np.arange(number * A_DAY) * float(STEP_S)
    random = np.random.default_rng(seed)
    curve = 50.0 + 30.0 * np.sin(clock / 86_400 * 2 * np.pi)
    return np.asarray(curve + random.normal(size=(40, clock.size))), np.asarray(clock, np.float64)


def surprise(values: Floats, clock: Floats) -> Floats:
    calm = np.arange(clock.size) < clock.size - 12
    left = without_days(values, calm, clock)
    return departures(left, calm, slice(clock.size - 12, clock.size)).surprise


def test_a_dip_at_the_top_of_the_day_is_told_though_nights_are_lower() -> None:
    values, clock = days(5)
    at = np.arange(clock.size) >= clock.size - 8
    calm = np.arange(clock.size) < clock.size - 12
    values[:, at] += 12.0
    plain = departures(values, calm, slice(clock.size - 12, clock.size)).surprise
    assert np.median(surprise(values, clock)) > np.median(plain) + 3
    assert np.median(surprise(values, clock)) > 7.0


def test_the_usual_course_of_a_day_is_no_surprise() -> None:
    values, clock = days(4)
    assert np.mean(surprise(values, clock) > 4.0) <= 0.05


def test_a_series_without_days_stays_as_it_is() -> None:
    _, clock = days(4)
    values = np.random.default_rng(1).normal(size=(5, clock.size))
    calm = np.ones(clock.size, dtype=np.bool_)
    np.testing.assert_array_equal(without_days(values, calm, clock), values)


def test_one_day_tells_no_day() -> None:
    values, clock = days(1)
    calm = np.ones(clock.size, dtype=np.bool_)
    assert without_days(values, calm, clock) is values


def test_the_last_digit_of_a_constant_surprises_as_little_as_without_days() -> None:
    _, clock = days(4)
    values = np.full((1, clock.size), 16e9)
    values[:, -3:] += 1.0
    assert surprise(values, clock)[0] == 0.0


def test_a_day_that_is_taken_off_leaves_a_series_at_its_own_level() -> None:
    values, clock = days(4)
    calm = np.ones(clock.size, dtype=np.bool_)
    left = without_days(values + 1000.0, calm, clock)
    assert left.std() < values.std() / 2
    np.testing.assert_allclose(np.median(left, axis=1), 1000.0 + np.median(values), atol=2.0)


def test_what_is_first_heard_in_the_trouble_is_told_whatever_the_day() -> None:
    values, clock = days(4)
    values[0, :-6] = np.nan
    assert surprise(values, clock)[0] > 3.0


def test_no_day_is_told_by_itself() -> None:
    _, clock = days(2)
    values = 50.0 + 30.0 * np.sin(clock / 86_400 * 2 * np.pi)[None, :]
    values[:, A_DAY:] += 12.0
    left = without_days(values, np.ones(clock.size, dtype=np.bool_), clock)
    apart = left[:, A_DAY:] - left[:, :A_DAY]  # either is 12 from the other
    np.testing.assert_allclose(apart, 24.0)


def test_one_outlier_of_a_constant_is_no_day() -> None:
    _, clock = days(2)
    values = np.full((1, clock.size), 7.0)
    values[:, 100:112] = 70.0
    calm = np.ones(clock.size, dtype=np.bool_)
    np.testing.assert_array_equal(without_days(values, calm, clock), values)
