"""How surprising a stretch of trouble is beside a series' own calm time."""

from __future__ import annotations

import numpy as np
import pytest

from agent.analysis.anomalies import Departures, departures
from agent.analysis.excursions import Floats, Ints

BUCKETS, ONSET = 240, 200


def noise(kind: str, series: int = 400, buckets: int = BUCKETS, seed: int = 0) -> Floats:
    random = np.random.default_rng(seed)
    size = (series, buckets)
    if kind == "lognormal":
        return random.lognormal(size=size)
    if kind == "student":
        return random.standard_t(3, size)
    if kind == "counts":
        return random.poisson(0.5, size).astype(np.float64)
    if kind == "walk":
        return np.cumsum(random.normal(size=size), axis=1)
    if kind == "climb":
        return 0.2 * np.arange(buckets) + random.normal(size=size)
    if kind == "wave":
        phase = random.uniform(0, 2 * np.pi, (series, 1))
        return 5 * np.sin(np.arange(buckets) / 5 + phase) + random.normal(size=size)
    return random.normal(size=size)


def asked(values: Floats, onset: int = ONSET) -> Departures:
    return departures(values, np.arange(values.shape[1]) < onset, slice(onset, values.shape[1]))


def one(*values: float, onset: int) -> Departures:
    return asked(np.array([values]), onset)


@pytest.mark.parametrize("buckets", [40, 240])
@pytest.mark.parametrize(
    "kind", ["white", "student", "lognormal", "counts", "walk", "climb", "wave"]
)
def test_noise_surprises_no_more_often_than_its_nats_say(kind: str, buckets: int) -> None:
    surprise = asked(noise(kind, 2000, buckets), buckets * 5 // 6).surprise
    for nats in (2.0, 4.0):
        assert np.mean(surprise > nats) <= 3 * np.exp(-nats)


@pytest.mark.parametrize("kind", ["white", "student", "counts"])
def test_a_step_surprises_and_is_found_where_it_begins(kind: str) -> None:
    values = noise(kind)
    values[:, 215:] += 10.0
    found = asked(values)
    assert np.median(found.surprise) > 7.0
    assert np.mean(np.abs(found.start - 215) <= 1) > 0.9
    assert np.mean(found.end == BUCKETS) > 0.7
    assert np.median(found.during - found.before) == pytest.approx(10, abs=0.5)
    assert np.mean(found.kind == "trend") < 0.1
    assert (found.effect[found.surprise > 5] > 0).all()


def test_a_short_excursion_that_ends_is_bounded_on_both_sides() -> None:
    values = noise("white")
    values[:, 210:216] -= 15.0
    found = asked(values)
    assert np.median(found.surprise) > 7.0
    assert np.mean((np.abs(found.start - 210) <= 1) & (np.abs(found.end - 216) <= 1)) > 0.9
    assert np.median(found.effect) < -4.0


def test_what_begins_to_climb_is_a_trend_and_what_goes_on_climbing_is_none() -> None:
    begins, goes_on = noise("white"), noise("climb")
    begins[:, ONSET:] += 0.5 * np.arange(1, BUCKETS - ONSET + 1)
    found = asked(begins)
    assert np.median(found.surprise) > 7.0
    assert np.mean(found.kind == "trend") > 0.5
    assert np.quantile(asked(goes_on).surprise, 0.95) < 3.0


def test_what_trembles_is_told_though_its_level_stays() -> None:
    values = noise("white")
    values[:, ONSET:] = 0.1 * values[:, ONSET:] + np.where(
        np.arange(BUCKETS - ONSET) % 2, 2.0, -2.0
    )
    found = asked(values)
    assert np.mean(found.kind == "variance") > 0.5
    assert np.median(found.surprise) > 3.0


def test_what_stands_still_is_told() -> None:
    values = noise("white")
    values[:, ONSET:] = values[:, ONSET : ONSET + 1]
    found = asked(values)
    assert np.median(found.surprise) > 4.0
    assert np.mean(found.kind == "variance") > 0.7


def test_less_calm_time_makes_less_certain() -> None:
    long, short = noise("white"), noise("white", buckets=60)
    long[:, -20:] += 12.0
    short[:, -20:] += 12.0
    assert np.median(asked(short, 40).surprise) < np.median(asked(long, 220).surprise) - 2


def test_a_minority_of_calm_time_in_trouble_hides_no_greater_trouble() -> None:
    values = noise("white")
    values[:, 50:55] += 10.0
    values[:, 220:] += 40.0
    assert np.median(asked(values).surprise) > 5.0


def test_the_same_as_in_calm_time_is_no_surprise() -> None:
    values = noise("white")
    for at in range(10, 240, 40):
        values[:, at : at + 4] += 20.0
    assert np.median(asked(values).surprise) < 3.0


def test_a_constant_that_breaks_surprises_by_how_long_it_held_and_not_beyond_bounds() -> None:
    short = one(*[0.0] * 20, 0.0, 7.0, 7.0, onset=20)
    long = one(*[0.0] * 500, 0.0, 7.0, 7.0, onset=500)
    assert 1.0 < short.surprise[0] < long.surprise[0] < 10.0
    assert (long.start[0], long.end[0]) == (501, 503)
    assert (long.before[0], long.during[0]) == (0.0, 7.0)


def test_a_constant_that_breaks_farther_surprises_more() -> None:
    little, much = (one(*[100.0] * 200, *[x] * 5, onset=200).surprise[0] for x in (99.0, 20.0))
    assert little < much


def breaking(kinds: list[float], n: int, buckets: int) -> tuple[Floats, Ints]:
    """1000 series a kind that leave 100 by chances Beta(kind, 1 - kind), and their groups."""
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(len(kinds)), 1000)
    kind = np.array(kinds)[groups]
    breaks = random.random((groups.size, n + buckets)) < random.beta(kind, 1.0 - kind)[:, None]
    return np.where(breaks, 60.0, 100.0), groups


