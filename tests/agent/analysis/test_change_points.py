import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agent.analysis.change_points import Shifts, shifts
from agent.analysis.excursions import Floats

ALPHA = 0.01


def noise(kind: str, series: int, buckets: int, seed: int) -> Floats:
    random = np.random.default_rng(seed)
    size = (series, buckets)
    if kind == "student":
        return random.standard_t(3, size)
    if kind == "lognormal":
        return random.lognormal(size=size)
    if kind == "counts":
        return random.poisson(0.5, size).astype(np.float64)
    values = random.normal(size=size)
    if kind == "correlated":
        for at in range(1, buckets):
            values[:, at] = 0.5 * values[:, at - 1] + np.sqrt(0.75) * values[:, at]
    return values


def step(start: int, end: int, height: float, *, kind: str = "white", buckets: int = 240) -> Floats:
    values = noise(kind, 60, buckets, seed=start)
    values[:, start:end] += height
    return values


def one(*values: float) -> Shifts:
    return shifts(np.array([values]), adjust="none")


@pytest.mark.parametrize("buckets", [60, 240])
@pytest.mark.parametrize("kind", ["white", "correlated", "student", "lognormal", "counts"])
def test_noise_raises_no_more_false_alarms_than_promised(kind: str, buckets: int) -> None:
    values = noise(kind, 2000, buckets, seed=buckets)
    anything = shifts(values, alpha=ALPHA, min_effect=0.0, adjust="none")
    worth_saying = shifts(values, alpha=ALPHA, adjust="none")
    assert np.mean(anything.p_value <= ALPHA) <= 2 * ALPHA
    assert np.mean(worth_saying.significant) <= ALPHA / 2
    assert not shifts(values, alpha=ALPHA).significant.any()


@pytest.mark.parametrize(
    ("start", "end", "height", "kind"),
    [
        (168, 240, 6.0, "white"),
        (72, 240, -6.0, "white"),
        (72, 192, 6.0, "correlated"),
        (120, 132, 8.0, "white"),
        (120, 124, 12.0, "white"),
        (168, 240, 8.0, "correlated"),
    ],
)
def test_a_step_is_found_where_it_starts_and_ends(
    start: int, end: int, height: float, kind: str
) -> None:
    found = shifts(step(start, end, height, kind=kind))
    assert found.significant.mean() > 0.9
    seen = found.significant
    assert np.mean(np.abs(found.start[seen] - start) <= 1) > 0.9
    assert np.mean(np.abs(found.end[seen] - end) <= 1) > 0.9
    assert np.median(found.effect[seen]) == pytest.approx(height, rel=0.2)
    assert np.median(found.during[seen] - found.before[seen]) == pytest.approx(height, rel=0.2)


@pytest.mark.parametrize(("slope", "within"), [(1.0, 3), (3.0, 2)])
def test_a_ramp_is_found_soon_after_it_leaves_the_band(slope: float, within: int) -> None:
    values = noise("white", 100, 240, seed=7)
    values[:, 150:] += slope * np.arange(1, 91)
    found = shifts(values)
    assert found.significant.all()
    assert np.mean(np.abs(found.start - 150) <= within) > 0.9
    assert (found.end == 240).all()


def test_a_blip_of_two_buckets_is_found_in_a_quiet_series() -> None:
    found = shifts(step(120, 122, 60.0), adjust="none")
    assert found.significant.mean() > 0.9
    assert np.all(np.abs(found.start[found.significant] - 120) <= 1)
    assert np.all(np.abs(found.end[found.significant] - 122) <= 1)


def test_a_single_spike_is_no_shift() -> None:
    assert not shifts(step(120, 121, 500.0), adjust="none").significant.any()


def test_a_series_that_comes_back_twice_starts_at_its_first_deviation() -> None:
    values = noise("white", 50, 120, seed=1)
    for start in (80, 95, 110):
        values[:, start : start + 8] += 12.0
    found = shifts(values)
    assert np.mean(np.abs(found.start - 80) <= 1) > 0.9


def test_a_short_beginning_is_the_deviation_and_a_long_one_the_baseline() -> None:
    warm_up, fault = step(0, 20, 10.0), step(100, 240, 10.0)
    assert set(shifts(warm_up).start) == {0}
    assert np.all(np.abs(shifts(warm_up).end - 20) <= 1)
    assert np.all(np.abs(shifts(fault).start - 100) <= 1)


def test_the_known_baseline_decides_which_side_deviates() -> None:
    values = step(20, 240, 10.0)
    assert (shifts(values).start == 0).all()
    told = shifts(values, baseline=20)
    assert np.mean(np.abs(told.start - 20) <= 1) > 0.9
    assert (told.end[told.significant] == 240).all()
    assert (told.effect[told.significant] > 0).all()


def test_constant_series_do_not_shift_nor_do_those_that_differ_in_the_last_digit() -> None:
    late = np.arange(60) >= 40
    rows = np.array([np.full(60, 512.0), np.zeros(60), 0.1 + late * 1e-17, 0.3 + late * 6e-17])
    found = shifts(rows, adjust="none")
    assert not found.significant.any()
    assert np.abs(found.effect).max() < 1e-6


def test_a_drift_of_a_thousandth_of_the_level_is_no_deviation() -> None:
    values = 100.0 + 1e-4 * noise("white", 5, 200, seed=2)
    values[:, 100:] += 0.1
    found = shifts(values, adjust="none")
    assert (found.p_value < 1e-6).all()
    assert not found.significant.any()


