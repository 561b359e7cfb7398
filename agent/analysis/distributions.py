"""Tail probabilities in numpy alone, and the correction for asking many questions at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_TERMS = 20_000  # of a continued fraction: enough for counts of 10^9

_log_gamma = np.frompyfunc(math.lgamma, 1, 1)


def log_gamma(x: Floats) -> Floats:
    """The logarithm of the gamma function, element by element, for x > 0."""
    return np.asarray(_log_gamma(x), dtype=np.float64)


def log_choose(n: Floats, k: Floats) -> Floats:
    """The logarithm of the binomial coefficient, also between the integers; 0 <= k <= n."""
    return log_gamma(n + 1.0) - log_gamma(k + 1.0) - log_gamma(n - k + 1.0)


def normal_two_sided(z: float) -> float:
    """P(|Z| >= |z|) for a standard normal Z."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def student_two_sided(t: Floats, freedom: Floats) -> Floats:
    """P(|T| >= |t|) for Student's t with so many degrees of freedom, element by element."""
    t, freedom = np.broadcast_arrays(np.abs(t), freedom)
    half = np.full(t.size, 0.5)
    share = (freedom / (freedom + t**2)).ravel()
    return _beta(freedom.ravel() / 2.0, half, share).reshape(t.shape)


def kuiper_tail(range_: Floats) -> Floats:
    """P(range of a Brownian bridge >= range_), the limit of Kuiper's statistic (Kuiper 1960)."""
    squares = np.arange(1.0, 6.0)[:, None] ** 2 * np.square(range_).ravel()
    tail = 2.0 * np.sum((4.0 * squares - 1.0) * np.exp(-2.0 * squares), axis=0)
    return np.where(np.ravel(range_) < 0.5, 1.0, np.clip(tail, 0.0, 1.0)).reshape(range_.shape)


def binomial_tails(successes: Floats, trials: Floats, chance: Floats) -> tuple[Floats, Floats]:
    """P(X <= successes) and P(X >= successes) of a binomial X, exact; arrays of one shape."""
    below = np.ones_like(successes)
    above = np.ones_like(successes)
    low, high = successes < trials, successes > 0
    below[low] = _beta(trials[low] - successes[low], successes[low] + 1.0, 1.0 - chance[low])
    above[high] = _beta(successes[high], trials[high] - successes[high] + 1.0, chance[high])
    return below, above


def _beta(a: Floats, b: Floats, x: Floats) -> Floats:
    """The regularised incomplete beta function I_x(a, b), by whichever fraction converges fast."""
    turned = x > (a + 1.0) / (a + b + 2.0)
    p, q = np.where(turned, b, a), np.where(turned, a, b)
    y = np.where(turned, 1.0 - x, x)
    with np.errstate(divide="ignore"):
        front = p * np.log(y) + q * np.log1p(-y) + log_gamma(p + q) - log_gamma(p) - log_gamma(q)
    value = np.exp(front) / p * _beta_fraction(p, q, y)
    return np.asarray(np.clip(np.where(turned, 1.0 - value, value), 0.0, 1.0), dtype=np.float64)


def _beta_fraction(a: Floats, b: Floats, x: Floats) -> Floats:
    """The continued fraction of I_x(a, b) by Lentz's method (Press et al. 2007, section 6.4)."""
    result = np.ones_like(x)
    left = np.arange(x.size)
    d = 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    c, value, m = np.ones_like(x), d.copy(), 0.0
    while left.size:
        m += 1.0
        for numerator in (
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ):
            d = 1.0 / (1.0 + numerator * d)
            c = 1.0 + numerator / c
            value = value * d * c
        done = (np.abs(d * c - 1.0) < 1e-14) | (m >= MOST_TERMS)
        result[left[done]] = value[done]
        keep = ~done
        left = left[keep]
        a, b, x, c, d, value = a[keep], b[keep], x[keep], c[keep], d[keep], value[keep]
    return result


def benjamini_hochberg(p_value: Floats) -> Floats:
    """P-values adjusted so that p <= alpha bounds the false discovery rate by alpha.

    Benjamini and Hochberg (1995). NaN, a question that could not be asked, stays NaN.
    """
    adjusted = np.full(p_value.shape, np.nan)
    asked = np.flatnonzero(~np.isnan(p_value))
    order = asked[np.argsort(p_value[asked], kind="stable")]
    steps = p_value[order] * asked.size / np.arange(1.0, asked.size + 1.0)
    adjusted[order] = np.minimum.accumulate(np.minimum(steps, 1.0)[::-1])[::-1]
    return adjusted


def most_said(p_value: float) -> float:
    """The most that a p-value can say for what it was to show, in nats; 0 from 1/e on.

    Sellke, Bayarri, Berger (2001), Calibration of p values for testing precise null hypotheses: the
    Bayes factor is 1 / (-e p ln p) at most.
    """
    if not 0.0 < p_value < math.exp(-1.0):
        return 0.0
    return -math.log(-math.e * p_value * math.log(p_value))
