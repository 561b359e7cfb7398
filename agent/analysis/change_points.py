"""Where a series leaves its level, and whether it comes back: one segment a series.

Two questions are asked of every series and the stronger answer counts, paid for by doubling p.

1. *A long deviation*: the range of the cumulated centred ranks (Pettitt 1979) against Kuiper's
   distribution (Kuiper 1960), which lets the segment end (Levin and Kline 1985). Ranks make it deaf
   to outliers. Autocorrelated noise counts as fewer buckets, n (1 - r) / (1 + r) with r the first
   autocorrelation within the two levels (Bayley and Hammersley 1946).
2. *A short one*, for which ranks saturate: the segment with the largest sum of robust z above a
   reference (Page 1954; Bentley 1984), judged by how improbably its extreme buckets sit together
   (scan statistic given their number, Naus 1965) and by how far it stands out of the tail of the
   rest (Pisarenko and Sornette 2012); under the null the two are independent, and Fisher's rule
   joins them.

A tiny but significant drift is no deviation: the level must move by `min_effect` robust standard
deviations of the rest, and never by less than that many thousandths of the level itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.analysis.distributions import benjamini_hochberg, kuiper_tail
from agent.analysis.excursions import (
    DUST,
    LEAST_SCALE,
    Arc,
    Bools,
    Floats,
    Ints,
    clumping,
    densest_half,
    keep_freed_memory,
    level,
    measure,
    nth,
    refine,
)

Singles = NDArray[np.float32]  # half the memory for what only has to be ordered

LEAST_BUCKETS = 8  # a series with fewer finite buckets is not assessable
LEAST_BASELINE = 0.2  # of the buckets: a shorter beginning is itself the deviation
NEAR = 0.2  # with a p above it autocorrelation, which only makes p larger, is not asked about
SCREEN = 0.05  # a series with p above it is only looked at twice if two buckets are extreme
KNOWN = 0.01  # with a p below it the ranks alone say where the deviation is
_CHUNK = 1 << 16  # values at once: what the caches hold


@dataclass(frozen=True, slots=True)
class Shifts:
    """One entry a series; `p_value` is not adjusted, and NaN where a series is not assessable.

    `start` to `end` (exclusive; the number of buckets if it lasts) is the deviating segment, -1
    where none is significant. `effect` is the robust z of the level inside (`during`) against the
    rest (`before`): signed, at most a thousand, 0 where the data gave no reason to measure it.
    """

    start: Ints
    end: Ints
    p_value: Floats
    effect: Floats
    before: Floats
    during: Floats
    significant: Bools


def shifts(
    values: Floats,
    *,
    alpha: float = 0.01,
    min_effect: float = 4.0,
    min_buckets: int = 2,
    adjust: Literal["bh", "none"] = "bh",
    baseline: int | None = None,
) -> Shifts:
    """Find in each row of `values` (series, buckets; NaN is missing) the segment that deviates.

    `alpha` bounds the false discovery rate over all series ("bh") or the error of each ("none").
    The first `baseline` buckets, where given, are known to be normal. Without them the rest of the
    series is, and where the level changes once it is the later side that deviates, unless that
    would leave less than a fifth of the buckets to compare with.
    """
    if values.ndim != 2:
        raise ValueError(f"values have {values.ndim} dimensions; expected (series, buckets)")
    series, buckets = values.shape
    if baseline is not None and not 0 < baseline < buckets:
        raise ValueError(f"baseline is {baseline} buckets; expected 1 to {buckets - 1}")
    if buckets < LEAST_BUCKETS:
        return _not_assessable(series)
    every = np.arange(series)
    lo, hi, sign, p_value, before, odd = _in_chunks(
        partial(_screen, min_effect, baseline), values, every
    )
    start, end = np.full(series, -1), np.full(series, -1)
    effect, during = np.zeros(series), before.copy()
    at = every[odd]
    if at.size:
        start[at], end[at], p_value[at], effect[at], before[at], during[at] = _in_chunks(
            partial(_examine, min_effect, min_buckets, baseline),
            values,
            at,
            *(lo, hi, sign, p_value),
        )
    adjusted = benjamini_hochberg(p_value) if adjust == "bh" else p_value
    significant = (adjusted <= alpha) & (np.abs(effect) >= min_effect)
    significant &= end - start >= min_buckets
    return Shifts(
        start=np.where(significant, start, -1),
        end=np.where(significant, end, -1),
        p_value=p_value,
        effect=effect,
        before=before,
        during=np.where(significant, during, before),
        significant=significant,
    )


def _not_assessable(series: int) -> Shifts:
    none, unknown = np.full(series, -1), np.full(series, np.nan)
    return Shifts(none, none, unknown, np.zeros(series), unknown, unknown, none > 0)


def _in_chunks(
    ask: Callable[..., tuple[Any, ...]], values: Floats, at: Ints, *known: NDArray[Any]
) -> tuple[Any, ...]:
    """Ask about the rows `at`, as many at a time as the cache holds, and join the answers."""
    keep_freed_memory()
    rows = max(1, _CHUNK // values.shape[1])
    parts = [at[i : i + rows] for i in range(0, max(1, at.size), rows)]
    answers = [ask(_finite(values[part]), *(one[part] for one in known)) for part in parts]
    return tuple(np.concatenate(answer) for answer in zip(*answers, strict=True))


def _finite(x: Floats) -> Floats:
    """The values with infinities missing too."""
    finite = np.isfinite(x)
    return x if finite.all() else np.where(finite, x, np.nan)


def _screen(min_effect: float, baseline: int | None, x: Floats) -> tuple[NDArray[Any], ...]:
    """The segment of each series by its ranks, p and level; whether it looks odd."""
    ordered = np.sort(x, axis=1)
    count = np.count_nonzero(np.isfinite(ordered), axis=1)
    scores = _scores(x, ordered, count)
    sums = np.cumsum(scores, axis=1)
    lo, hi = _ends(sums)
    sign = np.ones(len(x))
    spread = np.abs(_sum_before(sums, hi) - _sum_before(sums, lo))
    p_value = _p_of_range(spread, count)
    far = _reach(ordered, count) >= min_effect
    near = np.flatnonzero((p_value <= NEAR) | far)
    if near.size:
        arc = _orient(sums[near], lo[near], hi[near], baseline)
        clumps = _clumping(scores[near], np.isfinite(x[near]), sums[near], arc)
        p_value[near] = _p_of_range(spread[near], count[near] * clumps)
        lo[near], hi[near], sign[near] = arc.lo, arc.hi, arc.sign
    assessable = count >= LEAST_BUCKETS
    odd = assessable & ((p_value <= SCREEN) | far)
    p_value = np.where(assessable, np.minimum(2.0 * p_value, 1.0), np.nan)
    return lo, hi, sign, p_value, level(ordered, count).center, odd


def _p_of_range(spread: Floats, variance: Floats | Ints) -> Floats:
    """P of a range of sums; it is a bucket's score short, for it is looked at between buckets."""
    return kuiper_tail((spread + 1.0) / np.sqrt(np.maximum(variance, 1.0)))


