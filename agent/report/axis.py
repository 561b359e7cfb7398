"""Where values and moments fall on a chart: the range, round ticks and their labels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agent.report.words import scale

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TIME_STEPS = tuple(
    unit * count
    for unit, counts in (
        (1, (1, 2, 5, 10, 15, 30)),
        (_MINUTE, (1, 2, 5, 10, 15, 30)),
        (_HOUR, (1, 2, 3, 6, 12)),
        (_DAY, (1, 2, 7, 14, 28)),
    )
    for count in counts
)
_LEAST, _MOST = 1e-12, 1e18  # smaller is drawn as zero, larger as this


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis, 0 at its low end and 1 at its high end."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of numbers laid along 0 to 1, its ticks, and the unit that those are in."""

    low: float
    high: float
    ticks: tuple[Tick, ...]
    unit: str = ""

    def place(self, value: float) -> float:
        """Where `value` falls, held within 0 to 1; the middle where the range is a point."""
        if self.high == self.low:
            return 0.5
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def drawable(value: float | None) -> float | None:
    """`value` as a chart can show it: None where it is not a finite number."""
    if value is None or not math.isfinite(value):
        return None
    return 0.0 if abs(value) < _LEAST else min(max(value, -_MOST), _MOST)


def value_axis(values: Iterable[float], unit: str, *, zoom: bool, most: int = 4) -> Axis:
    """An axis over `values` with about `most` round steps.

    It starts at zero, so that small wobbles look small; with `zoom`, values that all lie close
    together far from zero get the range they fill.
    """
    known = [value for value in map(drawable, values) if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    size = max(abs(low), abs(high))
    if not (zoom and size * 1e-9 < high - low < size / 4):
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        high = 1.0
    step = _round_step((high - low) / most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    factor, shown = scale(unit, max(abs(first), abs(last)) * step)
    places = max(0, -math.floor(math.log10(step / factor) + 1e-9))
    ticks = tuple(
        Tick((index - first) / (last - first), f"{index * step / factor + 0.0:,.{places}f}")
        for index in range(first, last + 1)
    )
    return Axis(first * step, last * step, ticks, shown)


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= least * (1 - 1e-9))


def seconds(at: datetime) -> float:
    """`at` as seconds since 1970, UTC."""
    return (at - _EPOCH).total_seconds()


def time_axis(start: float, end: float, *, most: int) -> Axis:
    """An axis from `start` to `end` (seconds since 1970) with at most `most` round moments."""
    if start == end:
        return Axis(start, end, (Tick(0.5, _label(start, 1, 0.0)),))
    span = end - start
    step = next((s for s in _TIME_STEPS if span / s <= most), math.ceil(span / most / _DAY) * _DAY)
    first, last = math.ceil(start / step), math.floor(end / step)
    return Axis(
        start,
        end,
        tuple(
            Tick((index * step - start) / span, _label(index * step, step, span))
            for index in range(first, last + 1)
        ),
    )


def _label(at: float, step: float, span: float) -> str:
    moment = _EPOCH + timedelta(seconds=at)
    if span > 300 * _DAY:
        return f"{moment:%b} {moment.year}"
    midnight = at % _DAY == 0 and span > 0
    if step >= _DAY or midnight:
        return f"{moment.day} {moment:%b}"
    return f"{moment:%H:%M:%S}" if step < _MINUTE else f"{moment:%H:%M}"
