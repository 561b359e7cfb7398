"""How much oftener than others' a service's changes are followed by trouble, by their history.

Observed beside expected counts, shrunk to what is common, as DuMouchel (1999) ranks reports of
drugs. How alike services are is learnt from the history itself: where they do not differ, as is
often so, the record of one says nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.analysis.distributions import log_gamma

Floats = NDArray[np.float64]

MOST = 1.0  # nats either way: what was, is no proof of what is
_ALIKE = 2.0 ** np.arange(-1.0, 6.5, 0.5)  # troubles' worth of belief that a service is as others


def leanings(changes: ArrayLike, followed: ArrayLike, chance: ArrayLike) -> Floats:
    """What each service's record adds to the log-odds of a change of its own, at most `MOST` nats.

    Of so many `changes` so many were `followed` by trouble, and `chance` is the share of them that
    would have been had nothing been changed. A service's relative risk has a gamma prior of mean 1,
    so that its count is negative binomial; the prior's shape is averaged over, by its likelihood.
    """
    n, seen, by_chance = (
        np.asarray(part, dtype=np.float64) for part in (changes, followed, chance)
    )
    calm = n * (1.0 - by_chance)
    brought = max(0.0, float((seen - n * by_chance).sum())) / max(float(calm.sum()), 1e-12)
    expected = n * by_chance + calm * min(brought, 1.0)
    alike = _ALIKE[:, None]
    risk = (seen + alike) / (expected + alike)
    fits = log_gamma(seen + alike) - log_gamma(alike) - seen * np.log(expected + alike)
    fits += alike * np.log(alike / (expected + alike))
    likelihood = fits.sum(axis=1)
    weight = np.exp(likelihood - likelihood.max())
    leaning = np.log(weight @ risk / weight.sum())
    return np.asarray(np.clip(leaning, -MOST, MOST), dtype=np.float64)
