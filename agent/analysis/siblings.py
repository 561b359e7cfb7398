"""Whether instances of a service that have a change differ from those that have it not.

Values of one instance go together, so what is compared is instances, not values. The measure of how
far two of them may lie apart without a change is how far those without it do: each beside its
siblings at the same time, and all of them before, in stretches as long (placebos in space and in
time; Abadie, Diamond and Hainmueller 2010). Those with the change may differ among themselves too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.analysis.distributions import student_two_sided

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ALIKE = 0.05  # of the larger level: so far apart, two instances differ in nothing that matters
MOST_FREEDOM = 30.0
COVERED = 0.8  # of the buckets in which siblings report, for silence to say something


@dataclass(frozen=True, slots=True)
class Siblings:
    """One entry a series: instances with a change beside those without, at the same time.

    `old` and `new` are levels; `scale` is how far apart instances are without the change, `p_value`
    is two-sided. `buckets` is how many both reported in; 0 where there is nothing to compare.
    `silent` is in how many others reported while one of the new did not, all the time.
    """

    old: Floats
    new: Floats
    scale: Floats
    p_value: Floats
    buckets: NDArray[np.int64]
    silent: NDArray[np.int64]

    @property
    def effect(self) -> Floats:
        """How much more the new have than the old."""
        return self.new - self.old


def beside_siblings(values: Floats, has_it: Bools, had_it_not: Bools, before: Bools) -> Siblings:
    """Compare instances within each series; `values` are series x instances x buckets, NaN unknown.

    `has_it` and `had_it_not` are instances x buckets: when an instance counts for either side.
    `before` are the buckets before any had it.
    """
    mine = np.where(has_it, values, np.nan)
    others = np.where(had_it_not, values, np.nan)
    new, old = _over(np.nanmean, mine, axis=1), _over(np.nanmedian, others, axis=1)
    both = np.isfinite(new) & np.isfinite(old)
    count = both.sum(axis=1)
    level = [_over(np.nanmean, np.where(both, side, np.nan), axis=1) for side in (old, new)]
    placebos = [
        _placebos(np.where(both[:, None, :], others, np.nan)),
        _placebos(np.where(both[:, None, :], mine, np.nan)),
        _calm(values, before, count),
    ]
    spread = np.fmax.reduce([_over(np.nanmean, part**2, axis=1) for part in placebos])
    known = np.isfinite(np.concatenate(placebos, axis=1))
    scale = np.fmax(np.sqrt(spread), ALIKE * np.fmax(*np.abs(level)))
    freedom = np.clip(known.sum(axis=1) - 1.0, 1.0, MOST_FREEDOM)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(scale > 0, (level[1] - level[0]) / scale, 0.0)
    assessable = (count > 0) & (known.sum(axis=1) > 0)
    return Siblings(
        old=level[0],
        new=level[1],
        scale=scale,
        p_value=np.where(assessable, student_two_sided(t, freedom), np.nan),
        buckets=count,
        silent=_silent(values, has_it, had_it_not),
    )


def _silent(values: Floats, has_it: Bools, had_it_not: Bools) -> NDArray[np.int64]:
    """How long one that has it never reports, where those that have it not do so reliably."""
    seen = np.isfinite(values)
    reliable = (seen & had_it_not).sum(axis=(1, 2)) >= COVERED * max(1, int(had_it_not.sum()))
    others = np.asarray((seen & had_it_not).any(axis=1))
    expected = (others[:, None, :] & has_it).sum(axis=2)
    reported = (seen & has_it).sum(axis=2)
    mute = np.where(reported == 0, expected, 0).max(axis=1, initial=0)
    mostly = 2 * reported.sum(axis=1) <= expected.sum(axis=1)
    return np.where(reliable & mostly, mute, 0)


def _placebos(values: Floats) -> Floats:
    """How far each instance lies from its siblings' median, over all buckets."""
    apart = values - _over(np.nanmedian, values, axis=1)[:, None, :]
    several = np.isfinite(values).sum(axis=1, keepdims=True) > 1
    mean = _over(np.nanmean, np.where(several, apart, np.nan), axis=2)
    n = np.isfinite(mean).sum(axis=1, keepdims=True)
    turned = np.sqrt(n / np.maximum(n - 1.0, 1.0))  # the median holds the instance itself
    return np.asarray(mean * turned, dtype=np.float64)


def _calm(values: Floats, before: Bools, lasts: NDArray[np.int64]) -> Floats:
    """The same before, in stretches about as long as the comparison, one after the other."""
    held = values[:, :, before]
    length = max(1, int(np.median(lasts[lasts > 0])) if (lasts > 0).any() else 1)
    stretches = range(0, held.shape[2] - length + 1, length)
    found = [_placebos(held[:, :, start : start + length]) for start in stretches]
    empty = np.empty((values.shape[0], 0))
    return np.concatenate([empty, *found], axis=1)


def _over(what: Callable[..., Any], values: Floats, axis: int) -> Floats:
    """A nan-aware reduction in which what was never seen stays NaN, without a warning."""
    nothing = np.asarray(~np.isfinite(values).any(axis=axis))
    if nothing.all():
        return np.full(nothing.shape, np.nan)
    filled = np.where(np.expand_dims(nothing, axis), 0.0, values)
    return np.where(nothing, np.nan, what(filled, axis=axis))
