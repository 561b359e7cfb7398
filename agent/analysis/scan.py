"""When failures were more frequent than in the rest of the time, from counts.

Shares of a few requests a bucket are mostly zero, so a test of levels is blind to them; counts are
not. The scan statistic of Kulldorff (1997, Bernoulli model) asks every stretch of buckets whether
its failure rate is above the rate outside, by the ratio of their likelihoods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.analysis.distributions import normal_two_sided

Floats = NDArray[np.float64]

LEAST_EVENTS = 5.0  # fewer failures are no stretch of trouble
LEAST_OUTSIDE = 0.2  # of the requests: they are what a stretch is compared with


@dataclass(frozen=True, slots=True)
class Stretch:
    """Buckets `start` to `end` (exclusive) with rate `during`, against `before` outside of them.

    `z` is the root of twice the logarithm of the likelihood ratio; `p_value` counts that every
    stretch was asked (Bonferroni).
    """

    start: int
    end: int
    before: float
    during: float
    z: float
    p_value: float


def densest(events: Floats, trials: Floats) -> Stretch | None:
    """Find the stretch of buckets whose share of events in trials stands out most from the rest.

    Both are counts, a bucket each; NaN is none. None where there are too few events to say.
    """
    events, trials = np.nan_to_num(events), np.nan_to_num(trials)
    if events.sum() < LEAST_EVENTS:
        return None
    bad, all_ = (np.concatenate([[0.0], np.cumsum(part)]) for part in (events, trials))
    start, end = np.triu_indices(len(bad), k=1)
    inside, within = bad[end] - bad[start], all_[end] - all_[start]
    outside, without = bad[-1] - inside, all_[-1] - within
    allowed = (
        (inside >= LEAST_EVENTS)
        & (without >= LEAST_OUTSIDE * all_[-1])
        & (inside * without > outside * within)
    )
    if not allowed.any():
        return None
    ratio = _likelihood(inside, within) + _likelihood(outside, without)
    ratio -= _likelihood(bad[-1:], all_[-1:])
    best = int(np.argmax(np.where(allowed, ratio, -np.inf)))
    z = float(np.sqrt(2.0 * max(ratio[best], 0.0)))
    return Stretch(
        start=int(start[best]),
        end=int(end[best]),
        before=float(outside[best] / without[best]),
        during=float(inside[best] / within[best]),
        z=z,
        p_value=min(1.0, normal_two_sided(z) / 2.0 * len(start)),
    )


def _likelihood(events: Floats, trials: Floats) -> Floats:
    """The logarithm of the greatest likelihood of so many events in so many trials."""
    rate = np.divide(events, trials, out=np.zeros_like(events), where=trials > 0)
    rest = trials - events
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(
            np.where(events > 0, events * np.log(rate), 0.0)
            + np.where(rest > 0, rest * np.log1p(-rate), 0.0)
        )
