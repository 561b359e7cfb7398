"""The closer look at series that seem to deviate: exact bounds, effect, and a p for short ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.analysis.distributions import log_choose

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEAST_SCALE = 1e-3  # of the level: what differs by less is constant
MAX_EFFECT = 1.0 / LEAST_SCALE
DUST = 1e-12  # rounding errors around zero
IQR_OF_NORMAL = 1.349
TAIL_BUCKETS = 50  # the most extreme ones of the rest: they tell how heavy its tail is
MIXED = 3.0  # times the spread of the densest half: a rest as wide holds more than one level
LEAST_REST = 4  # buckets to compare a segment with
MOST_CORRELATED = 0.99
TINY = 1e-300
LEAST_TAIL = 0.2  # inverse Pareto exponent: no tail is taken to be lighter


@dataclass(frozen=True, slots=True)
class Arc:
    """A segment a series, `lo` to `hi` (exclusive), above (+1) or below (-1) the rest."""

    lo: Ints
    hi: Ints
    sign: Floats

    def mask(self, buckets: int) -> Bools:
        """The buckets of each series that lie in its segment."""
        at = np.arange(buckets)
        return (at >= self.lo[:, None]) & (at < self.hi[:, None])


@dataclass(frozen=True, slots=True)
class Level:
    """The median of each series and its robust spread; `smooth` where the middle half varies."""

    center: Floats
    scale: Floats
    smooth: Bools


def keep_freed_memory() -> None:
    """Free one large block, after which glibc reuses smaller ones: half the time of a search.

    Until then it returns each to the system, see M_MMAP_THRESHOLD in mallopt(3).
    """
    np.empty(1 << 21)


def nth(rows: NDArray[Any], at: Ints) -> NDArray[Any]:
    """The value at one place of each row."""
    return np.take_along_axis(rows, at[:, None], axis=1)[:, 0]


def level(ordered: Floats, count: Ints) -> Level:
    """Median and interquartile range of sorted rows whose first `count` values are finite."""
    last = np.maximum(count - 1, 0)
    center = (nth(ordered, last // 2) + nth(ordered, (last + 1) // 2)) / 2.0
    return _level(
        ordered, count, center, nth(ordered, (3 * last + 3) // 4) - nth(ordered, last // 4)
    )


def densest_half(ordered: Floats, count: Ints) -> Level:
    """Centre and width of the half of each sorted row that lies closest together (Rousseeuw 1984).

    Up to half of a row may deviate without moving them. NaN where less than half is finite.
    """
    half = ordered.shape[1] // 2
    widths = ordered[:, half:] - ordered[:, :-half]
    at = np.fmin(widths, np.inf).argmin(axis=1)
    width = nth(widths, at)
    return _level(ordered, count, nth(ordered, at) + width / 2.0, width)


def _level(ordered: Floats, count: Ints, center: Floats, width: Floats) -> Level:
    """The width of a half as a normal's standard deviation; where it is none, the deviation itself.

    The scale is never less than a thousandth of the centre.
    """
    least = np.fmax(LEAST_SCALE * np.abs(center), DUST)
    scale = width / IQR_OF_NORMAL
    smooth = scale > least
    flat = np.flatnonzero(~smooth)
    off = np.nan_to_num(ordered[flat] - center[flat, None])
    scale[flat] = np.sqrt(np.einsum("ij,ij->i", off, off) / np.maximum(count[flat], 1))
    return Level(center, np.fmax(scale, least), smooth)


def outside(x: Floats, arc: Arc, baseline: int | None) -> tuple[Floats, Ints]:
    """The sorted values that a segment is compared with, and how many there are."""
    others = np.where(arc.mask(x.shape[1]), np.nan, x)
    if baseline is not None:
        others[:, baseline:] = np.nan
    return _sorted(others)


def _sorted(x: Floats) -> tuple[Floats, Ints]:
    ordered = np.sort(x, axis=1)
    return ordered, np.count_nonzero(np.isfinite(ordered), axis=1)


def refine(
    x: Floats, core: Arc, known: Bools, reference: float, min_buckets: int, baseline: int | None
) -> Arc:
    """The segment that clearly leaves the band of the rest; a `known` core is only made exact.

    A rest far wider than the densest half of the series holds more than one level: then the core is
    not where the deviation is, and that half is the band.

    Robust z above the reference are summed from either side, never below zero (Page 1954). The
    segment starts where the sum that first raises the alarm in the core left zero, and ends so
    seen from behind. Where no core is known it is the segment with the largest sum (Bentley 1984).
    """
    rest = level(*outside(x, core, baseline))
    dense = densest_half(*_sorted(x))
    even = (rest.scale <= MIXED * dense.scale) | np.isnan(dense.center) | (baseline is not None)
    center = np.where(even, rest.center, dense.center)
    scale = np.where(even, rest.scale, dense.scale)
    z = (x - center[:, None]) / scale[:, None]
    upward, downward = (_page(_gain(side * z, reference, baseline)) for side in (1.0, -1.0))
    larger = np.where(upward.max(axis=1) >= downward.max(axis=1), 1.0, -1.0)
    alarm = reference * min_buckets * (1.0 - 1e-9)
    ahead = np.where(core.sign[:, None] > 0, upward, downward)
    known = known & even & ((ahead >= alarm) & core.mask(x.shape[1])).any(axis=1)

    sign = np.where(known, core.sign, larger)
    ahead = np.where(sign[:, None] > 0, upward, downward)
    behind = _page(_gain(sign[:, None] * z, reference, baseline)[:, ::-1])
    buckets = x.shape[1]
    lo = np.where(known, core.lo, behind[:, ::-1].argmax(axis=1))
    hi = np.where(known, core.hi, ahead.argmax(axis=1) + 1)
    return Arc(
        _departure(ahead, lo, hi, alarm),
        buckets - _departure(behind, buckets - hi, buckets - lo, alarm),
        sign,
    )


def _gain(z: Floats, reference: float, baseline: int | None) -> Floats:
    """What each bucket adds: z above the reference, bounded both ways; nothing where missing."""
    gain = np.clip(z, 0.0, 2.0 * reference) - reference
    if baseline is not None:
        gain[:, :baseline] = -reference
    return np.nan_to_num(gain, copy=False)


def _page(gain: Floats) -> Floats:
    """The running sum of gains that restarts whenever it would fall below zero."""
    sums = np.cumsum(gain, axis=1)
    sums -= np.minimum(np.minimum.accumulate(sums, axis=1), 0.0)
    return sums


def _departure(sums: Floats, lo: Ints, hi: Ints, alarm: float) -> Ints:
    """Where the first sum to reach `alarm` between `lo` and `hi` left zero; `lo` if none does."""
    at = np.arange(sums.shape[1])
    raised = (sums >= alarm) & (at >= lo[:, None]) & (at < hi[:, None])
    first = raised.argmax(axis=1)
    zero = (sums <= 0.0) & (at < first[:, None])
    left = np.where(zero.any(axis=1), at.size - zero[:, ::-1].argmax(axis=1), 0)
    return np.where(raised.any(axis=1), left, lo)


@dataclass(frozen=True, slots=True)
class Excursion:
    """A measured segment: p as a short deviation, effect in robust z, levels outside and inside."""

    p_value: Floats
    effect: Floats
    before: Floats
    during: Floats


def measure(x: Floats, arc: Arc, extreme: float, baseline: int | None) -> Excursion:
    """Compare each segment with the rest of its series; `extreme` is the z that counts as such."""
    ordered, count = outside(x, arc, baseline)
    rest = level(ordered, count)
    known = np.isfinite(x)
    inside = arc.mask(x.shape[1]) & known
    length = inside.sum(axis=1)
    measurable = (length > 0) & (count >= LEAST_REST)
    during = np.where(measurable, _reached(x, inside, length, arc.sign), rest.center)
    effect = np.clip((during - rest.center) / rest.scale, -MAX_EFFECT, MAX_EFFECT)

    side = (arc.sign / rest.scale)[:, None]
    z = side * (x - rest.center[:, None])
    beyond = z > extreme
    clumps = clumping(np.clip(z, -extreme, extreme), known & ~inside)
    together = _together(
        *(n.sum(axis=1) / clumps for n in (known, inside, beyond, beyond & inside)),
    )
    tail = side * (_tail(ordered, count, arc.sign) - rest.center[:, None])
    apart = _apart(np.abs(effect), length / clumps, tail, count / clumps)
    apart = np.where(rest.smooth, apart, 1.0)
    both = together * apart
    joined = np.where(apart < 1.0, both * (1.0 - np.log(np.maximum(both, TINY))), both)
    p_value = np.where(measurable, np.minimum(2.0 * joined, 1.0), 1.0)
    return Excursion(p_value, np.where(measurable, effect, 0.0), rest.center, during)


def _reached(x: Floats, inside: Bools, length: Ints, sign: Floats) -> Floats:
    """The level that more than half of the buckets inside reach or pass."""
    ordered = np.sort(np.where(inside, sign[:, None] * x, np.inf), axis=1)
    return np.asarray(sign * nth(ordered, np.maximum(length - 1, 0) // 2), dtype=np.float64)


def clumping(values: NDArray[Any], counted: Bools) -> Floats:
    """How many neighbouring buckets tell what one independent bucket would.

    (1 + r) / (1 - r) with r the first autocorrelation of the `counted` values, corrected for its
    bias (Kendall 1954) and taken as positive.
    """
    every = counted.all()
    count = np.maximum(np.count_nonzero(counted, axis=1), 1)
    pairs = np.count_nonzero(counted[:, 1:] & counted[:, :-1], axis=1)
    values = values if every else np.where(counted, values, 0.0)
    mean = (values.sum(axis=1) / count)[:, None]
    values = values - (mean if every else np.where(counted, mean, 0.0)).astype(values.dtype)
    power = np.einsum("ij,ij->i", values, values) / count
    lagged = np.einsum("ij,ij->i", values[:, 1:], values[:, :-1]) / np.maximum(pairs, 1)
    r = np.where(power > DUST, lagged / np.maximum(power, DUST), 0.0)
    r = np.where(power > DUST, np.clip(r + (1.0 + 4.0 * r) / count, 0.0, MOST_CORRELATED), 0.0)
    return np.asarray((1.0 + r) / (1.0 - r), dtype=np.float64)


def _together(count: Floats, length: Floats, extreme: Floats, inside: Floats) -> Floats:
    """How probable so many of the extreme buckets are within one stretch of that length.

    The leading term of the hypergeometric tail times the number of stretches, each length paying
    its share (scan statistic given the number of events, Naus 1965).
    """
    missed = np.minimum(extreme - inside, count - length)
    one = log_choose(length, inside) + log_choose(count - length, missed)
    one -= log_choose(count, inside + missed)
    stretches = np.log(np.maximum(count, 1.0)) + np.log(
        np.clip(length * (length + 1.0), 1.0, np.maximum(count, 1.0))
    )
    return np.asarray(np.exp(np.minimum(one + stretches, 0.0)), dtype=np.float64)


def _tail(ordered: Floats, count: Ints, sign: Floats) -> Floats:
    """The most extreme values of each sorted row, on the side of `sign`, most extreme first."""
    at = np.arange(min(TAIL_BUCKETS + 1, ordered.shape[1]))
    from_end = np.maximum(count[:, None] - 1 - at, 0)
    from_start = np.broadcast_to(at, from_end.shape)
    return np.take_along_axis(ordered, np.where(sign[:, None] > 0, from_end, from_start), axis=1)


def _apart(effect: Floats, length: Floats, tail: Floats, count: Floats) -> Floats:
    """How probable it is that more than half a segment lies so far beyond the rest.

    Beyond its threshold a Pareto tail has exponential logs, and ratios of exponentials have an F
    distribution (Pisarenko and Sornette 2012); lighter tails only make the test more careful.
    """
    spacings = np.log(np.fmax(tail, 1.0))
    used = np.clip(count // 3, 5, tail.shape[1] - 1).astype(np.int64)
    within = np.arange(tail.shape[1]) < used[:, None]
    heaviness = np.where(within, spacings, 0.0).sum(axis=1) / used - nth(spacings, used)
    gap = np.maximum(np.log(np.maximum(effect, 1.0)) - spacings[:, 0], 0.0)
    half = np.minimum(np.floor(length / 2.0) + 1.0, length)
    ratio = half * gap / np.maximum(heaviness, LEAST_TAIL)
    logp = log_choose(length, half) - used * np.log1p(ratio / used)
    return np.asarray(np.exp(np.minimum(logp, 0.0)), dtype=np.float64)