@pytest.mark.parametrize(("calm", "trouble"), [(30, 6), (100, 10), (600, 20)])
def test_constants_break_no_more_often_than_their_nats_say(calm: int, trouble: int) -> None:
    values, groups = breaking([0.03] * 10 + [0.1] * 10 + [0.4] * 10, calm, trouble)
    known = np.arange(calm + trouble) < calm
    found = departures(values, known, slice(calm, calm + trouble), groups)
    surprise = found.surprise[found.kind == "constant"]
    for nats in (2.0, 4.0, 6.0):
        assert np.mean(surprise > nats) <= 3 * np.exp(-nats)


def test_a_constant_whose_siblings_hold_surprises_more_when_it_breaks() -> None:
    values, groups = breaking([0.03, 0.4], 200, 10)
    values[[0, 1000], :200] = 100.0
    values[[0, 1000], 200:] = 97.0
    found = departures(values, np.arange(210) < 200, slice(200, 210), groups)
    assert found.surprise[0] > found.surprise[1000] + 2


def test_differences_in_the_last_digits_are_none() -> None:
    values = np.where(np.arange(120) % 2, 0.0048, 0.004799999999999999)[None, :].repeat(2, axis=0)
    values[1, 100:] = 0.0048000000000000013
    assert (asked(values, 100).surprise == 0.0).all()


def test_silence_is_told_where_others_go_on_and_not_where_all_fall_silent() -> None:
    values = noise("white", series=3)
    values[0, 210:] = np.nan
    found = asked(values)
    assert (found.kind[0], found.start[0]) == ("missing", 210)
    assert found.surprise[0] > 1.0
    values[:, 210:] = np.nan
    assert not (asked(values).kind == "missing").any()


def test_a_series_that_first_speaks_is_told() -> None:
    values = noise("white", series=3)
    values[0, :215] = np.nan
    found = asked(values)
    assert (found.kind[0], found.start[0]) == ("appeared", 215)
    assert found.surprise[0] > 1.0


def test_gaps_that_calm_time_has_too_are_no_silence() -> None:
    values = noise("white", series=50)
    values[np.random.default_rng(1).random(values.shape) < 0.3] = np.nan
    assert np.mean(asked(values).surprise > 4.0) <= 0.05


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("buckets", [1, 2, 5, 9])
@pytest.mark.parametrize("trouble", [0, 1, 3])
def test_few_buckets_are_answered_without_a_warning(buckets: int, trouble: int) -> None:
    for values in (
        noise("white", 4, buckets),
        np.zeros((3, buckets)),
        np.full((2, buckets), np.nan),
        np.full((2, buckets), np.inf),
        np.where(np.arange(buckets) % 2, 1e308, -1e308)[None, :],
    ):
        found = asked(values, max(0, buckets - trouble))
        assert np.isfinite(found.surprise).all()
        assert ((found.surprise >= 0.0) & (found.surprise <= 30.0)).all()


def test_without_calm_time_nothing_surprises() -> None:
    found = departures(noise("white"), np.zeros(BUCKETS, dtype=np.bool_), slice(0, BUCKETS))
    assert not found.surprise.any()
    assert (found.start == -1).all()


def test_no_series_are_no_departures() -> None:
    assert asked(np.zeros((0, 60)), 50).surprise.size == 0


def test_the_order_of_series_does_not_matter() -> None:
    values = np.concatenate([noise("student", seed=3), noise("walk", seed=4)])
    order = np.random.default_rng(0).permutation(len(values))
    np.testing.assert_allclose(asked(values).surprise[order], asked(values[order]).surprise)


@pytest.mark.parametrize("trouble", [10, 60, 480])
def test_where_nothing_was_heard_in_calm_time_nobody_speaks_for_the_first_time(
    trouble: int,
) -> None:
    values = noise("white", 5, 40 + trouble)
    values[:, :40] = np.nan
    assert not asked(values, 40).surprise.any()
