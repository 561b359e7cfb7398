"""How far each series departs, in a stretch of trouble, from how it is in calm time.

A segment of the trouble is judged twice: by how far its mean lies from the calm level, and by how
far from the mean just before it. Either distance is compared with those of as long segments of the
series' own calm time (an intersection-union test, Berger 1982: the milder judgement holds). So what
wanders, climbs steadily or clumps does so in calm time too and surprises nobody; a heavy tail,
learned from calm time as far as it goes, extends the comparison beyond what was seen there. The
best of all segments counts, after paying for how many there were (Bonferroni over those that
overlap by half or less, both directions and all lengths).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    clumping,
    level,
    nth,
)
from agent.analysis.tails import tail

Kind = Literal["level", "trend", "variance", "missing", "appeared"]

MOST_NATS = 30.0
SCREEN = 3.0  # robust z of a segment's mean, were its buckets independent: less is not looked at
LONGEST = 3  # segments must fit into the calm time that often
REFERENCE = 4  # buckets before a segment that it is compared with; as many as it has, if more
FARTHEST_Z = 1e6
_CHUNK = 1 << 16  # values at once: what the caches hold


@dataclass(frozen=True, slots=True)
class Departures:
    """One entry a series: its most surprising segment, `start` to `end` (exclusive).

    `surprise` is in nats, 0 to 30, and 0 with a segment of -1 where nothing is to be said. `effect`
    is the robust z of the level within (`during`) against that of calm time (`before`), signed, at
    most a thousand; `before` and `during` are NaN where there is no such level.
    """

    surprise: Floats
    effect: Floats
    start: Ints
    end: Ints
    before: Floats
    during: Floats
    kind: NDArray[np.str_]


def departures(values: Floats, calm: Bools, trouble: slice) -> Departures:
    """The segment inside `trouble` of each row of `values` (series, buckets) that departs most.

    NaN is missing. `calm` marks the buckets that are calm as far as is known: a minority of them
    may not be. A series that falls silent, or first speaks, while others go on, departs too.
    """
    if values.ndim != 2 or calm.shape != values.shape[1:]:
        raise ValueError(f"values are {values.shape}, calm {calm.shape}; expected (s, b) and (b,)")
    start, end, _ = trouble.indices(values.shape[1])
    found = _nothing(len(values))
    calm = calm.copy()
    calm[start:end] = False
    if end <= start or not calm.any() or not len(values):
        return found
    watched = np.isfinite(values).any(axis=0)
    rows = max(1, _CHUNK // values.shape[1])
    for first in range(0, len(values), rows):
        part = slice(first, min(first + rows, len(values)))
        _examine(values[part], calm, start, end, watched, found, first)
    return found


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


def _examine(
    values: Floats, calm: Bools, start: int, end: int, watched: Bools, found: Departures, first: int
) -> None:
    """Screen a chunk of series, scan what stands out, and note what is found."""
    finite = np.isfinite(values)
    x = values if finite.all() else np.where(finite, values, np.nan)
    ordered = np.sort(x[:, calm], axis=1)
    count = np.count_nonzero(np.isfinite(ordered), axis=1)
    rest = level(ordered, count)
    floor = np.fmax(LEAST_SCALE * np.abs(rest.center), DUST)
    with np.errstate(over="ignore", invalid="ignore"):
        z = (x[:, start:end] - rest.center[:, None]) / rest.scale[:, None]
    z = np.clip(z, -FARTHEST_Z, FARTHEST_Z)
    found.before[first : first + len(x)] = rest.center
    odd = np.flatnonzero((count >= LEAST_REST) & (_farthest(z) >= SCREEN))
    if odd.size:
        with np.errstate(over="ignore", invalid="ignore"):
            y = (x[odd] - rest.center[odd, None]) / rest.scale[odd, None]
        y = np.clip(y, -FARTHEST_Z, FARTHEST_Z)
        nats, sign, lo, hi = _scan(y, calm, start, end, floor[odd] / rest.scale[odd])
        lo, hi = _bounds(y, start, end, sign, lo, hi)
        inside = np.arange(y.shape[1])
        within = (inside >= lo[:, None]) & (inside < hi[:, None])
        during = _median(np.where(within, x[odd], np.nan))
        effect = (during - rest.center[odd]) / rest.scale[odd]
        at = first + odd
        found.surprise[at] = nats
        found.effect[at] = np.clip(effect, -MAX_EFFECT, MAX_EFFECT)
        found.start[at], found.end[at] = lo, hi
        found.during[at] = during
    _presence(finite, calm, start, end, watched, found, first)


def _presence(
    finite: Bools, calm: Bools, start: int, end: int, watched: Bools, found: Departures, first: int
) -> None:
    """Note the series that fell silent while others went on, and those that first spoke."""
    heard = np.count_nonzero(finite[:, calm & watched], axis=1) / max(1, (calm & watched).sum())
    silent = (~finite[:, start:end] & watched[start:end]).any(axis=1)
    spoke = finite[:, start:end].any(axis=1)
    odd = np.flatnonzero(np.where(heard > 0.5, silent, spoke & (heard == 0.0)))
    if not odd.size:
        return
    usual = np.where(heard[odd] > 0.5, 1.0, 0.0)
    y = np.where(watched, finite[odd] - usual[:, None], np.nan)
    nats, _, lo, hi = _scan(y, calm, start, end, np.full(odd.size, LEAST_SCALE))
    better = nats > found.surprise[first + odd]
    at = first + odd[better]
    found.surprise[at], found.effect[at] = nats[better], np.where(usual[better] > 0, -1.0, 1.0)
    found.start[at], found.end[at] = lo[better], hi[better]
    found.kind[at] = np.where(usual[better] > 0, "missing", "appeared")
    found.during[at] = np.nan


def _farthest(z: Floats) -> Floats:
    """The largest z of any segment of the trouble, were its buckets independent."""
    known = np.isfinite(z)
    sums = np.zeros((len(z), z.shape[1] + 1))
    np.cumsum(np.where(known, z, 0.0), axis=1, out=sums[:, 1:])
    most = np.zeros(len(z))
    for width in _widths(z.shape[1], z.shape[1]):
        reach = np.abs(sums[:, width:] - sums[:, :-width]).max(axis=1) / np.sqrt(width)
        np.maximum(most, reach, out=most)
    return most


def _widths(trouble: int, calm: int) -> list[int]:
    """The lengths of segments to try: powers of two, and the whole trouble."""
    most = min(trouble, max(1, calm // LONGEST))
    return sorted({1 << i for i in range(most.bit_length()) if 1 << i <= most} | {most})


def _means(y: Floats, width: int) -> Floats:
    """The mean of every `width` neighbouring buckets; NaN where less than half are known."""
    known = np.isfinite(y)
    sums, counts = np.zeros((2, len(y), y.shape[1] + 1))
    np.cumsum(np.where(known, y, 0.0), axis=1, out=sums[:, 1:])
    np.cumsum(known, axis=1, out=counts[:, 1:])
    number = counts[:, width:] - counts[:, :-width]
    means = (sums[:, width:] - sums[:, :-width]) / np.maximum(number, 1.0)
    return np.where(2.0 * number >= width, means, np.nan)


def _scan(
    y: Floats, calm: Bools, start: int, end: int, floor: Floats
) -> tuple[Floats, Floats, Ints, Ints]:
    """The most surprising segment of each row: nats, its sign, where it starts and ends.

    Rows are centred on the calm level; what lies within `floor` is no difference.
    """
    best = np.zeros(len(y)), np.ones(len(y)), np.full(len(y), start), np.full(len(y), end)
    quiet = np.where(calm, y, np.nan)
    widths = _widths(end - start, int(calm.sum()))
    for width in widths:
        searched = 2.0 * len(widths) * (1.0 + 2.0 * (end - start - width) / width)
        of_level, of_change = (
            _nats(ask(y, width)[:, start : end - width + 1], ask(quiet, width), width, floor)
            for ask in (_means, _changes)
        )
        _note(best, np.fmin(of_level, of_change) - np.log(searched), start, width)
    nats, sign, lo, hi = best
    return np.clip(nats, 0.0, MOST_NATS), sign, lo, hi


def _changes(y: Floats, width: int) -> Floats:
    """How far the mean of each segment lies from that of the buckets just before it."""
    reference = max(width, REFERENCE)
    means = _means(y, width)
    changes = np.full(means.shape, np.nan)
    before = _means(y, reference)[:, : max(0, means.shape[1] - reference)]
    changes[:, reference:] = means[:, reference:] - before
    return changes


def _nats(seen: Floats, known: Floats, width: int, floor: Floats) -> Floats:
    """-ln p of each distance in both directions (2, rows, segments); NaN where it is not known."""
    known = known[:, :: max(1, width // 4)]
    ordered = np.sort(known, axis=1)
    count = np.count_nonzero(np.isfinite(ordered), axis=1)
    last = np.maximum(count - 1, 0)
    center = (nth(ordered, last // 2) + nth(ordered, (last + 1) // 2)) / 2.0
    clumps = clumping(np.nan_to_num(known - center[:, None]), np.isfinite(known))
    off = seen - center[:, None]
    distance = np.nan_to_num(off)
    above = tail(ordered, count, center, floor, clumps)
    below = tail(np.sort(-known, axis=1), count, -center, floor, clumps)
    nats = np.stack([above.nats(distance), below.nats(-distance)])
    nats[:, np.isnan(off)] = np.nan
    nats[:, count < LEAST_REST] = np.nan
    return nats


def _note(best: tuple[Floats, Floats, Ints, Ints], nats: Floats, start: int, width: int) -> None:
    """Keep in `best` what surprises more than what it holds."""
    flat = np.nan_to_num(nats, nan=-1.0).transpose(1, 0, 2).reshape(nats.shape[1], -1)
    at = flat.argmax(axis=1)
    most = nth(flat, at)
    better = most > best[0]
    side, place = np.divmod(at, nats.shape[2])
    best[0][better] = most[better]
    best[1][better] = np.where(side == 0, 1.0, -1.0)[better]
    best[2][better] = start + place[better]
    best[3][better] = start + place[better] + width


def _bounds(y: Floats, start: int, end: int, sign: Floats, lo: Ints, hi: Ints) -> tuple[Ints, Ints]:
    """The segment drawn out, or in, to the buckets that stay beyond half of its height."""
    at = np.arange(y.shape[1])
    within = (at >= lo[:, None]) & (at < hi[:, None])
    height = sign * _median(np.where(within, y, np.nan))
    beyond = (sign[:, None] * y > height[:, None] / 2.0) | np.isnan(y)
    beyond &= (at >= start) & (at < end)
    seed = (beyond & within).argmax(axis=1)
    fell = ~beyond & (at < seed[:, None])
    first = np.where(fell.any(axis=1), y.shape[1] - fell[:, ::-1].argmax(axis=1), 0)
    over = ~beyond & (at >= seed[:, None])
    last = np.where(over.any(axis=1), over.argmax(axis=1), y.shape[1])
    usable = (beyond & within).any(axis=1) & (last > first)
    return np.where(usable, np.maximum(first, start), lo), np.where(usable, last, hi)


def _median(x: Floats) -> Floats:
    """The median of what is finite in each row; NaN if nothing is."""
    ordered = np.sort(x, axis=1)
    last = np.maximum(np.count_nonzero(np.isfinite(ordered), axis=1) - 1, 0)
    return (nth(ordered, last // 2) + nth(ordered, (last + 1) // 2)) / 2.0