def test_always_zero_that_becomes_one_is_a_shift_of_finite_effect() -> None:
    found = one(*[0.0] * 50, *[1.0] * 10)
    assert (found.start[0], found.end[0]) == (50, 60)
    assert (found.before[0], found.during[0]) == (0.0, 1.0)
    assert 4.0 < found.effect[0] <= 1000.0


def test_a_gauge_that_falls_from_one_to_zero_is_a_shift() -> None:
    found = one(*[1.0] * 50, *[0.0] * 10)
    assert found.start[0] == 50
    assert found.effect[0] < -4.0


@pytest.mark.parametrize("missing", [0.3, 0.6])
def test_missing_buckets_do_not_hide_a_step(missing: float) -> None:
    values = step(168, 240, 8.0)
    values[np.random.default_rng(5).random(values.shape) < missing] = np.nan
    found = shifts(values)
    assert found.significant.mean() > 0.9
    assert np.mean(np.abs(found.start - 168) <= 4) > 0.9


def test_infinite_values_are_missing() -> None:
    values = step(168, 240, 8.0)
    broken, gappy = values.copy(), values.copy()
    broken[:, 5], gappy[:, 5] = np.inf, np.nan
    np.testing.assert_equal(shifts(broken).p_value, shifts(gappy).p_value)


def test_a_series_that_ends_is_no_shift() -> None:
    values = noise("white", 50, 120, seed=3)
    values[:, 80:] = np.nan
    assert not shifts(values, adjust="none").significant.any()


@pytest.mark.parametrize("finite", [0, 1, 7])
def test_too_few_finite_buckets_are_not_assessable(finite: int) -> None:
    values = np.full((1, 60), np.nan)
    values[:, :finite] = 1.0
    found = shifts(values)
    assert np.isnan(found.p_value[0])
    assert not found.significant[0]
    assert found.start[0] == -1


@pytest.mark.parametrize("shape", [(0, 60), (3, 0), (3, 1), (3, 7)])
def test_empty_and_short_input_is_answered(shape: tuple[int, int]) -> None:
    found = shifts(np.zeros(shape))
    assert found.start.shape == found.p_value.shape == (shape[0],)
    assert np.isnan(found.p_value).all()


def test_waves_and_random_walks_are_no_shifts() -> None:
    random = np.random.default_rng(4)
    wave = 10.0 * np.sin(np.linspace(0, 8 * np.pi, 480)) + random.normal(size=(50, 480))
    walk = np.cumsum(random.normal(size=(500, 480)), axis=1)
    assert not shifts(wave, adjust="none").significant.any()
    assert shifts(walk, adjust="none").significant.mean() <= 2 * ALPHA


def test_the_order_of_series_does_not_matter() -> None:
    values = np.concatenate([step(168, 240, 8.0), noise("student", 300, 240, seed=6)])
    order = np.random.default_rng(0).permutation(len(values))
    straight, mixed = shifts(values), shifts(values[order])
    for name in Shifts.__slots__:
        np.testing.assert_array_equal(getattr(straight, name)[order], getattr(mixed, name))


def test_asking_many_series_at_once_is_paid_for() -> None:
    values = np.concatenate([step(120, 123, 7.0), noise("white", 3000, 240, seed=8)])
    alone, among = shifts(values, adjust="none"), shifts(values)
    assert among.significant.sum() < alone.significant.sum()
    assert not among.significant[60:].any()


def test_a_table_of_the_wrong_shape_or_a_baseline_outside_it_is_refused() -> None:
    with pytest.raises(ValueError, match="1 dimensions; expected"):
        shifts(np.zeros(60))
    with pytest.raises(ValueError, match="baseline is 60 buckets; expected 1 to 59"):
        shifts(np.zeros((1, 60)), baseline=60)


@settings(deadline=None, max_examples=150)
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 3), st.integers(8, 24)),
        elements=st.one_of(
            st.floats(-1e9, 1e9), st.sampled_from([0.0, 1.0, 1.0, np.nan, np.inf, 1e-15])
        ),
    ),
    st.sampled_from([None, 4]),
)
def test_whatever_comes_in_what_goes_out_makes_sense(values: Floats, baseline: int | None) -> None:
    found = shifts(values, adjust="none", baseline=baseline, min_effect=1.0)
    known = ~np.isnan(found.p_value)
    assert ((found.p_value[known] >= 0) & (found.p_value[known] <= 1)).all()
    assert np.isfinite(found.effect).all()
    some = found.significant
    assert (found.start[some] >= (baseline or 0)).all()
    assert (found.end[some] - found.start[some] >= 2).all()
    assert (found.end <= values.shape[1]).all()
    assert (found.start[~some] == -1).all()
    assert (found.end[~some] == -1).all()


def test_a_level_that_ramps_off_a_constant_holds_and_falls_back_is_found() -> None:
    held = [0.0] * 33 + [1.0, 3.0, 6.0, 7.0, 9.0] + [10.0] * 20 + [0.0] * 17
    climbing = [0.0] * 33 + [5.0 * n for n in range(1, 26)] + [0.0] * 17
    found = shifts(np.array([held, climbing]))
    assert found.significant.all()
    assert found.start.tolist() == [33, 33]
    assert found.end.tolist() == [58, 58]


def test_a_series_with_nothing_beside_its_segment_is_measured_without_a_fault() -> None:
    nan = float("nan")
    few = [0.0, 0.067, 0.067, 0.1, 0.033, 0.067, 0.067, 0.0]
    assert not one(*[nan] * 45, *few, *[nan] * 8).significant.any()
