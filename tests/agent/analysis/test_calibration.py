"""Probabilities that mean what they say are told from those that do not."""

from __future__ import annotations

import numpy as np
import pytest

from agent.analysis.calibration import (
    Floats,
    Scaling,
    apply,
    base_rate,
    bins,
    brier,
    calibration_error,
    fit,
    fit_alike,
    left_out,
    risk_coverage,
    with_interval,
)


def drawn(n: int, said: float = 1.0, seed: int = 1) -> tuple[Floats, Floats]:
    """Answers whose probabilities say `said` times the log odds that they have."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1.5, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    return 1 / (1 + np.exp(-said * odds)), y


def test_the_score_of_what_is_always_said_is_that_of_the_base_rate() -> None:
    y = [1, 0, 0, 0]
    assert brier([0.25] * 4, y) == pytest.approx(base_rate(y)) == pytest.approx(0.1875)
    assert brier(y, y) == 0


def test_chance_alone_is_no_calibration_error() -> None:
    of_honest = [calibration_error(*drawn(200, seed=seed)) for seed in range(40)]
    of_boasters = [calibration_error(*drawn(200, said=4.0, seed=seed)) for seed in range(40)]
    assert np.median(of_honest) < 0.05
    assert np.mean(np.square(of_honest)) < 0.003
    assert np.median(of_boasters) > 0.15


def test_equal_probabilities_share_a_bin() -> None:
    found = bins([0.5] * 30 + [0.9] * 10, [1, 0] * 15 + [1] * 10)
    assert [one.n for one in found] == [30, 10]
    assert [one.p for one in found] == pytest.approx([0.5, 0.9])
    assert [one.right for one in found] == [pytest.approx(0.5), 1.0]


def test_the_interval_holds_the_value_and_is_the_same_again() -> None:
    p, y = drawn(150, said=3.0)
    first = with_interval(brier, p, y)
    assert first == with_interval(brier, p, y)
    assert first.low < first.value < first.high


def test_who_answers_only_what_is_sure_is_wrong_less_often() -> None:
    coverage, risk = risk_coverage([0.9, 0.9, 0.5, 0.1], [1, 1, 0, 0])
    assert coverage.tolist() == [0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0.0, 1 / 3, 0.5])


def test_scaling_undoes_what_was_overdone() -> None:
    p, y = drawn(5000, said=3.0)
    scaling = fit(p, y)
    assert scaling.slope == pytest.approx(1 / 3, abs=0.05)
    assert calibration_error(apply(scaling, p), y) < calibration_error(p, y) / 3


def test_few_answers_that_are_all_right_do_not_make_sure() -> None:
    scaled = apply(fit([0.6, 0.7, 0.6], [1, 1, 1]), [0.6])
    assert 0.6 < scaled[0] < 0.95


def test_no_answers_change_nothing() -> None:
    assert fit([], []) == Scaling()
    assert apply(Scaling(), [0.0, 0.3, 1.0]) == pytest.approx([0.0, 0.3, 1.0], abs=1e-5)
    assert bins([], []) == ()
    assert np.isnan(calibration_error([], []))


def test_a_system_is_scaled_by_the_others_only() -> None:
    p, y = drawn(400, said=3.0)
    systems = ["a"] * 200 + ["b"] * 200
    scaled = left_out(p, y, systems)
    turned = left_out(p, np.append(1 - y[:200], y[200:]), systems)
    assert np.allclose(scaled[:200], turned[:200])
    assert not np.allclose(scaled[200:], turned[200:])
    assert np.isnan(left_out(p, y, ["a"] * 400)).all(), "there are no others"


def test_all_systems_together_teach_alike_however_large() -> None:
    (p, y), (q, z) = drawn(2000, said=3.0), drawn(200, seed=2)
    systems = ["a"] * 2000 + ["b"] * 200
    alike = fit_alike(np.append(p, q), np.append(y, z), systems)
    once = fit_alike(np.append(p, q), np.append(y, z), ["a"] * 2200)
    assert once == fit(np.append(p, q), np.append(y, z))
    assert fit(p, y).slope < once.slope < alike.slope < fit(q, z).slope
    assert fit_alike([], [], []) == Scaling()
