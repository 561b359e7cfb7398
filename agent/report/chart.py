"""A Chart as geometry: lines, labels and ticks placed in an SVG view box, ready for a template."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise

from agent.report.axis import Axis, drawable, seconds, time_axis, value_axis
from agent.report.flags import Flag, Label, Scale, flags, label, width
from agent.report.words import clock, day, line, quantity
from agent.state import Chart, Series

WIDE, NARROW = 820, 360
_PLOT, _FOOT, _MARGIN, _GAP = 132.0, 20.0, 12.0, 12.0
_TICKS, _POINTS, _COLUMN, _ROWS = 7, 400, 6.0, 60
_GUTTER = 46.0  # one for usual labels, so that charts below each other share their time axis
_SHORT = 5  # a longer unit stands in the caption
_DASHES = ("", "6 3", "2 3", "8 3 2 3")

Point = tuple[float, float]
Placed = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its unbroken segments, a lone point being a segment of one."""

    name: str
    role: str
    dash: str
    segments: tuple[tuple[Point, ...], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A band of the plot and the values that a pointer reads in it."""

    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Band:
    """The incident: where it is shaded and what a pointer reads there."""

    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything an SVG template prints, in view box units; `notes` is what could not be drawn."""

    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float
    lines: tuple[Line, ...]
    value_ticks: tuple[Label, ...]
    time_ticks: tuple[Label, ...]
    flags: tuple[Flag, ...]
    columns: tuple[Column, ...]
    band: Band | None
    limit: Label | None
    notes: tuple[str, ...]


def draw(chart: Chart, wide: float = WIDE) -> Drawing:
    """Place `chart` in a view box `wide` units across; the height follows from its marks."""
    span = _extent(chart)
    times = time_axis(*span, most=_TICKS)
    levels = value_axis(_values(chart), chart.unit, zoom=chart.shaded is not None)
    texts = [tick.label for tick in levels.ticks]
    if len(levels.unit) <= _SHORT:
        texts[-1] = f"{texts[-1]} {levels.unit}".rstrip()
    left = max(_GUTTER, math.ceil(max(map(width, texts))) + 8.0)
    right = wide - _MARGIN

    def x(at: float) -> float:
        return round(left + times.place(at) * (right - left), 1)

    marks = flags(chart.marks, x, span, wide)
    top = max((flag.label.y for flag in marks if flag.label), default=0.0) + _GAP
    bottom = top + _PLOT

    def y(value: float) -> float:
        return round(bottom - levels.place(value) * _PLOT, 1)

    lines = tuple(_lines(chart.series, x, y))
    return Drawing(
        width=wide,
        height=bottom + _FOOT,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        lines=lines,
        value_ticks=tuple(
            label(text, left - 6, round(bottom - tick.at * _PLOT, 1), "end", wide)
            for text, tick in zip(texts, levels.ticks, strict=True)
        ),
        time_ticks=_time_ticks(times, x, bottom + 15, wide),
        flags=marks,
        columns=tuple(_columns(chart, x, left, right)),
        band=_band(chart, x),
        limit=_limit(chart, levels, left, y, wide),
        notes=tuple(_notes(chart, levels, marks, lines)),
    )


def groups(charts: Iterable[Chart]) -> list[list[Chart]]:
    """Neighbours of one group together; a chart of none stands alone."""
    keyed = groupby(enumerate(charts), key=lambda c: c[1].group or c[0])
    return [[one for _, one in same] for _, same in keyed]


def table(chart: Chart) -> tuple[list[tuple[str, list[str]]], int]:
    """Rows of a moment and a value a series, thinned evenly, and of how many moments they are."""
    moments, known = _by_moment(chart)
    dated = len({at.date() for at in moments}) > 1
    peak = _peak(chart)
    rows = [
        (
            f"{day(at)} {clock(at)}" if dated else clock(at),
            [quantity(values.get(at), chart.unit, peak) for values in known],
        )
        for at in moments[:: math.ceil(len(moments) / _ROWS) or 1]
    ]
    return rows, len(moments)


def thin(points: Sequence[Placed], most: int) -> list[Placed]:
    """About `most` points at most: each stretch keeps its lowest, its highest and its first gap."""
    if len(points) <= most:
        return list(points)
    size = math.ceil(3 * len(points) / most)
    kept: set[int] = set()
    for start in range(0, len(points), size):
        stretch = range(start, min(start + size, len(points)))
        known = {index: value for index in stretch if (value := points[index][1]) is not None}
        kept.update([index for index in stretch if index not in known][:1])
        if known:
            kept.update((min(known, key=known.__getitem__), max(known, key=known.__getitem__)))
    return [points[index] for index in sorted(kept)]


def segments(series: Series, x: Scale, y: Scale) -> Iterable[tuple[Point, ...]]:
    """The unbroken stretches of a series, placed; a lone point is a stretch of one."""
    placed = sorted(((seconds(at), drawable(v)) for at, v in series.points), key=lambda p: p[0])
    for known, run in groupby(thin(placed, _POINTS), key=lambda point: point[1] is not None):
        if known:
            yield tuple((x(at), y(value)) for at, value in run if value is not None)


def _extent(chart: Chart) -> tuple[float, float]:
    """First and last moment: of the points, or of whatever else the chart names."""
    moments = [at for series in chart.series for at, _ in series.points]
    moments = moments or [mark.at for mark in chart.marks] or list(chart.shaded or ())
    known = [seconds(at) for at in moments]
    return min(known, default=0.0), max(known, default=0.0)


def _drawn(chart: Chart) -> list[float]:
    raw = (drawable(value) for series in chart.series for _, value in series.points)
    return [value for value in raw if value is not None]


def _peak(chart: Chart) -> float:
    return max(map(abs, _drawn(chart)), default=0.0)


def _values(chart: Chart) -> list[float]:
    """Every value to make room for: the limit too, unless it would press the lines flat."""
    limit = drawable(chart.limit)
    near = limit is not None and abs(limit) <= 4 * (_peak(chart) or abs(limit))
    return [*_drawn(chart), *([limit] if limit is not None and near else [])]


def _lines(series: Sequence[Series], x: Scale, y: Scale) -> Iterable[Line]:
    """Lines of one role are told apart by their dashes."""
    roles: list[str] = []
    for one in series:
        dash = _DASHES[roles.count(one.role) % len(_DASHES)]
        roles.append(one.role)
        yield Line(line(one.name), one.role, dash, tuple(segments(one, x, y)))


def _time_ticks(times: Axis, x: Scale, y: float, wide: float) -> tuple[Label, ...]:
    found: list[Label] = []
    for tick in times.ticks:
        at = x(times.low + tick.at * (times.high - times.low))
        one = label(tick.label, at, y, "middle", wide)
        if not found or found[-1].right + 6 < one.left:
            found.append(one)
    return tuple(found)


def _by_moment(chart: Chart) -> tuple[list[datetime], list[dict[datetime, float | None]]]:
    known = [{at.astimezone(UTC): value for at, value in one.points} for one in chart.series]
    return sorted({at for values in known for at in values}), known


def _columns(chart: Chart, x: Scale, left: float, right: float) -> Iterable[Column]:
    """Bands around evenly chosen moments, each reading out every series."""
    moments, known = _by_moment(chart)
    most = (right - left) / _COLUMN
    moments = moments[:: math.ceil(len(moments) / most) or 1]
    places = [x(seconds(at)) for at in moments]
    edges = [left, *((a + b) / 2 for a, b in pairwise(places)), right]
    peak = _peak(chart)
    for index, at in enumerate(moments):
        read = [
            f"{line(series.name)} {quantity(values[at], chart.unit, peak)}"
            for series, values in zip(chart.series, known, strict=True)
            if values.get(at) is not None
        ]
        start = round(edges[index], 1)
        yield Column(start, round(edges[index + 1] - start, 1), f"{clock(at)} · {' · '.join(read)}")


def _band(chart: Chart, x: Scale) -> Band | None:
    if chart.shaded is None:
        return None
    start, end = sorted(chart.shaded)
    left, right = x(seconds(start)), x(seconds(end))
    return Band(left, round(right - left, 1), f"incident · {clock(start)} to {clock(end)}")


def _limit(chart: Chart, levels: Axis, left: float, y: Scale, wide: float) -> Label | None:
    limit = drawable(chart.limit)
    if limit is None or not levels.low <= limit <= levels.high:
        return None
    text = f"limit {quantity(limit, chart.unit).removesuffix(levels.unit).rstrip()}"
    return label(text, left + 4, y(limit), "start", wide)


def _notes(
    chart: Chart, levels: Axis, marks: Sequence[Flag], lines: Sequence[Line]
) -> Iterable[str]:
    limit = drawable(chart.limit)
    if len(levels.unit) > _SHORT:
        yield levels.unit
    if limit is not None and not levels.low <= limit <= levels.high:
        yield f"limit {quantity(limit, chart.unit)}, beyond this scale"
    if not any(one.segments for one in lines):
        yield "no points in this window"
    yield from (flag.title for flag in marks if flag.label is None)
