"""Stacked bars by day as geometry: rectangles, labels and ticks placed in an SVG view box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from agent.report.axis import drawable, value_axis
from agent.report.flags import width

WIDE, _PLOT, _TOP, _FOOT = 400.0, 96.0, 12.0, 20.0
_WIDEST_BAR, _GAP, _FEW = 36.0, 0.28, 2.0  # counts have whole ticks

Part = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Day:
    """What is drawn of one day: parts from the bottom up, each with its role; a mark on top."""

    at: date
    said: str
    parts: tuple[Part, ...]
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's bar: its middle and width, its rectangles (y, height, role), what a pointer reads."""

    x: float
    width: float
    parts: tuple[tuple[float, float, str], ...]
    mark: str
    top: float
    said: str
    label: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Everything an SVG template prints; `key` names the roles."""

    title: str
    key: tuple[tuple[str, str], ...]
    left: float
    bottom: float
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    width: float = WIDE
    height: float = _TOP + _PLOT + _FOOT

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be seen."""
        return not any(bar.mark or any(tall for _, tall, _ in bar.parts) for bar in self.bars)


def stacked(title: str, unit: str, key: Sequence[tuple[str, str]], days: Sequence[Day]) -> Bars:
    """Place the days side by side; the scale starts at zero and has room for the highest."""
    heights = [sum(drawable(value) or 0.0 for value, _ in day.parts) for day in days]
    axis = value_axis([*heights, *([_FEW] if unit == "1" else [])], unit, zoom=False, most=3)
    texts = [_text(tick.label, axis.unit) for tick in axis.ticks]
    left = max(map(width, texts)) + 8
    each = (WIDE - left) / max(len(days), 1)
    bottom = _TOP + _PLOT
    wide = min(each * (1 - _GAP), _WIDEST_BAR)
    shown = _labelled(len(days), each)
    bars = []
    for at, day in enumerate(days):
        parts, y = [], bottom
        for value, role in day.parts:
            tall = _PLOT * axis.place(drawable(value) or 0.0) if value > 0 else 0.0
            y -= tall
            parts.append((round(y, 1), round(tall, 1), role))
        middle = round(left + (at + 0.5) * each, 1)
        label = f"{day.at.day} {day.at:%b}" if at in shown else ""
        said = f"{day.at.day} {day.at:%b} · {day.said}"
        bars.append(Bar(middle, round(wide, 1), tuple(parts), day.mark, y, said, label))
    ticks = [
        (round(bottom - tick.at * _PLOT, 1), text)
        for tick, text in zip(axis.ticks, texts, strict=True)
    ]
    return Bars(title, tuple(key), left, bottom, tuple(bars), tuple(ticks))


def _text(number: str, unit: str) -> str:
    """A tick's text; dollars stand in front."""
    if "$" in unit:
        return f"${number}{unit.replace('$', '').strip()}"
    return f"{number} {unit}".rstrip()


def _labelled(days: int, each: float) -> range:
    """Every how many days there is room for a date."""
    step = max(1, int(-(-46 // each)))
    return range(0, days, step)
