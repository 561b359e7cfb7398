"""Natural experiments: two versions at one time, one series before and after, peers beside it.

A trial without enough on either side is not assessable and says why: that is never a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.analysis.distributions import binomial_tails, log_choose, normal_two_sided
from agent.analysis.excursions import clumping

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_VALUES = 8  # on either side of a comparison of values
LEAST_OUTCOMES = 8  # on either side of a comparison of failures, exact where they are few
LEAST_STRATA = 10  # to let the spread between strata speak
LEAST_EXPECTED = 5.0  # failures either way for the normal approximation (Mantel and Fleiss 1980)
PERMUTATIONS = 1999


@dataclass(frozen=True, slots=True)
class Trial:
    """What a comparison of the new with the old says; `effect` is explained by each function."""

    effect: float
    p_value: float
    n_old: int
    n_new: int
    old: float
    new: float
    assessable: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rates:
    """One entry a pair of counts: p two-sided, and the rate after over the rate before."""

    p_value: Floats
    ratio: Floats


def old_against_new(value: ArrayLike, is_new: ArrayLike, stratum: ArrayLike) -> Trial:
    """Compare values of two versions within strata, usually the time buckets both served.

    The stratified rank sum test (van Elteren 1960), tie-corrected. Values of one bucket share its
    luck, so the variance is the larger of the test's own and the one seen between strata. `effect`
    is Vargha and Delaney's A (2000): the chance that the new version's value is the larger, 0.5 for
    no difference. `old` and `new` are medians as if both had been used equally in every stratum.
    """
    values = np.asarray(value, dtype=np.float64)
    known = np.isfinite(values)
    new, groups = np.asarray(is_new, dtype=np.bool_)[known], np.asarray(stratum)[known]
    table = _Strata.of(new, groups)
    values, new, group = values[known][table.kept], new[table.kept], table.group
    n_new, n_old = int(new.sum()), int((~new).sum())
    if min(n_new, n_old) < LEAST_VALUES:
        return _not_assessable(n_old, n_new, "values at the same time")

    rank = _ranks_within(values, group)
    m, n = table.new, table.old
    total = m + n
    weight = 1.0 / (total + 1.0)
    rank_sum = _sums(group, rank * new)
    spread = _sums(group, (rank - (total[group] + 1.0) / 2.0) ** 2)
    parts = weight * (rank_sum - m * (total + 1.0) / 2.0)
    variance = float(np.sum(weight**2 * m * n / (total * (total - 1.0)) * spread))
    if parts.size >= LEAST_STRATA:
        variance = max(variance, parts.size * float(np.var(parts, ddof=1)))
    wins = weight * (rank_sum - m * (m + 1.0) / 2.0)
    share = m * n / total
    return Trial(
        effect=float(wins.sum() / (weight * m * n).sum()),
        p_value=normal_two_sided(parts.sum() / np.sqrt(variance)) if variance > 0 else 1.0,
        n_old=n_old,
        n_new=n_new,
        old=_weighted_median(values[~new], (share / n)[group[~new]]),
        new=_weighted_median(values[new], (share / m)[group[new]]),
    )


def failures_old_against_new(failed: ArrayLike, is_new: ArrayLike, stratum: ArrayLike) -> Trial:
    """Compare failure rates of two versions within strata, usually the time buckets both served.

    Cochran (1954) and Mantel and Haenszel (1959), continuity-corrected; the exact conditional test
    (Gart 1970) where failures are too few for it. `effect` is the Mantel-Haenszel risk difference
    (Greenland and Robins 1985), new minus old; `old` and `new` are the rates with the same weights.
    """
    fail, new = np.asarray(failed, dtype=np.bool_), np.asarray(is_new, dtype=np.bool_)
    table = _Strata.of(new, np.asarray(stratum))
    fail, new = fail[table.kept], new[table.kept]
    m, n = table.new, table.old
    if min(m.sum(), n.sum()) < LEAST_OUTCOMES:
        return _not_assessable(int(n.sum()), int(m.sum()), "calls at the same time")

    bad = _sums(table.group, fail)
    bad_new = _sums(table.group, fail & new)
    total, share = m + n, m * n / (m + n)
    expected = m * bad / total
    least, most = np.maximum(0.0, bad - n), np.minimum(m, bad)
    room = min((expected - least).sum(), (most - expected).sum())
    if room < LEAST_EXPECTED:
        p_value = _exact(bad_new, bad, m, n, least, most)
    else:
        variance = np.sum(share * bad * (total - bad) / (total * (total - 1.0)))
        off = max(0.0, abs((bad_new - expected).sum()) - 0.5)
        p_value = normal_two_sided(off / np.sqrt(variance))
    rate_new = float((share * bad_new / m).sum() / share.sum())
    rate_old = float((share * (bad - bad_new) / n).sum() / share.sum())
    return Trial(rate_new - rate_old, p_value, int(n.sum()), int(m.sum()), rate_old, rate_new)


def difference_in_differences(
    before_new: ArrayLike,
    after_new: ArrayLike,
    before_old: ArrayLike,
    after_old: ArrayLike,
    *,
    seed: int = 0,
) -> Trial:
    """Compare how a changed series moved with how an unchanged one did, bucket by bucket.

    `before_*` share their buckets, and so do `after_*`; what moves both is no effect of the change.
    p is by permutation of the ranks of their differences. `effect` is the shift of the median
    difference in the unit of the values; `old` and `new` are how far each series' median moved.
    """
    new = [np.asarray(part, dtype=np.float64) for part in (before_new, after_new)]
    old = [np.asarray(part, dtype=np.float64) for part in (before_old, after_old)]
    if any(a.shape != b.shape for a, b in zip(new, old, strict=True)):
        raise ValueError("the series of new and old have different buckets; expected the same")
    known = [np.isfinite(a) & np.isfinite(b) for a, b in zip(new, old, strict=True)]
    before, after = (a[k] - b[k] for a, b, k in zip(new, old, known, strict=True))
    if min(before.size, after.size) < LEAST_VALUES:
        return _not_assessable(before.size, after.size, "buckets", "before", "after")
    moved_new, moved_old = (
        float(np.median(part[1][known[1]]) - np.median(part[0][known[0]])) for part in (new, old)
    )
    return Trial(
        effect=float(np.median(after) - np.median(before)),
        p_value=_permuted(before, after, seed),
        n_old=before.size,
        n_new=after.size,
        old=moved_old,
        new=moved_new,
    )


def before_against_after(values: ArrayLike, split: int, *, seed: int = 0) -> Trial:
    """Compare the buckets of one series before index `split` with those from it on.

    p is by permutation of ranks, discounted for the series' autocorrelation. `effect` is Vargha and
    Delaney's A (2000), the chance that a bucket after is the larger; `old` and `new` are the
    medians before and after.
    """
    series = np.asarray(values, dtype=np.float64)
    before, after = (part[np.isfinite(part)] for part in (series[:split], series[split:]))
    if min(before.size, after.size) < LEAST_VALUES:
        return _not_assessable(before.size, after.size, "buckets", "before", "after")
    joined = np.concatenate([before, after])
    rank = _ranks_within(joined, np.zeros(joined.size, dtype=np.int64))
    wins = rank[before.size :].sum() - after.size * (after.size + 1.0) / 2.0
    return Trial(
        effect=float(wins / (before.size * after.size)),
        p_value=_permuted(before, after, seed),
        n_old=before.size,
        n_new=after.size,
        old=float(np.median(before)),
        new=float(np.median(after)),
    )


def poisson_rates(
    count_before: ArrayLike,
    exposure_before: ArrayLike,
    count_after: ArrayLike,
    exposure_after: ArrayLike,
) -> Rates:
    """Compare counts over exposures (seconds, requests), element by element.

    Given their sum, the counts of one Poisson rate are binomial (Przyborowski and Wilenski 1940):
    p is twice the smaller exact tail, NaN where an exposure is not positive. The ratio has half an
    event added to either count (Haldane 1956), so that it is finite.
    """
    before, time_before, after, time_after = np.broadcast_arrays(
        *(
            np.asarray(part, dtype=np.float64)
            for part in (count_before, exposure_before, count_after, exposure_after)
        )
    )
    shape, exposed = before.shape, ((time_before > 0) & (time_after > 0)).ravel()
    a, ta, b, tb = (part.ravel()[exposed] for part in (after, time_after, before, time_before))
    below, above = binomial_tails(a, a + b, ta / (ta + tb))
    p_value, ratio = np.full(exposed.size, np.nan), np.full(exposed.size, np.nan)
    p_value[exposed] = np.minimum(2.0 * np.minimum(below, above), 1.0)
    ratio[exposed] = (a + 0.5) / ta / ((b + 0.5) / tb)
    return Rates(p_value.reshape(shape), ratio.reshape(shape))


def _not_assessable(n_old: int, n_new: int, what: str, old: str = "old", new: str = "new") -> Trial:
    reason = f"too few {what}, {old} or {new}, to tell"
    nan = float("nan")
    return Trial(nan, nan, n_old, n_new, nan, nan, assessable=False, reason=reason)


@dataclass(frozen=True, slots=True)
class _Strata:
    """The rows whose stratum holds both sides, the stratum of each, and the size of both sides."""

    kept: Bools
    group: NDArray[np.int64]
    new: Floats
    old: Floats

    @staticmethod
    def of(is_new: Bools, stratum: NDArray[np.generic]) -> _Strata:
        _, group = np.unique(stratum, return_inverse=True)
        total, new = _sums(group, np.ones(group.size)), _sums(group, is_new)
        both = (new > 0) & (new < total)
        number = np.cumsum(both) - 1
        kept = both[group]
        return _Strata(kept, number[group[kept]], new[both], (total - new)[both])


def _sums(group: NDArray[np.int64], weights: NDArray[Any]) -> Floats:
    return np.bincount(group, weights=weights).astype(np.float64)


def _ranks_within(values: Floats, group: NDArray[np.int64]) -> Floats:
    """The rank of each value in its group, from 1; equal values share their mean rank."""
    order = np.lexsort((values, group))
    v, g = values[order], group[order]
    fresh = np.flatnonzero(np.r_[True, (v[1:] != v[:-1]) | (g[1:] != g[:-1])])
    length = np.diff(np.r_[fresh, v.size])
    shared = np.repeat(fresh + (length + 1.0) / 2.0, length)
    ranks = np.empty_like(values)
    ranks[order] = shared - np.searchsorted(g, g)
    return ranks


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2.0)])


def _exact(
    bad_new: Floats, bad: Floats, m: Floats, n: Floats, least: Floats, most: Floats
) -> float:
    """The chance of a total of new failures no likelier than the one seen, given all margins."""
    chances = np.ones(1)
    for i in np.flatnonzero(most > least):
        x = np.arange(least[i], most[i] + 1.0)
        one = log_choose(np.full_like(x, m[i]), x)
        one += log_choose(np.full_like(x, n[i]), bad[i] - x)
        chances = np.convolve(chances, np.exp(one - np.logaddexp.reduce(one)))
    seen = chances[round(float((bad_new - least).sum()))]
    return min(1.0, float(chances[chances <= seen * (1.0 + 1e-7)].sum()))


def _permuted(before: Floats, after: Floats, seed: int) -> float:
    """How probable the shift in mean rank is when the buckets change places.

    Neighbouring buckets that move together are less evidence: the shift seen is divided by the
    square root of how many of them tell what one would.
    """
    series = np.concatenate([before, after])
    rank = _ranks_within(series, np.zeros(series.size, dtype=np.int64))
    rank -= rank.mean()
    levels = [rank[: before.size].mean(), rank[before.size :].mean()]
    within = rank - np.repeat(levels, [before.size, after.size])
    clumps = clumping(within[None], np.ones((1, rank.size), dtype=np.bool_))[0]
    seen = abs(rank[before.size :].sum()) / np.sqrt(clumps)
    random = np.random.default_rng(seed)
    drawn = random.permuted(np.broadcast_to(rank, (PERMUTATIONS, rank.size)), axis=1)
    chance = np.abs(drawn[:, before.size :].sum(axis=1))
    return float((1 + np.count_nonzero(chance >= seen * (1.0 - 1e-9))) / (1 + PERMUTATIONS))
