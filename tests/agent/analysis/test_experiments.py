import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.analysis.experiments import (
    Trial,
    before_against_after,
    difference_in_differences,
    failures_old_against_new,
    old_against_new,
    poisson_rates,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

TRIALS = 400


def rollout(random: np.random.Generator, requests: int = 600) -> tuple[Bools, Ints]:
    """Which requests the new version served, ever more of them, over thirty buckets."""
    bucket = random.integers(0, 30, requests)
    return random.random(requests) < 0.1 + 0.02 * bucket, bucket


def correlated(random: np.random.Generator, buckets: int) -> Floats:
    values = random.normal(size=buckets + 20)
    for at in range(1, values.size):
        values[at] += 0.5 * values[at - 1]
    return values[20:]


def assert_honest(p_values: list[float], *, tolerance: float = 2.0) -> None:
    for level in (0.01, 0.05, 0.2):
        chance = 3 * np.sqrt(level * (1 - level) / len(p_values))
        assert np.mean(np.array(p_values) <= level) <= tolerance * level + chance


def test_two_versions_that_slow_down_alike_are_not_told_apart() -> None:
    random, p_values = np.random.default_rng(1), []
    for _ in range(TRIALS):
        new, bucket = rollout(random)
        p_values.append(old_against_new(random.lognormal(0.1 * bucket), new, bucket).p_value)
    assert_honest(p_values, tolerance=1.0)
    assert np.mean(np.array(p_values) <= 0.5) > 0.35


def test_without_strata_the_same_slowdown_would_have_been_blamed_on_the_new_version() -> None:
    random = np.random.default_rng(2)
    new, bucket = rollout(random, 5000)
    value = random.lognormal(0.1 * bucket)
    assert old_against_new(value, new, np.zeros_like(bucket)).p_value < 1e-6
    assert old_against_new(value, new, bucket).p_value > 0.01


def test_a_slower_new_version_is_found_whatever_its_share_of_the_traffic() -> None:
    random = np.random.default_rng(3)
    bucket = random.integers(0, 30, 5000)
    new = random.random(5000) < 0.05
    trial = old_against_new(random.lognormal(0.1 * bucket + 0.7 * new), new, bucket)
    assert trial.p_value < 1e-6
    assert trial.effect == pytest.approx(0.69, abs=0.05)  # Phi(0.7 / sqrt 2)
    assert trial.new / trial.old == pytest.approx(np.exp(0.7), rel=0.25)
    assert (trial.n_new, trial.n_old) == (new.sum(), (~new).sum())


def test_a_faster_new_version_has_an_effect_below_one_half() -> None:
    value = np.r_[np.arange(20.0), np.arange(20.0) - 5.0]
    trial = old_against_new(value, np.arange(40) >= 20, np.zeros(40))
    assert trial.effect < 0.5
    assert trial.new < trial.old


def test_one_bucket_that_was_unlucky_for_the_new_version_proves_nothing() -> None:
    random, p_values = np.random.default_rng(4), []
    for _ in range(200):
        bucket, new = np.repeat(np.arange(20), 60), np.tile(np.arange(60) < 30, 20)
        luck = random.normal(size=(20, 2))[bucket, new.astype(int)]
        p_values.append(old_against_new(random.normal(size=1200) + luck, new, bucket).p_value)
    assert np.mean(np.array(p_values) <= 0.01) <= 0.05


def test_the_rank_sum_matches_a_textbook_example() -> None:
    # Hollander and Wolfe 1973, example 4.1 has U = 15 and z = -1.2247; here it is seen twice
    at_term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    earlier = [1.15, 0.88, 0.90, 0.74, 1.21]
    is_new = ([False] * 10 + [True] * 5) * 2
    trial = old_against_new([*at_term, *earlier] * 2, is_new, [0] * 15 + [1] * 15)
    assert trial.effect == pytest.approx(15 / 50)
    assert trial.p_value == pytest.approx(0.0833, abs=0.0005)  # of z = -1.2247 sqrt 2


def test_equal_values_on_both_sides_give_no_effect() -> None:
    trial = old_against_new(np.ones(40), np.arange(40) % 2 == 0, np.arange(40) // 10)
    assert (trial.effect, trial.p_value) == (0.5, 1.0)


def test_failure_rates_of_berkeley_admissions_match_the_published_test() -> None:
    # Bickel, Hammel and O'Connell 1975; R's mantelhaen.test gives X-squared 1.4269, p 0.2323
    table = [
        ((512, 313), (89, 19)),
        ((353, 207), (17, 8)),
        ((120, 205), (202, 391)),
        ((138, 279), (131, 244)),
        ((53, 138), (94, 299)),
        ((22, 351), (24, 317)),
    ]
    rows = [
        (rejected, woman, department)
        for department, both in enumerate(table)
        for woman, counts in enumerate(both)
        for rejected, count in enumerate(counts)
        for _ in range(count)
    ]
    rejected, woman, department = np.array(rows).T
    trial = failures_old_against_new(rejected, woman, department)
    assert trial.p_value == pytest.approx(0.2323, abs=5e-5)
    assert trial.effect == pytest.approx(trial.new - trial.old)
    assert trial.effect < 0
    unstratified = failures_old_against_new(rejected, woman, np.zeros_like(department))
    assert unstratified.p_value < 1e-15
    assert unstratified.effect > 0.1


def test_few_failures_are_judged_exactly() -> None:
    # Fisher's exact test of 4 of 50 against 0 of 950: C(950, 0) C(50, 4) / C(1000, 4)
    failed, new = np.zeros(1000, dtype=bool), np.arange(1000) < 50
    failed[:4] = True
    trial = failures_old_against_new(failed, new, np.zeros(1000))
    assert trial.p_value == pytest.approx(230300 / 41417124750)
    assert (trial.old, trial.new) == (0.0, 0.08)


def test_versions_that_never_fail_do_not_differ() -> None:
    trial = failures_old_against_new(np.zeros(200), np.arange(200) % 4 == 0, np.arange(200) // 20)
    assert (trial.assessable, trial.p_value, trial.effect) == (True, 1.0, 0.0)


@pytest.mark.parametrize("rate", [0.005, 0.05])
def test_an_outage_that_hits_both_versions_is_not_blamed_on_either(rate: float) -> None:
    random, p_values = np.random.default_rng(5), []
    for _ in range(TRIALS):
        new, bucket = rollout(random)
        failed = random.random(new.size) < rate * (1 + bucket / 5)
        p_values.append(failures_old_against_new(failed, new, bucket).p_value)
    assert_honest(p_values, tolerance=1.0)


def test_a_new_version_that_fails_more_is_found() -> None:
    random = np.random.default_rng(6)
    new, bucket = rollout(random, 3000)
    failed = random.random(3000) < 0.02 + 0.08 * new
    trial = failures_old_against_new(failed, new, bucket)
    assert trial.p_value < 1e-6
    assert trial.effect == pytest.approx(0.08, abs=0.02)


@pytest.mark.parametrize("compare", [old_against_new, failures_old_against_new])
def test_versions_that_never_ran_together_are_not_assessable(compare: object) -> None:
    assert callable(compare)
    trial = compare(np.zeros(200), np.arange(200) >= 100, np.arange(200) // 100)
    assert isinstance(trial, Trial)
    assert not trial.assessable
    assert np.isnan(trial.p_value)
    assert (trial.n_old, trial.n_new) == (0, 0)


def test_too_few_values_of_the_new_version_are_not_assessable() -> None:
    trial = old_against_new(np.arange(100.0), np.arange(100) < 3, np.zeros(100))
    assert not trial.assessable
    assert (trial.n_old, trial.n_new) == (97, 3)
    assert trial.reason == "too few values at the same time, old or new, to tell"


def test_a_change_is_told_from_what_moves_its_peers_too() -> None:
    random, p_values = np.random.default_rng(7), []
    for seed in range(200):
        common = np.cumsum(random.normal(size=60))
        new, old = common + correlated(random, 60), common + correlated(random, 60)
        p_values.append(
            difference_in_differences(new[:40], new[40:], old[:40], old[40:], seed=seed).p_value
        )
    assert_honest(p_values)
    new[40:] += 6.0
    trial = difference_in_differences(new[:40], new[40:], old[:40], old[40:])
    assert trial.p_value <= 0.01
    assert trial.effect == pytest.approx(6.0, abs=2.0)


def test_differences_need_the_same_buckets_on_both_sides() -> None:
    with pytest.raises(ValueError, match="different buckets; expected the same"):
        difference_in_differences(np.zeros(9), np.zeros(9), np.zeros(8), np.zeros(9))


def test_a_series_that_only_wanders_did_not_change() -> None:
    random = np.random.default_rng(8)
    assert_honest(
        [before_against_after(correlated(random, 60), 40, seed=s).p_value for s in range(200)]
    )


def test_a_series_that_changed_is_found_and_the_answer_is_always_the_same() -> None:
    series = correlated(np.random.default_rng(9), 60)
    series[40:] += 6.0
    trial = before_against_after(series, 40, seed=3)
    assert trial == before_against_after(series, 40, seed=3)
    assert trial.p_value <= 0.01
    assert trial.effect > 0.95
    assert trial.new - trial.old == pytest.approx(6.0, abs=1.5)


def test_a_series_with_too_little_after_is_not_assessable() -> None:
    trial = before_against_after(np.r_[np.zeros(50), np.full(30, np.nan), 1.0], 50)
    assert not trial.assessable
    assert (trial.n_old, trial.n_new) == (50, 1)
    assert trial.reason == "too few buckets, before or after, to tell"


def test_rates_match_the_exact_conditional_test() -> None:
    rates = poisson_rates([0, 10, 0], [60, 60, 60], [3, 2, 0], 10)
    # given 3 events, all fall in the last 10 of 70 seconds with (1/7)^3; then scipy 1.17
    assert rates.p_value == pytest.approx([2 / 343, 1.0, 1.0])
    assert rates.ratio[0] == pytest.approx(3.5 / 10 / (0.5 / 60))


def test_rates_without_exposure_are_unknown() -> None:
    rates = poisson_rates([[1.0, 2.0]], [[0.0, 1.0]], [[1.0, 2.0]], 1.0)
    assert np.isnan(rates.p_value[0, 0])
    assert rates.p_value[0, 1] == 1.0


def test_equal_rates_are_called_equal() -> None:
    random = np.random.default_rng(10)
    p = poisson_rates(random.poisson(60, 4000), 60, random.poisson(10, 4000), 10).p_value
    assert_honest(p.tolist(), tolerance=1.0)


counts = st.integers(0, 10**7)


@settings(deadline=None)
@given(counts, st.floats(0.1, 1e6), counts, st.floats(0.1, 1e6))
def test_rates_have_a_p_and_a_positive_ratio(a: int, ta: float, b: int, tb: float) -> None:
    rates = poisson_rates(a, ta, b, tb)
    assert 0.0 <= rates.p_value <= 1.0
    assert 0.0 < rates.ratio < np.inf


request = st.tuples(st.floats(-1e6, 1e6), st.booleans(), st.integers(0, 3))


@settings(deadline=None)
@given(st.lists(request, max_size=60))
def test_a_trial_is_a_probability_or_gives_its_reason(rows: list[tuple[float, bool, int]]) -> None:
    value, new, stratum = (np.array([row[i] for row in rows]) for i in range(3))
    for trial in (
        old_against_new(value, new, stratum),
        failures_old_against_new(value > 0, new, stratum),
    ):
        if trial.assessable:
            assert 0.0 <= trial.p_value <= 1.0
            assert -1.0 <= trial.effect <= 1.0
        else:
            assert np.isnan(trial.p_value)
            assert "too few" in trial.reason