def _reach(ordered: Floats, count: Ints) -> Floats:
    """How far the second most extreme value lies from the densest half, in robust z."""
    dense = densest_half(ordered, count)
    highest = nth(ordered, np.maximum(count - 2, 0))
    far = np.maximum(highest - dense.center, dense.center - ordered[:, 1])
    least = np.maximum(LEAST_SCALE * np.abs(dense.center), DUST)
    scale = np.where(dense.smooth, dense.scale, least)  # off a constant, any step is worth a look
    return np.where(np.isnan(dense.center), np.inf, far / scale)


def _examine(
    min_effect: float,
    min_buckets: int,
    baseline: int | None,
    x: Floats,
    lo: Ints,
    hi: Ints,
    sign: Floats,
    p_long: Floats,
) -> tuple[NDArray[Any], ...]:
    """The exact segment of each odd series, p of the better of both questions, effect, levels."""
    reference = max(min_effect, 2.0) / 2.0
    arc = refine(x, Arc(lo, hi, sign), p_long <= KNOWN, reference, min_buckets, baseline)
    found = measure(x, arc, 2.0 * reference, baseline)
    p_value = np.minimum(p_long, np.minimum(2.0 * found.p_value, 1.0))
    return arc.lo, arc.hi, p_value, found.effect, found.before, found.during


def _scores(x: Floats, ordered: Floats, count: Ints) -> Singles:
    """Ranks with mean 0 and variance 1, ties sharing theirs; 0 where a bucket is missing."""
    buckets = x.shape[1]
    centred = np.arange(buckets) - (buckets - 1) / 2.0
    by_rank = np.broadcast_to(np.float32(centred / np.sqrt(np.mean(centred**2))), x.shape)
    tied = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    uneven = np.flatnonzero(tied | (count < buckets))
    if uneven.size:
        by_rank = by_rank.copy()
        by_rank[uneven] = _uneven_scores(ordered[uneven], count[uneven])
    scores: Singles = np.empty(x.shape, dtype=np.float32)
    np.put_along_axis(scores, np.argsort(x, axis=1), by_rank, axis=1)
    return scores


