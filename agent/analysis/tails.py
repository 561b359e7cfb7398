"""How improbable a distance is beside those seen in calm time: heavy-tailed and one-sided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.analysis.distributions import log_choose, log_gamma
from agent.analysis.excursions import Bools, Floats, Ints, nth

TAIL_VALUES = 50  # independent ones: the most that tell how heavy a tail is
TAIL_SHARE = 4  # at most one in so many values is in it
PRIOR_SHAPE = (
    1.0 / 3.0
)  # of a tail of which nothing was seen: a Student's with 3 degrees of freedom
PRIOR_WEIGHT = 10.0  # how many values in the tail that is worth
JEFFREYS = 0.5  # the prior of a chance of which nothing is known
LEAST_PRONE = 0.02  # nothing is so sure to hold that a break could not be half so surprising


@dataclass(frozen=True, slots=True)
class Tail:
    """The upper tail of each row: the `chance` to be beyond `least`, and how fast it falls there.

    Excesses over `least` have a generalised Pareto distribution (Pickands 1975).
    """

    least: Floats
    chance: Floats
    scale: Floats
    shape: Floats

    def nats(self, distance: Floats) -> Floats:
        """-ln of the chance of so large a distance from the centre (rows, any number each)."""
        excess = np.maximum(distance - self.least[:, None], 0.0) / self.scale[:, None]
        shape = self.shape[:, None]
        beyond = np.log1p(shape * excess) / shape - np.log(self.chance)[:, None]
        return np.where(distance >= self.least[:, None], beyond, 0.0)


def tail(
    ordered: Floats, count: Ints, center: Floats, floor: Floats, clumps: Floats, *, upper: bool
) -> Tail:
    """The tail above (`upper`) or below `center` of sorted rows, the first `count` values finite.

    What lies within `floor` of the centre, or within half of the interquartile range, belongs to
    the body: else what never exceeds a bound, and often falls short of it, had no tail at all.
    `clumps` is how many neighbouring values tell what one independent value would; few of these
    keep the tail heavy.
    """
    last = np.maximum(count - 1, 0)
    body = (nth(ordered, (3 * last + 3) // 4) - nth(ordered, last // 4)) / 2.0
    floor = np.fmax(floor, body * (1.0 - 1e-9))
    most = np.ceil(TAIL_VALUES * clumps).astype(np.int64)
    used = np.clip(count // TAIL_SHARE, 1, np.minimum(most, np.maximum(count, 1)))
    rank = np.arange(int(used.max(initial=1)))
    places = np.clip(count[:, None] - 1 - rank, 0, ordered.shape[1] - 1)
    if upper:
        above = np.take_along_axis(ordered, places, axis=1) - center[:, None]
    else:
        above = center[:, None] - ordered[:, : rank.size]
    real = (rank < used[:, None]) & (above > floor[:, None])
    seen = np.count_nonzero(real, axis=1)
    least = np.where(seen > 0, nth(above, np.maximum(seen - 1, 0)), floor)
    excess = np.where(real, above - least[:, None], 0.0)
    free = count / clumps
    shape = np.maximum(_shape(excess, rank, seen, clumps), 1.0 / np.maximum(free, 2.0))
    mean = excess.sum(axis=1) / clumps + PRIOR_WEIGHT * PRIOR_SHAPE * least
    mean /= seen / clumps + PRIOR_WEIGHT
    return Tail(
        least=least,
        chance=(seen / clumps + 0.5) / (free + 1.0),
        scale=mean * (1.0 - np.minimum(shape, 0.9)),
        shape=shape,
    )


def _shape(excess: Floats, rank: Ints, seen: Ints, clumps: Floats) -> Floats:
    """The shape by probability-weighted moments (Hosking and Wallis 1987), drawn to the prior."""
    number = np.maximum(seen, 1)
    mean = excess.sum(axis=1) / number
    weighted = (excess * (rank + 0.65)).sum(axis=1) / number**2
    spread = mean - 2.0 * weighted
    told = spread > 1e-9 * mean
    shape = np.where(told, 2.0 - mean / np.where(told, spread, 1.0), 0.0)
    weight = np.where(told, seen / clumps, 0.0)
    shape = np.clip(shape, 0.0, 1.0)
    return (weight * shape + PRIOR_WEIGHT * PRIOR_SHAPE) / (weight + PRIOR_WEIGHT)


def proneness(constant: Bools, calm: Ints, groups: Ints) -> Floats:
    """How prone each series' siblings are to break: `a` of a Beta(a, 1 - a) of their chances to.

    Of series with so distributed chances n^-a hold for n buckets, so `a` is told by the share that
    is `constant` over its `calm` ones: by the others of its group and, with the weight of one
    series, by all others. Between LEAST_PRONE and Jeffreys' prior.
    """
    held, size = (np.bincount(groups, of) for of in (constant, np.ones(constant.size)))
    of_all = (constant.sum() - constant + 0.5) / constant.size
    share = (held[groups] - constant + of_all) / size[groups]
    length = np.bincount(groups, np.log(np.maximum(calm, 2)))[groups] / size[groups]
    return np.asarray(np.clip(-np.log(share) / length, LEAST_PRONE, JEFFREYS))


def breaks_nats(breaks: Ints, buckets: int, calm: Ints, prone: Floats | float = JEFFREYS) -> Floats:
    """-ln of the chance of so many breaks or more in `buckets` after `calm` ones without, a row.

    Beta-binomial with the prior Beta(`prone`, 1 - `prone`); 0 where there are no breaks, or was no
    calm time.
    """
    n, k, w = calm.astype(np.float64), breaks.astype(np.float64), float(buckets)
    a = np.broadcast_to(np.asarray(prone, dtype=np.float64), k.shape)
    log_p = log_choose(np.full(k.shape, w), k)
    log_p += log_gamma(k + a) + log_gamma(n + w - k + 1.0 - a) - log_gamma(n + w + 1.0)
    log_p -= log_gamma(a) + log_gamma(n + 1.0 - a) - log_gamma(n + 1.0)
    # each further number of breaks is so many times as probable as the one before it
    fewer = k[:, None] + np.arange(buckets)
    left = np.maximum(w - fewer, 0.0)
    times = left / (fewer + 1.0) * (fewer + a[:, None]) / (n[:, None] + left - a[:, None])
    log_p += np.log1p(np.cumprod(times, axis=1).sum(axis=1))
    return np.where((breaks > 0) & (calm > 0), np.maximum(-log_p, 0.0), 0.0)
