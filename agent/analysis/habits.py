"""How surprising a surprise is, of a quantity whose series surprise in calm time too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from agent.analysis.anomalies import MOST_NATS, Departures, departures
from agent.analysis.excursions import Bools, Floats, Ints

MOST_BLOCKS = 4  # stretches of calm time that are asked as if they were the trouble
LEAST_CALM = 3  # times such a stretch must be left to compare it with
TAIL_SHARE = 4  # one in so many calm surprises tells how far they go
PRIOR_WEIGHT = 10.0  # how many calm surprises the wider group is worth
TWO_CLASSES = np.log(2.0)  # nats: blips and longer departures are counted apart


@dataclass(frozen=True, slots=True)
class _Beyond:
    """The surprise that one in four calm ones exceeds at most, how many do, and by how much."""

    least: float
    chance: float
    mean: float


_ANY = _Beyond(0.0, 0.5, 1.0)


def tempered(
    found: Departures, values: Floats, calm: Bools, trouble: slice, groups: Ints
) -> Departures:
    """What `departures` found, its surprise weighed by what each series' group shows in calm time.

    `groups` numbers what each series measures. Stretches of calm time as long as the trouble are
    asked the same question. Were the answers right they would be exponential there with mean 1
    (-ln p of a uniform p). A group that goes farther is scaled down by as much: one of which blips
    are common, or whose unit changes between seconds and milliseconds. None is scaled up. What was
    constant is weighed beside what was then, which breaks as rarely.
    """
    blocks = calm_blocks(calm, trouble)
    if not blocks or not found.surprise.size:
        return found
    usual = [departures(values, calm, block, groups) for block in blocks]
    surprise = found.surprise.copy()
    for blip, constant in product((True, False), repeat=2):
        told = np.stack([np.where(_blips(one) == blip, one.surprise, 0.0) for one in usual])
        asked = np.stack([(one.kind == "constant") == constant for one in usual])
        alike = (_blips(found) == blip) & ((found.kind == "constant") == constant)
        wider = _beyond(told[asked], _ANY)
        for group in np.unique(groups[alike]):
            within = groups == group
            rows = within & alike
            null = told[:, within][asked[:, within]]
            surprise[rows] = _weighed(found.surprise[rows], _beyond(null, wider))
    return replace(found, surprise=surprise)


def _blips(found: Departures) -> Bools:
    """Those whose departure is a single bucket's."""
    return np.asarray(found.end - found.start <= 1, dtype=np.bool_)


def _weighed(surprise: Floats, usual: _Beyond) -> Floats:
    """What surprises are worth beside those of calm time."""
    beyond = (surprise - usual.least) / usual.mean - np.log(usual.chance) - TWO_CLASSES
    told = np.where(surprise > usual.least, beyond, surprise / usual.mean)
    return np.clip(np.minimum(told, surprise), 0.0, MOST_NATS)


def calm_blocks(calm: Bools, trouble: slice) -> list[slice]:
    """Stretches of calm time as long as the trouble, the latest first."""
    start, end, _ = trouble.indices(calm.size)
    length = max(end - start, 1)
    quiet = calm.copy()
    quiet[start:end] = False
    most = min(MOST_BLOCKS, int(quiet.sum()) // length - LEAST_CALM)
    sums = np.concatenate([[0], np.cumsum(quiet)])
    found: list[slice] = []
    at = calm.size
    while len(found) < most and at >= length:
        if sums[at] - sums[at - length] == length:
            found.append(slice(at - length, at))
            at -= length
        else:
            at -= 1
    return found


def _beyond(null: Floats, wider: _Beyond) -> _Beyond:
    """What calm surprises go beyond one in four of, drawn to those of the wider group."""
    least = float(np.quantile(null, 1.0 - 1.0 / TAIL_SHARE)) if null.size else 0.0
    excess = null[null > least] - least
    mean = (excess.sum() + PRIOR_WEIGHT * wider.mean) / (excess.size + PRIOR_WEIGHT)
    return _Beyond(least, (excess.size + wider.chance) / (null.size + 1.0), max(1.0, float(mean)))
