"""Whether probabilities mean what they say: Brier score, calibration error, coverage, scaling.

`p` are the probabilities that answers were given with, `y` whether each was right (1 or 0).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

BINS = 10
_RESAMPLES, _SEED = 1000, 20_190_923
_SURE = 1e-6  # how near 0 or 1 a probability is taken to be at most, before its log odds
_PULL = 1.0  # the weight of the belief that nothing needs scaling, in answers


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of like probability: from `low` to `high`, their mean `p`, the share `right`, `n`."""

    low: float
    high: float
    p: float
    right: float
    n: int


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the 2.5 and 97.5 % quantiles of its bootstrap."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scaling:
    """Log odds times `slope` plus `intercept`: Platt's scaling of a probability."""

    slope: float = 1.0
    intercept: float = 0.0


def brier(p: ArrayLike, y: ArrayLike) -> float:
    """The mean squared difference; 0 is best. NaN without answers.

    Brier (1950), Verification of forecasts expressed in terms of probability.
    """
    p, y = _floats(p), _floats(y)
    return float(np.mean((p - y) ** 2)) if len(p) else np.nan


def base_rate(y: ArrayLike) -> float:
    """The Brier score of always saying the share that is right, which is not known beforehand."""
    y = _floats(y)
    return float(np.var(y)) if len(y) else np.nan


def bins(p: ArrayLike, y: ArrayLike, count: int = BINS) -> tuple[Bin, ...]:
    """At most `count` bins of as many answers each as ties allow, by rising probability."""
    p, y = _floats(p), _floats(y)
    if not len(p):
        return ()
    of_bin = _places(p, count)
    return tuple(
        Bin(
            float(p[chosen].min()),
            float(p[chosen].max()),
            float(p[chosen].mean()),
            float(y[chosen].mean()),
            int(chosen.sum()),
        )
        for chosen in (of_bin == place for place in np.unique(of_bin))
    )


def calibration_error(p: ArrayLike, y: ArrayLike, count: int = BINS) -> float:
    """The debiased root mean squared calibration error; 0 where noise explains all of it.

    Kumar, Liang, Ma (2019), Verified uncertainty calibration, estimator of section 5: a bin's
    squared gap less the variance that its share of right answers has by chance. A bin of one answer
    has no variance to tell and says nothing.
    """
    found = [one for one in bins(p, y, count) if one.n > 1]
    total = sum(one.n for one in found)
    if not total:
        return float("nan")
    squared = sum(
        one.n / total * ((one.p - one.right) ** 2 - one.right * (1 - one.right) / (one.n - 1))
        for one in found
    )
    return float(np.sqrt(max(0.0, squared)))


def with_interval(
    statistic: Callable[[Floats, Floats], float], p: ArrayLike, y: ArrayLike
) -> Interval:
    """A statistic of the answers and its bootstrap interval, the same at every run.

    Efron (1979), the percentile method. Answers are drawn again, not the systems that they come
    from: it says nothing of how another system would fare.
    """
    p, y = _floats(p), _floats(y)
    value = statistic(p, y)
    if not len(p):
        return Interval(value, float("nan"), float("nan"))
    draws = np.random.default_rng(_SEED).integers(0, len(p), (_RESAMPLES, len(p)))
    low, high = np.nanquantile([statistic(p[draw], y[draw]) for draw in draws], (0.025, 0.975))
    return Interval(value, float(low), float(high))


def risk_coverage(p: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """The share that is answered and the share of those that is wrong, by falling probability.

    One point for each probability there is: who answers one of several alike answers all of them.
    El-Yaniv, Wiener (2010), On the foundations of noise-free selective classification.
    """
    p, y = _floats(p), _floats(y)
    order = np.argsort(-p, kind="stable")
    last_of_its_kind = np.append(np.diff(p[order]) != 0, True)[: len(p)]
    answered = np.arange(1, len(p) + 1)
    wrong = np.cumsum(1 - y[order])
    return (answered / max(len(p), 1))[last_of_its_kind], (wrong / answered)[last_of_its_kind]


def fit(p: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> Scaling:
    """The scaling under which the answers are most likely, by Newton's method.

    Platt (1999), Probabilistic outputs for support vector machines, with a normal belief about the
    identity instead of his targets, so that few answers, or only right ones, change little. A
    slope below 0, more wrong the surer, is none.
    """
    p, y = _floats(p), _floats(y)
    weight = np.ones(len(p)) if weights is None else _floats(weights)
    design = np.stack([_log_odds(p), np.ones(len(p))], axis=1)
    identity = np.array([1.0, 0.0])
    told = identity.copy()
    for _ in range(50):
        said = 1 / (1 + np.exp(-design @ told))
        slope = design.T @ (weight * (said - y)) + _PULL * (told - identity)
        curve = (design * (weight * said * (1 - said))[:, None]).T @ design + _PULL * np.eye(2)
        step = np.linalg.solve(curve, slope)
        told = told - step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return Scaling(float(max(told[0], 0.0)), float(told[1]))


def apply(scaling: Scaling, p: ArrayLike) -> Floats:
    """Probabilities as the scaling would have them."""
    return np.asarray(
        1 / (1 + np.exp(-(scaling.slope * _log_odds(_floats(p)) + scaling.intercept)))
    )


def fit_alike(p: ArrayLike, y: ArrayLike, systems: Sequence[str]) -> Scaling:
    """The scaling that all systems together teach, each weighing as the smallest of them does."""
    sizes = Counter(systems)
    return fit(p, y, [min(sizes.values()) / sizes[name] for name in systems])


def left_out(p: ArrayLike, y: ArrayLike, systems: Sequence[str]) -> Floats:
    """Each answer by the scaling that the other systems teach; NaN where there are no others."""
    p, y, of = _floats(p), _floats(y), np.asarray(systems)
    scaled = np.full(len(p), np.nan)
    for name in set(systems):
        others = of != name
        if others.any():
            told = fit_alike(p[others], y[others], [str(one) for one in of[others]])
            scaled[~others] = apply(told, p[~others])
    return scaled


def _places(p: Floats, count: int) -> NDArray[np.int64]:
    """The bin of each probability; equal ones are never parted."""
    ranks = np.searchsorted(np.sort(p), p, side="left")
    return np.asarray(ranks * count // len(p), dtype=np.int64)


def _log_odds(p: Floats) -> Floats:
    kept = np.clip(p, _SURE, 1 - _SURE)
    return np.asarray(np.log(kept / (1 - kept)))


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)
