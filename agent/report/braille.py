"""A Chart in braille for a terminal: two by four dots a character."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from agent.report.axis import drawable, seconds, time_axis, value_axis
from agent.report.chart import Point, segments
from agent.state import Chart, Mark, MarkKind, SeriesRole

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_QUIET_TO_LOUD: tuple[SeriesRole, ...] = ("plain", "good", "bad")
_FAINT_TO_STRONG: tuple[MarkKind, ...] = ("alert", "not_assessable", "cleared", "implicated")

Cell = tuple[str, SeriesRole]


@dataclass(frozen=True, slots=True)
class Plot:
    """Rows of cells (a character and the role that colours it) and what stands around them.

    `levels` is a label a row, `moments` and `marks` say in which column a text begins.
    """

    rows: tuple[tuple[Cell, ...], ...]
    levels: tuple[str, ...]
    moments: tuple[tuple[int, str], ...]
    marks: tuple[tuple[int, MarkKind], ...]


def plot(chart: Chart, width: int, height: int) -> Plot | None:
    """`chart` in `width` by `height` characters; None where it has no points.

    In a character that two series share the worse one gives the colour, as does the mark that
    matters more.
    """
    moments = [seconds(at) for one in chart.series for at, _ in one.points]
    values = [
        v for one in chart.series for _, raw in one.points if (v := drawable(raw)) is not None
    ]
    if not values:
        return None
    times = time_axis(min(moments), max(moments), most=width // 14)
    scale = value_axis(values, chart.unit, zoom=chart.shaded is not None, most=3)

    def column(at: float) -> int:
        return round(times.place(at) * (width - 1))

    levels = [""] * height
    for tick in scale.ticks:
        levels[round((1 - tick.at) * (height - 1))] = tick.label
    levels[0] = f"{levels[0]} {scale.unit}".rstrip()
    cells: dict[tuple[int, int], tuple[int, SeriesRole]] = {}
    for one in sorted(chart.series, key=lambda one: _QUIET_TO_LOUD.index(one.role)):
        for segment in segments(
            one,
            lambda at: times.place(at) * (2 * width - 1),
            lambda value: (1 - scale.place(value)) * (4 * height - 1),
        ):
            for x, y in _dots(segment):
                place = y // 4, x // 2
                bits = cells.get(place, (0, one.role))[0]
                cells[place] = bits | _DOTS[y % 4][x % 2], one.role
    return Plot(
        rows=tuple(tuple(_cell(cells.get((y, x))) for x in range(width)) for y in range(height)),
        levels=tuple(levels),
        moments=tuple((round(tick.at * (width - 1)), tick.label) for tick in times.ticks),
        marks=tuple((column(seconds(mark.at)), mark.kind) for mark in _by_strength(chart.marks)),
    )


def _cell(known: tuple[int, SeriesRole] | None) -> Cell:
    return (chr(0x2800 + known[0]), known[1]) if known else (" ", "plain")


def _dots(segment: Sequence[Point]) -> Iterator[tuple[int, int]]:
    """The dots of a line through the points, without holes."""
    yield round(segment[0][0]), round(segment[0][1])
    for (x0, y0), (x1, y1) in pairwise(segment):
        steps = max(round(abs(x1 - x0)), round(abs(y1 - y0)), 1)
        for step in range(1, steps + 1):
            part = step / steps
            yield round(x0 + (x1 - x0) * part), round(y0 + (y1 - y0) * part)


def _by_strength(marks: Sequence[Mark]) -> list[Mark]:
    return sorted(marks, key=lambda mark: _FAINT_TO_STRONG.index(mark.kind))
