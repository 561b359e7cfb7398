"""How far each series departs, in a stretch of trouble, from how it is in calm time.

A segment of the trouble is judged twice: by how far its mean lies from the calm level, and by how
far from the mean just before it. Either distance is compared with those of as long segments of the
series' own calm time (an intersection-union test, Berger 1982: the milder judgement holds). So what
wanders, climbs steadily or clumps does so in calm time too and surprises nobody; a heavy tail,
learned from calm time as far as it goes, extends the comparison beyond what was seen there. The
best of all segments counts, after paying for how many there were (Bonferroni over those that
overlap by half or less, both directions and all lengths). The same is asked of the logarithm of how
far the series moves from one bucket to the next: does it tremble, or stand still?

A series that was constant is asked something else: how often does a constant break, of which so
many siblings hold? So is whether one was heard at all, where others go on: it may fall silent, or
speak for the first time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.analysis.excursions import (
    DUST,
    LEAST_REST,
    LEAST_SCALE,
    MAX_EFFECT,
    Bools,
    Floats,
    Ints,
    Level,
    clumping,
    keep_freed_memory,
    level,
    nth,
)
from agent.analysis.tails import JEFFREYS, breaks_nats, proneness, tail

Kind = Literal["level", "trend", "variance", "constant", "missing", "appeared"]

MOST_NATS = 30.0
TREMBLING = 2.0  # robust z from one bucket to the next: less is not looked at (white noise: 1.1)
LOG_OF_NORMAL = 1.11  # the standard deviation of the log of a normal's absolute value
LONGEST = 3  # segments must fit into the calm time that often
REFERENCE = 4  # buckets before a segment that it is compared with; as many as it has, if more
TREMBLES = 4  # buckets: a shorter segment has no variance to speak of
CLIMBS = 0.2  # of a segment's height: by so much is a trend's second half beyond its first
OF_LEVEL, OF_VARIANCE = np.log(4.0 / 3.0), np.log(4.0)  # nats that either question pays
USUALLY = 0.5  # of the calm buckets: what is heard in more is missed when it falls silent
LARGEST = 1e100
FARTHEST_Z = 1e6
_CHUNK = 1 << 17  # values at once: what the caches hold


@dataclass(frozen=True, slots=True)
class Departures:
    """One entry a series: its most surprising segment, `start` to `end` (exclusive).

    `surprise` is in nats, 0 to 30; where nothing is to be said it is 0 and the segment -1. `effect`
    is the robust z of the level within (`during`) against that of calm time (`before`), signed, at
    most a thousand; levels are NaN where there is none. What knew one value in calm time is
    `constant`, whether it breaks or holds.
    """

    surprise: Floats
    effect: Floats
    start: Ints
    end: Ints
    before: Floats
    during: Floats
    kind: NDArray[np.str_]

    def note(self, at: Ints, best: Departures) -> None:
        """Keep what surprises more than what is known of the series `at`."""
        better = best.surprise > self.surprise[at]
        for name in self.__slots__:
            getattr(self, name)[at[better]] = getattr(best, name)[better]


@dataclass(frozen=True, slots=True)
class _Span:
    """The buckets that are calm, the trouble, and those in which anything was heard."""

    calm: Bools
    start: int
    end: int
    watched: Bools

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def trouble(self) -> slice:
        return slice(self.start, self.end)


@dataclass(frozen=True, slots=True)
class _Best:
    """The most surprising segment of each row so far: nats less what was paid, sign and bounds."""

    nats: Floats
    sign: Floats
    lo: Ints
    hi: Ints

    def note(self, nats: Floats, start: int, width: int) -> None:
        """Keep the segments of `nats` (2 directions, rows, places) that surprise more."""
        flat = np.nan_to_num(nats, nan=-np.inf).transpose(1, 0, 2).reshape(nats.shape[1], -1)
        at = flat.argmax(axis=1)
        most = nth(flat, at)
        side, place = np.divmod(at, nats.shape[2])
        better = most > self.nats
        self.nats[better] = most[better]
        self.sign[better] = np.where(side == 0, 1.0, -1.0)[better]
        self.lo[better] = start + place[better]
        self.hi[better] = start + place[better] + width


def departures(
    values: Floats, calm: Bools, trouble: slice, groups: Ints | None = None
) -> Departures:
    """The segment inside `trouble` of each row of `values` (series, buckets) that departs most.

    NaN is missing. `calm` marks the buckets that are calm as far as is known: a minority of them
    may not be. `groups` numbers what each series measures; without it all measure one thing.
    """
    if values.ndim != 2 or calm.shape != values.shape[1:]:
        raise ValueError(f"values are {values.shape}, calm {calm.shape}; expected (s, b) and (b,)")
    start, end, _ = trouble.indices(values.shape[1])
    found = _nothing(len(values))
    quiet: Bools = np.array(calm, dtype=np.bool_)
    quiet[start:end] = False
    if end <= start or not quiet.any():
        return found
    keep_freed_memory()
    span = _Span(quiet, start, end, _watched(values))
    every = np.arange(len(values))
    moved, known, count = _in_chunks(partial(_screen, span, found), values, every)
    if moved.any():
        _in_chunks(partial(_examine, span, found), values, every[moved])
    constant = found.kind == "constant"
    if constant.any():
        alike = np.zeros_like(every) if groups is None else groups
        prone = np.ones(len(values))
        prone[known] = proneness(constant[known], count[known], alike[known])
        _in_chunks(partial(_count_breaks, span, found, prone), values, every[constant])
    _in_chunks(partial(_presence, span, found), values, every)
    return found


def _in_chunks(
    ask: Callable[[Floats, Ints], tuple[NDArray[Any], ...]], values: Floats, at: Ints
) -> tuple[NDArray[Any], ...]:
    """Ask about the rows `at`, as many at a time as the caches hold, and join the answers."""
    rows = max(1, _CHUNK // values.shape[1])
    parts = [at[i : i + rows] for i in range(0, max(1, at.size), rows)]
    answers = [ask(values[part], part) for part in parts]
    return tuple(np.concatenate(answer) for answer in zip(*answers, strict=True))


def _watched(values: Floats) -> Bools:
    """The buckets in which at least one series was heard."""
    return np.asarray(np.isfinite(values).any(axis=0), dtype=np.bool_)


def _nothing(series: int) -> Departures:
    none, unknown = np.full(series, -1), np.full(series, np.nan)
    return Departures(
        surprise=np.zeros(series),
        effect=np.zeros(series),
        start=none,
        end=none.copy(),
        before=unknown,
        during=unknown.copy(),
        kind=np.full(series, "level", dtype="<U8"),
    )


def _known(values: Floats) -> Floats:
    """The values with infinities missing too, and none so large that sums overflow."""
    known = np.clip(values, -LARGEST, LARGEST)
    known[np.isinf(values)] = np.nan
    return known


def _screen(span: _Span, found: Departures, values: Floats, at: Ints) -> tuple[NDArray[Any], ...]:
    """Which series move in the trouble so that a closer look is due, which are known, how long."""
    x = _known(values)
    ordered = np.sort(x[:, span.calm], axis=1)
    count = np.count_nonzero(np.isfinite(ordered), axis=1)
    rest = level(ordered, count)
    found.before[at] = rest.center
    floor = _floor(rest)
    known = count >= LEAST_REST
    last = nth(ordered, np.maximum(count - 1, 0))
    constant = known & (np.fmax(last - rest.center, rest.center - ordered[:, 0]) <= floor)
    found.kind[at[constant]] = "constant"
    z = _standard(x[:, span.trouble], rest)
    restless = rest.smooth & _restless(z, floor / rest.scale)
    return known & ~constant & (_reaches(z) | restless), known, count


def _floor(rest: Level) -> Floats:
    """What is no difference yet: a thousandth of the level."""
    return np.fmax(LEAST_SCALE * np.abs(rest.center), DUST)


def _standard(x: Floats, rest: Level) -> Floats:
    """Robust z, bounded so that sums of it stay exact."""
    z = (x - rest.center[:, None]) / rest.scale[:, None]
    return np.asarray(np.clip(z, -FARTHEST_Z, FARTHEST_Z))


def _examine(span: _Span, found: Departures, values: Floats, at: Ints) -> tuple[Bools, ...]:
    """Look closely at some series that vary, and note what is found."""
    x = _known(values)
    rest = _at_rest(x, span)
    found.note(at, _moved(x, _standard(x, rest), rest, span))
    return ()


def _count_breaks(
    span: _Span, found: Departures, prone: Floats, values: Floats, at: Ints
) -> tuple[Bools, ...]:
    """Look closely at some series that were constant, and note what is found."""
    x = _known(values)
    rest = _at_rest(x, span)
    found.note(at, _broke(x, _standard(x, rest), rest, span, prone[at]))
    return ()


def _at_rest(x: Floats, span: _Span) -> Level:
    """The level of calm time."""
    ordered = np.sort(x[:, span.calm], axis=1)
    return level(ordered, np.count_nonzero(np.isfinite(ordered), axis=1))


def _reaches(z: Floats) -> Bools:
    """The series of which a segment reaches what the largest of as many normal ones would.

    Were buckets independent: what clumps is looked at more often than it deserves.
    """
    sums = _sums(z)
    most = np.zeros(len(z))
    widths = _widths(z.shape[1], LONGEST * z.shape[1])
    for width in widths:
        reach = np.abs(sums[:, width:] - sums[:, :-width]).max(axis=1) / np.sqrt(width)
        np.maximum(most, reach, out=most)
    return np.asarray(most >= np.sqrt(2.0 * np.log(2.0 * len(widths) * z.shape[1])))


def _restless(z: Floats, floor: Floats) -> Bools:
    """The series that stand still for as many buckets as tell of a variance, or that tremble."""
    steps = np.abs(np.diff(z, axis=1))
    run = TREMBLES - 1
    if steps.shape[1] < run:
        return np.zeros(len(z), dtype=np.bool_)
    still = _sums((steps <= floor[:, None]).astype(np.float64))
    known = np.maximum(np.count_nonzero(np.isfinite(steps), axis=1), 1)
    trembles = np.nan_to_num(steps).sum(axis=1) >= TREMBLING * known
    return np.asarray((still[:, run:] - still[:, :-run] >= run).any(axis=1) | trembles)


def _sums(y: Floats) -> Floats:
    """The sums of what is known before each bucket, and of all."""
    sums = np.zeros((len(y), y.shape[1] + 1))
    np.cumsum(np.nan_to_num(y), axis=1, out=sums[:, 1:])
    return sums


def _widths(trouble: int, calm: int) -> list[int]:
    """The lengths of segments to try: powers of two, and the whole trouble."""
    most = min(trouble, max(1, calm // LONGEST))
    return sorted({1 << i for i in range(most.bit_length()) if 1 << i <= most} | {most})


def _moved(x: Floats, y: Floats, rest: Level, span: _Span) -> Departures:
    """What surprises most of series that vary: their level, or how they tremble."""
    floor = _floor(rest) / rest.scale
    found = _described(x, y, _scan(y, floor, span, 1), rest, span, OF_LEVEL)
    if span.length < TREMBLES:
        return found
    steps = _steps(y, floor, span)
    odd = np.flatnonzero(_reaches(steps[:, span.trouble] / LOG_OF_NORMAL))
    if odd.size:
        best = _scan(steps[odd], floor[odd], span, TREMBLES)
        of_odd = Level(rest.center[odd], rest.scale[odd], rest.smooth[odd])
        tremble = _described(x[odd], steps[odd], best, of_odd, span, OF_VARIANCE)
        tremble.kind[:] = "variance"
        found.note(odd, tremble)
    return found


def _described(
    x: Floats, y: Floats, best: _Best, rest: Level, span: _Span, paid: float
) -> Departures:
    """A segment with its exact bounds, its levels and what it surprises."""
    lo, hi = _bounds(y, best, span)
    during = _median(_within(x, lo, hi))
    effect = np.nan_to_num((during - rest.center) / rest.scale)
    return Departures(
        surprise=_surprise(best.nats - paid),
        effect=np.clip(effect, -MAX_EFFECT, MAX_EFFECT),
        start=lo,
        end=hi,
        before=rest.center,
        during=during,
        kind=_kinds(y, lo, hi, best.sign),
    )


def _surprise(nats: Floats) -> Floats:
    """-ln of the chance that the best of many shows as much, which by Bonferroni is -`nats`.

    Were they independent it is 1 - exp(-exp(-nats)): never above 1, so that what does not surprise
    can still be told from what does so even less.
    """
    p_value = -np.expm1(-np.exp(-np.clip(nats, -6.0, 2 * MOST_NATS)))
    return np.clip(-np.log(p_value), 0.0, MOST_NATS)


def _steps(y: Floats, floor: Floats, span: _Span) -> Floats:
    """The logarithm of how far each bucket lies from the one before it, centred on calm time."""
    steps = np.full(y.shape, np.nan)
    steps[:, 1:] = np.abs(np.diff(y, axis=1))
    quiet = np.where(span.calm, steps, np.nan)
    usual = np.nan_to_num(_median(quiet))
    least = np.maximum(np.maximum(0.1 * usual, floor), DUST)[:, None]
    logs = np.log(np.maximum(steps, least))
    return np.asarray(logs - _median(np.where(span.calm, logs, np.nan))[:, None])


def _scan(y: Floats, floor: Floats, span: _Span, shortest: int) -> _Best:
    """The most surprising segment of each row; what lies within `floor` of 0 is no difference."""
    rows = len(y)
    best = _Best(
        np.full(rows, -np.inf), np.ones(rows), np.full(rows, span.start), np.full(rows, span.end)
    )
    from_ = max(0, span.start - max(span.length, REFERENCE))
    near, quiet = _Running.of(y[:, from_ : span.end]), _Running.of(np.where(span.calm, y, np.nan))
    widths = [w for w in _widths(span.length, int(span.calm.sum())) if w >= shortest]
    for width in widths:
        searched = 2.0 * len(widths) * (1.0 + 2.0 * (span.length - width) / width)
        places = range(span.start - from_, span.end - from_ - width + 1)
        known = range(0, y.shape[1] - width + 1, max(1, width // 4))
        of_level = _nats(near.means(places, width), quiet.means(known, width), floor)
        of_change = _nats(near.changes(places, width), quiet.changes(known, width), floor)
        best.note(np.fmin(of_level, of_change) - np.log(searched), span.start, width)
    return best


@dataclass(frozen=True, slots=True)
class _Running:
    """Running sums, from which the mean of any segment is told."""

    sums: Floats
    counts: Floats

    @classmethod
    def of(cls, y: Floats) -> _Running:
        counts = np.zeros((len(y), y.shape[1] + 1))
        np.cumsum(np.isfinite(y), axis=1, out=counts[:, 1:])
        return cls(_sums(y), counts)

    def means(self, starts: range, width: int) -> Floats:
        """The means of `width` buckets from `starts`; NaN where less than half are known."""
        since = slice(starts.start, starts.stop, starts.step)
        until = slice(starts.start + width, starts.stop + width, starts.step)
        number = self.counts[:, until] - self.counts[:, since]
        means = self.sums[:, until] - self.sums[:, since]
        means /= np.maximum(number, 1.0)
        means[2.0 * number < width] = np.nan
        return means

    def changes(self, starts: range, width: int) -> Floats:
        """How far those means lie from the mean of the buckets just before."""
        reference = max(width, REFERENCE)
        changes = np.full((len(self.sums), len(starts)), np.nan)
        early = len(range(starts.start, min(reference, starts.stop), starts.step))
        late = starts[early:]
        before = range(late.start - reference, late.stop - reference, late.step)
        if late:
            changes[:, early:] = self.means(late, width) - self.means(before, reference)
        return changes


def _nats(seen: Floats, known: Floats, floor: Floats) -> Floats:
    """-ln p of each distance in both directions (2, rows, segments); NaN where it is not known."""
    ordered = np.sort(known, axis=1)
    count = np.count_nonzero(np.isfinite(ordered), axis=1)
    last = np.maximum(count - 1, 0)
    center = (nth(ordered, last // 2) + nth(ordered, (last + 1) // 2)) / 2.0
    clumps = clumping(np.nan_to_num(known - center[:, None]), np.isfinite(known))
    off = seen - center[:, None]
    nats = np.stack(
        [
            tail(ordered, count, center, floor, clumps, upper=upper).nats(
                np.nan_to_num(off if upper else -off)
            )
            for upper in (True, False)
        ]
    )
    nats[:, np.isnan(off)] = np.nan
    nats[:, count < LEAST_REST] = np.nan
    return nats


def _broke(x: Floats, y: Floats, rest: Level, span: _Span, prone: Floats) -> Departures:
    """What surprises of series that were constant: each run of other values is a break."""
    floor = _floor(rest) / rest.scale
    off = np.abs(y[:, span.trouble]) > floor[:, None]
    found = _breaks(off, np.isfinite(x[:, span.calm]).sum(axis=1), span, prone)
    distance = np.abs(_median(_within(y, found.start, found.end))) / floor
    size = np.log1p(np.log(np.clip(np.nan_to_num(distance, nan=1.0), 1.0, MAX_EFFECT))) / 2.0
    broken = found.surprise > 0.0
    before = rest.center
    during = np.where(broken, _median(_within(x, found.start, found.end)), np.nan)
    effect = np.where(
        broken, np.clip((during - before) / _floor(rest), -MAX_EFFECT, MAX_EFFECT), 0.0
    )
    return Departures(
        surprise=np.where(broken, np.minimum(found.surprise + size, MOST_NATS), 0.0),
        effect=effect,
        start=found.start,
        end=found.end,
        before=before,
        during=during,
        kind=np.full(len(x), "constant", dtype="<U8"),
    )


def _breaks(off: Bools, calm: Ints, span: _Span, prone: Floats | float = JEFFREYS) -> Departures:
    """How surprising it is that what held for `calm` buckets does not where `off` says so."""
    runs = off[:, 0] + (off[:, 1:] & ~off[:, :-1]).sum(axis=1)
    found = _nothing(len(off))
    broken = runs > 0
    nats = breaks_nats(runs, span.length, calm, prone)
    found.surprise[:] = np.where(broken, np.clip(nats, 0.0, MOST_NATS), 0.0)
    first, last = off.argmax(axis=1), off.shape[1] - off[:, ::-1].argmax(axis=1)
    found.start[:] = np.where(broken, span.start + first, -1)
    found.end[:] = np.where(broken, span.start + last, -1)
    return found


def _presence(span: _Span, found: Departures, values: Floats, part: Ints) -> tuple[Bools, ...]:
    """Note the series that fell silent while others went on, and those that first spoke."""
    finite = np.isfinite(values)
    first = int(part[0]) if part.size else 0
    calm = span.calm & span.watched
    heard = finite[:, calm].sum(axis=1)
    usual = heard > USUALLY * calm.sum()
    silent = ~finite[:, span.trouble] & span.watched[span.trouble]
    odd = np.where(usual, silent.any(axis=1), finite[:, span.trouble].any(axis=1) & (heard == 0))
    at = np.flatnonzero(odd)
    if not at.size:
        return ()
    off = np.where(usual[at, None], silent[at], finite[at, span.trouble])
    best = _breaks(off, np.full(at.size, int(calm.sum())), span)
    gaps = usual[at] & (heard[at] < calm.sum())
    # what has gaps in calm time too is asked as any series that varies
    if gaps.any():
        y = np.where(span.watched, finite[at[gaps]] - 1.0, np.nan)
        told = _scan(y, np.full(len(y), LEAST_SCALE), span, 1)
        best.surprise[gaps] = _surprise(told.nats)
        best.start[gaps], best.end[gaps] = told.lo, told.hi
    best.kind[:] = np.where(usual[at], "missing", "appeared")
    best.effect[:] = np.where(usual[at], -1.0, 1.0)
    best.before[:] = found.before[first + at]
    found.note(first + at, best)
    return ()


def _bounds(y: Floats, best: _Best, span: _Span) -> tuple[Ints, Ints]:
    """The segment drawn out, or in, to the buckets that stay beyond half of its height."""
    at = np.arange(y.shape[1])
    within = (at >= best.lo[:, None]) & (at < best.hi[:, None])
    height = best.sign * _median(np.where(within, y, np.nan))
    beyond = (best.sign[:, None] * y > height[:, None] / 2.0) | np.isnan(y)
    beyond &= (at >= span.start) & (at < span.end)
    seed = (beyond & within).argmax(axis=1)
    fell = ~beyond & (at < seed[:, None])
    first = np.where(fell.any(axis=1), y.shape[1] - fell[:, ::-1].argmax(axis=1), 0)
    over = ~beyond & (at >= seed[:, None])
    last = np.where(over.any(axis=1), over.argmax(axis=1), y.shape[1])
    usable = (beyond & within).any(axis=1) & (last > first)
    return np.where(usable, np.maximum(first, span.start), best.lo), np.where(usable, last, best.hi)


def _kinds(y: Floats, lo: Ints, hi: Ints, sign: Floats) -> NDArray[np.str_]:
    """Whether a segment is a new level or a trend: its second half is clearly beyond its first."""
    middle = (lo + hi) // 2
    first, second = (sign * _median(_within(y, *ends)) for ends in ((lo, middle), (middle, hi)))
    trend = (hi - lo >= 2 * TREMBLES) & (second - first > np.maximum(CLIMBS * second, 1.0))
    return np.where(trend, "trend", "level").astype("<U8")


def _within(x: Floats, lo: Ints, hi: Ints) -> Floats:
    """The values between `lo` and `hi` of each row; NaN outside."""
    at = np.arange(x.shape[1])
    return np.where((at >= lo[:, None]) & (at < hi[:, None]), x, np.nan)


def _median(x: Floats) -> Floats:
    """The median of what is finite in each row; NaN if nothing is."""
    ordered = np.sort(x, axis=1)
    last = np.maximum(np.count_nonzero(np.isfinite(ordered), axis=1) - 1, 0)
    return np.asarray((nth(ordered, last // 2) + nth(ordered, (last + 1) // 2)) / 2.0)
