"""What requests do on their way: whether a mean per run shifted, told from sums over whole traces.

Runs of one trace go together, so traces are what is counted: a rate is a ratio of sums over traces,
and its variance that of the traces' residuals (the ratio estimator of Cochran 1977, chapter 6). The
sums are additive over slots of time, so every stretch of slots is asked at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.analysis.distributions import student_two_sided

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Calm = tuple[Floats, Floats, Floats]

LEAST_TRACES = 3.0  # on either side
PRESSING = 2.0  # times as much as before: who was half idle has no time left
_FREEDOM = 30.0  # of a pooled z
_TINY = 1e-12
_CHUNK = 20_000  # series at once: what fits a processor's cache


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the traces of each slot, arrays of series x slots.

    A trace has p runs, and in them c of what is counted (calls, failures, logarithms of times):
    `traces` is how many traces there are; p, pp, c, cc and cp are the sums of those products.
    """

    traces: Floats
    p: Floats
    pp: Floats
    c: Floats
    cc: Floats
    cp: Floats

    def rows(self, chosen: slice) -> Sums:
        """Some of the series."""
        return Sums(*(getattr(self, name)[chosen] for name in Sums.__slots__))

    def over(self, slots: slice) -> Sums:
        """The sums over a stretch of slots, one number a series."""
        return Sums(*(getattr(self, name)[:, slots].sum(axis=1) for name in Sums.__slots__))


@dataclass(frozen=True, slots=True)
class Shift:
    """Of each series the stretch that differs most from all before: slots `start` to `end`.

    `z` is the signed difference in its standard errors, `surprise` is -ln of its chance (Student's
    t), not paid for the stretches; `before` and `during` are means per run. A series that
    cannot be compared has no surprise.
    """

    start: Ints
    end: Ints
    z: Floats
    surprise: Floats
    before: Floats
    during: Floats


@dataclass(frozen=True, slots=True)
class Noise:
    """What calm time may do though it was not seen to.

    `pseudo` is the squared residual of one trace that is thought of beside those seen, so that a
    few that happen to agree do not seem certain. `near` and `far` are variances by which rates
    differ from slot to slot, and from the first `elsewhere` slots, which are of another hour.
    `together` is the share of what single runs vary by that runs of one stretch have in common, so
    that no number of them counts for more than its inverse. `apart` measures what varies about the
    mean of each side, as is right for times; what is counted varies about the rate that both would
    have if nothing had changed, for it may be constant on each side.
    """

    pseudo: float
    near: float = 0.0
    far: float = 0.0
    elsewhere: int = 0
    together: float | Floats = 0.0
    apart: bool = False

    def rows(self, chosen: slice) -> Noise:
        """The noise of some of the series."""
        if isinstance(self.together, float):
            return self
        return replace(self, together=self.together[chosen])


def shifts(sums: Sums, first: int, noise: Noise) -> Shift:
    """Compare every stretch of slots from `first` on with all slots before it."""
    count, slots = sums.p.shape
    whole = Shift(
        np.full(count, first, dtype=np.int64),
        np.full(count, slots, dtype=np.int64),
        *(np.zeros(count) for _ in range(4)),
    )
    for low in range(0, count, _CHUNK):
        rows = slice(low, min(low + _CHUNK, count))
        _search(sums.rows(rows), first, noise.rows(rows), _view(whole, rows))
    return whole


def _view(shift: Shift, rows: slice) -> Shift:
    return Shift(*(getattr(shift, name)[rows] for name in Shift.__slots__))


def _search(sums: Sums, first: int, noise: Noise, best: Shift) -> None:
    """Fill in the best stretch of each series."""
    slots = sums.p.shape[1]
    freedom = np.ones(len(sums.p))
    for start in range(max(first, 1), slots):
        base, calm = calm_before(sums, start, noise)
        for end in range(start + 1, slots + 1):
            inside = sums.over(slice(start, end))
            difference, variance, free = compared(base, inside, calm, noise)
            z = difference / np.sqrt(variance)
            better = np.abs(z) > np.abs(best.z)
            at = np.flatnonzero(better)
            best.z[at], freedom[at] = z[at], free[at]
            best.start[at], best.end[at] = start, end
            best.before[at] = base.c[at] / base.p[at]
            best.during[at] = inside.c[at] / inside.p[at]
    tail = student_two_sided(best.z, freedom)
    best.surprise[:] = -np.log(np.maximum(tail, 1e-300))


