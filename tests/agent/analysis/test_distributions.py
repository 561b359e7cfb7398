import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.analysis.distributions import (
    benjamini_hochberg,
    binomial_tails,
    kuiper_tail,
    log_choose,
    most_said,
    normal_two_sided,
)


def test_kuipers_tail_has_the_published_critical_values() -> None:
    tail = kuiper_tail(np.array([1.620, 1.747, 2.001]))  # Stephens 1970: 10 %, 5 %, 1 %
    assert tail == pytest.approx([0.10, 0.05, 0.01], rel=0.01)
    assert kuiper_tail(np.array([0.0, 50.0])).tolist() == [1.0, 0.0]


def test_the_normal_tail_has_the_published_critical_values() -> None:
    assert normal_two_sided(1.959964) == pytest.approx(0.05, rel=1e-5)
    assert normal_two_sided(-2.575829) == pytest.approx(0.01, rel=1e-5)
    assert normal_two_sided(0.0) == 1.0


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.01, 0.99))
def test_binomial_tails_equal_their_sums(successes: int, failures: int, chance: float) -> None:
    trials = successes + failures
    chances = [math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(61)]
    below, above = binomial_tails(
        np.array([float(successes)]), np.array([float(trials)]), np.array([chance])
    )
    assert below[0] == pytest.approx(math.fsum(chances[: successes + 1]), rel=1e-9, abs=1e-12)
    assert above[0] == pytest.approx(1 - math.fsum(chances[:successes]), rel=1e-9, abs=1e-12)


def test_binomial_tails_hold_for_large_counts() -> None:
    trials = np.array([1.1005e6, 5.5e8])
    below, above = binomial_tails(np.array([1.005e5, 5e7]), trials, np.full(2, 1 / 11))
    assert 2 * above[0] == pytest.approx(0.13232790792753593, rel=1e-6)  # scipy 1.17
    assert below[1] == pytest.approx(0.5, abs=1e-3)


def test_binomial_coefficients_also_hold_between_the_integers() -> None:
    found = np.exp(log_choose(np.array([5.0, 10.0, 4.0]), np.array([2.0, 0.0, 1.5])))
    assert found == pytest.approx([10.0, 1.0, 24 / math.gamma(2.5) / math.gamma(3.5)])


def test_adjusted_p_values_match_the_example_of_benjamini_and_hochberg() -> None:
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    p += [0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    adjusted = benjamini_hochberg(np.array(p))
    assert (adjusted <= 0.05).sum() == 4  # 1995, section 3.2
    assert adjusted[3] == pytest.approx(0.0095 * 15 / 4)
    assert (np.diff(adjusted) >= 0).all()


@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=20))
def test_adjusting_never_makes_p_smaller_and_keeps_what_is_unknown(p: list[float]) -> None:
    raw = np.array(p)
    adjusted = benjamini_hochberg(raw)
    assert (np.isnan(adjusted) == np.isnan(raw)).all()
    known = ~np.isnan(raw)
    assert (adjusted[known] >= raw[known] * (1 - 1e-12)).all()
    assert (adjusted[known] <= 1).all()


@pytest.mark.parametrize(("p", "odds"), [(0.05, 2.46), (0.01, 7.99), (0.001, 53.25)])
def test_what_a_p_value_can_say_matches_the_table_of_sellke_bayarri_and_berger(
    p: float, odds: float
) -> None:
    assert math.exp(most_said(p)) == pytest.approx(odds, abs=0.05)


@pytest.mark.parametrize("p", [0.0, 0.4, 1.0, math.nan])
def test_a_p_value_that_is_large_or_none_says_nothing(p: float) -> None:
    assert most_said(p) == 0.0
