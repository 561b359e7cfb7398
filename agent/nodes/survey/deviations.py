"""From a table of buckets to signals: what each look at the window shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.analysis.change_points import shifts
from agent.state import Indicator, Look, Signal, Window

Floats = NDArray[np.float64]
Identity = dict[str, Any]

_MOST_SEGMENTS = 3


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity of a resource: how its level is compared, and the least that matters.

    A shift counts when it is at least `least` in the quantity's own unit and, where `ratio` is
    given, at least that many times the level before (or as much below). `log` compares ratios.
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
        found += of_series(values, measure, window, evidence, identities.__getitem__)
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
        if not _matters(before, during, measure):
            continue
        identity: dict[str, Any] = {
            "look": measure.look,
            "indicator": measure.indicator,
            "subject": measure.subject,
            "own": measure.own,
            "unit": measure.unit,
        } | named(row)
        found.append(
            Signal(
                onset=window.at(start),
                ended_at=window.at(end) if end < window.buckets else None,
                effect=effect,
                before=before,
                during=during,
                evidence=evidence,
                **identity,
            )
        )
    return found


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


def _matters(before: float, during: float, measure: Measure) -> bool:
    if measure.rises_only and during < before:
        return False
    low, high = sorted((before, during))
    return high - low >= measure.least and high >= measure.ratio * low