def calm_before(sums: Sums, start: int, noise: Noise) -> tuple[Sums, Calm]:
    """The sums of all slots before `start`, and how these differ, of how many, and their drift."""
    base = sums.over(slice(0, start))
    away = sums.p[:, : noise.elsewhere].sum(axis=1) / np.maximum(base.p, 1.0)
    drift = noise.near + (noise.far - noise.near) * away
    return base, (*_between(sums, start, base), drift)


def _between(sums: Sums, start: int, base: Sums) -> tuple[Floats, Floats]:
    """How far calm slots differ more than their traces explain: a variance, and of how many slots.

    By moments, as DerSimonian and Laird (1986) take the variance between studies.
    """
    p, c = sums.p[:, :start], sums.c[:, :start]
    seen = p > 0
    rate = np.divide(c, p, out=np.zeros_like(c), where=seen)
    mean = np.divide(base.c, base.p, out=np.zeros_like(base.c), where=base.p > 0)
    cc, cp, pp = (getattr(sums, name)[:, :start] for name in ("cc", "cp", "pp"))
    within = (cc - 2.0 * rate * cp + np.square(rate) * pp).sum(axis=1)
    weight = np.maximum(base.p, 1.0)
    spread = (p * np.square(rate - mean[:, None])).sum(axis=1)
    slots = seen.sum(axis=1)
    even = weight - np.square(p).sum(axis=1) / weight
    excess = spread - (slots - 1.0) * within / weight
    variance = np.divide(excess, even, out=np.zeros_like(even), where=even > _TINY)
    evenly = np.square(base.p) / np.maximum(np.square(p).sum(axis=1), _TINY)
    return np.maximum(variance, 0.0), np.maximum(evenly, 1.0)


def compared(base: Sums, inside: Sums, calm: Calm, noise: Noise) -> tuple[Floats, Floats, Floats]:
    """The difference of two rates, its variance (infinite where too few), its degrees of freedom.

    `calm` is by how much its slots differ (a variance), how many there are, and their drift.
    """
    apart, slots, drift = calm
    runs, both = base.p + inside.p, base.p * inside.p
    enough = (base.traces >= LEAST_TRACES) & (inside.traces >= LEAST_TRACES)
    runs, both = np.where(enough, runs, 1.0), np.where(enough, both, 1.0)
    rate = (base.c + inside.c) / runs
    if noise.apart:
        before, about = (_residual(one, one.c / np.maximum(one.p, 1.0)) for one in (base, inside))
        residual = before + about
        chance = np.maximum((residual + noise.pseudo) / both, about / np.square(inside.p + ~enough))
    else:
        residual = _residual(base, rate) + _residual(inside, rate)
        chance = (residual + noise.pseudo) / both
    wander = apart * (1.0 + 1.0 / slots)
    alike = drift + 2.0 * noise.together * residual / runs
    variance = chance + wander + alike
    difference = (inside.c - rate * inside.p) * runs / both
    traces = np.maximum(base.traces + inside.traces - 2.0, 1.0)
    freedom = variance**2 / (chance**2 / traces + wander**2 / np.maximum(slots - 1.0, 1.0))
    return difference, np.where(enough, variance, np.inf), np.maximum(freedom, 1.0)


def _residual(sums: Sums, rate: Floats) -> Floats:
    """The squared residuals of the traces about a rate."""
    return np.maximum(sums.cc - 2.0 * rate * sums.cp + np.square(rate) * sums.pp, 0.0)


def pooled(z: Floats, groups: Ints, count: int) -> Floats:
    """One z of each group's several, taken as correlated by half (Stouffer 1949): 0 for none.

    A group that shifts as a whole has about 1.4 times its mean z, one with a single odd member of
    many hardly any.
    """
    members = np.bincount(groups, minlength=count)
    total = np.bincount(groups, weights=z, minlength=count)
    return np.asarray(total / np.sqrt(np.maximum(members * (1.0 + members) / 2.0, 1.0)))


def surprises(pooled_z: Floats) -> Floats:
    """-ln of the chance of each z that was made of several, in nats."""
    tail = student_two_sided(pooled_z, np.full(len(pooled_z), _FREEDOM))
    return np.asarray(-np.log(np.maximum(tail, 1e-300)))
