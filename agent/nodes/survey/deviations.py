"""From a table of buckets to signals: what each look at the window shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.analysis.change_points import shifts
from agent.analysis.scan import densest
from agent.state import Indicator, Look, Signal, Window

Floats = NDArray[np.float64]
Identity = dict[str, Any]

_MOST_SEGMENTS = 3
_ALPHA = 0.01


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity of a resource: how its level is compared, and the least that matters.

    A shift counts when it is at least `least` in the quantity's own unit and, where `ratio` is
    given, at least that many times the level before (or as much below). `log` compares ratios.
    A share in percent names what it counts: `events` of `trials`.
    `counts` says that where others were seen, not to be seen is zero and not unknown.
    """

    look: Look
    column: str
    indicator: Indicator
    subject: str
    unit: str
    own: bool
    least: float
    ratio: float = 0.0
    log: bool = False
    counts: bool = False
    rises_only: bool = True
    events: str = ""
    trials: str = "requests"


def matrix(frame: pd.DataFrame, key: str, column: str, buckets: int) -> tuple[list[Any], Floats]:
    """Spread `column` of a (key, bucket) frame into one row a key; what was not seen is NaN."""
    wide = frame.pivot_table(index=key, columns="bucket", values=column, aggfunc="first")
    wide = wide.reindex(columns=range(buckets))
    return list(wide.index), wide.to_numpy(dtype=np.float64)


def signals(
    frame: pd.DataFrame, key: str, measures: Iterable[Measure], window: Window, evidence: str
) -> list[Signal]:
    """The shifts of each measure, over all resources at once, that matter as well as deviate."""
    found = []
    for measure in measures:
        names, values = matrix(frame, key, measure.column, window.buckets)
        if measure.counts:
            values = _silence_counted(values)
        identities: list[Identity] = [{"resource": name} for name in names]
        shifted = of_series(values, measure, window, evidence, identities.__getitem__)
        found += shifted
        if measure.events:
            even = set(names) - {signal.resource for signal in shifted}
            found += _of_counts(frame, key, even, measure, window, evidence)
    return found


def _of_counts(
    frame: pd.DataFrame,
    key: str,
    names: set[Any],
    measure: Measure,
    window: Window,
    evidence: str,
) -> list[Signal]:
    """The stretches of trouble among so few requests that only their counts show it."""
    resources, events = matrix(frame, key, measure.events, window.buckets)
    _, trials = matrix(frame, key, measure.trials, window.buckets)
    found = []
    for row, name in enumerate(resources):
        stretch = densest(events[row], trials[row]) if name in names else None
        if stretch is None or stretch.p_value * len(resources) > _ALPHA:
            continue
        before, during = 100 * stretch.before, 100 * stretch.during
        if matters(before, during, measure):
            named = {"resource": name}
            segment = stretch.start, stretch.end, stretch.z
            found.append(_signal(segment, (before, during), measure, window, evidence, named))
    return found


def _silence_counted(values: Floats) -> Floats:
    """Zero for what is missing between the first and the last bucket that anything was seen in."""
    seen = np.flatnonzero(np.isfinite(values).any(axis=0))
    if not seen.size:
        return values
    at = np.arange(values.shape[1])
    watched = (at >= seen[0]) & (at <= seen[-1])
    return np.where(np.isnan(values) & watched, 0.0, values)


def of_series(
    values: Floats,
    measure: Measure,
    window: Window,
    evidence: str,
    named: Callable[[int], Identity],
) -> list[Signal]:
    """The shifts in `values` (series x buckets) as signals; `named` gives a row's identity."""
    found = []
    for row, start, end, effect in _segments(values, measure):
        before, during = _levels(values[row], start, end)
        if not matters(before, during, measure):
            continue
        segment, levels = (start, end, effect), (before, during)
        found.append(_signal(segment, levels, measure, window, evidence, named(row)))
    return found


def _signal(
    segment: tuple[int, int, float],
    levels: tuple[float, float],
    measure: Measure,
    window: Window,
    evidence: str,
    named: Identity,
) -> Signal:
    """A deviating segment (start, end, effect) with its levels before and during, in words."""
    start, end, effect = segment
    identity: dict[str, Any] = {
        "look": measure.look,
        "indicator": measure.indicator,
        "subject": measure.subject,
        "own": measure.own,
        "unit": measure.unit,
    } | named
    return Signal(
        onset=window.at(start),
        ended_at=window.at(end) if end < window.buckets else None,
        effect=effect,
        before=levels[0],
        during=levels[1],
        evidence=evidence,
        **identity,
    )


def _segments(values: Floats, measure: Measure) -> Iterator[tuple[int, int, int, float]]:
    """The deviating segments, (row, start, end, effect): once found, others are looked for."""
    left = np.log(np.maximum(values, 1e-9)) if measure.log else values.copy()
    rows = np.arange(len(values))
    for _ in range(_MOST_SEGMENTS if values.size else 0):
        shift = shifts(left[rows])
        hit = np.flatnonzero(shift.significant)
        for at in hit:
            start, end = int(shift.start[at]), int(shift.end[at])
            yield int(rows[at]), start, end, float(shift.effect[at])
            left[rows[at], start:end] = np.nan
        rows = rows[hit]
        if not rows.size:
            return


def _levels(values: Floats, start: int, end: int) -> tuple[float, float]:
    """The typical value outside and inside a segment, each one that was really measured."""
    inside = np.zeros(len(values), dtype=bool)
    inside[start:end] = True
    outside, within = (
        float(np.nanquantile(values[m], 0.5, method="lower")) for m in (~inside, inside)
    )
    return outside, within


def matters(before: float, during: float, measure: Measure) -> bool:
    """Whether users would mind that a level went from `before` to `during`."""
    if measure.rises_only and during < before:
        return False
    low, high = sorted((before, during))
    return high - low >= measure.least and high >= measure.ratio * low