def _uneven_scores(ordered: Floats, count: Ints) -> Floats:
    """The scores of sorted rows with ties or missing values (sorted last)."""
    scores = _shared_ranks(ordered) - (count[:, None] - 1) / 2.0
    scores[np.isnan(ordered)] = 0.0
    norm = np.sqrt(np.einsum("ij,ij->i", scores, scores) / np.maximum(count, 1))
    return scores / np.where(norm > 0, norm, 1.0)[:, None]


def _shared_ranks(ordered: Floats) -> Floats:
    """The rank of each value of sorted rows, equal values sharing their mean rank."""
    at = np.arange(ordered.shape[1])
    fresh = np.ones(ordered.shape, dtype=np.bool_)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(fresh, at, 0), axis=1)
    closing = np.ones_like(fresh)
    closing[:, :-1] = fresh[:, 1:]
    last = np.where(closing, at, ordered.shape[1])[:, ::-1]
    return (first + np.minimum.accumulate(last, axis=1)[:, ::-1]) / 2.0


def _sum_before(sums: Singles, at: Ints) -> Floats:
    """The cumulated scores of the buckets before `at`."""
    return np.where(at > 0, nth(sums, at - 1), 0.0).astype(np.float64)


def _ends(sums: Singles) -> tuple[Ints, Ints]:
    """The segment between the highest and the lowest point of the cumulated scores."""
    top, bottom = sums.argmax(axis=1) + 1, sums.argmin(axis=1) + 1
    top = np.where(nth(sums, top - 1) > 0, top, 0)
    bottom = np.where(nth(sums, bottom - 1) < 0, bottom, 0)
    return np.minimum(top, bottom), np.maximum(top, bottom)


def _orient(sums: Singles, lo: Ints, hi: Ints, baseline: int | None) -> Arc:
    """Decide which side of the boundaries deviates, and which way.

    The level is one inside `lo` to `hi` and another outside. An edge that resembles the inside more
    than the other edge does not bound it: then the level changed once.
    """
    buckets = sums.shape[1]
    at_lo, at_hi = _sum_before(sums, lo), _sum_before(sums, hi)
    inside = (at_hi - at_lo) / np.maximum(hi - lo, 1)
    left, right = at_lo / np.maximum(lo, 1), -at_hi / np.maximum(buckets - hi, 1)
    least = 2.0 * np.log(buckets)
    joins_left = _same(left, inside, right, lo, hi - lo, least)
    joins_right = _same(right, inside, left, buckets - hi, hi - lo, least)
    no_left = (lo == 0) | ((hi < buckets) & joins_left)
    no_right = ~no_left & ((hi == buckets) | joins_right)
    change = np.where(no_left, hi, lo)
    once = no_left | no_right
    if baseline is None:
        early = once & (change < LEAST_BASELINE * buckets)
    else:
        early = np.zeros_like(once)
        covered = np.minimum(hi, baseline) - np.minimum(lo, baseline)
        once, change = once | (2 * covered > baseline), np.where(once, change, hi)
    lo = np.where(early, 0, np.where(once, change, lo))
    hi = np.where(early, change, np.where(once, buckets, hi))
    sign = np.where(_sum_before(sums, hi) >= _sum_before(sums, lo), 1.0, -1.0)
    return Arc(lo, hi, sign)


def _same(
    edge: Floats, inside: Floats, other: Floats, length: Ints, width: Ints, least: float
) -> Bools:
    """Whether an edge is at the level inside: nearer to it than the other, or too short to say."""
    evidence = (edge - inside) ** 2 * length * width / np.maximum(length + width, 1)
    nearer = np.abs(edge - inside) < np.abs(edge - other)
    return np.asarray(nearer | (evidence < least))


def _clumping(scores: Singles, known: Bools, sums: Singles, arc: Arc) -> Floats:
    """The clumping of the scores within the two levels."""
    within = _sum_before(sums, arc.hi) - _sum_before(sums, arc.lo)
    mask = arc.mask(scores.shape[1])
    inside = np.count_nonzero(mask & known, axis=1)
    others = np.count_nonzero(known, axis=1) - inside
    high, low = (
        side[:, None].astype(scores.dtype)
        for side in (within / np.maximum(inside, 1), -within / np.maximum(others, 1))
    )
    return clumping(scores - np.where(mask, high, low), known)
