"""Texts on a chart: how wide they are reckoned, and rows in which those of marks never overlap."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.report.axis import seconds
from agent.report.words import clock, day, line, shorten, spoken
from agent.state import Mark

_ROW = 15.0
_ROWS, _LONGEST, _SIZE = 6, 28, 11

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place; `left` and `right` are what it is reckoned to cover."""

    x: float
    y: float
    text: str
    anchor: str
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Flag:
    """A mark: its upright, its label (None where the rows are full) and what a pointer reads."""

    x: float
    kind: str
    label: Label | None
    title: str


def width(text: str) -> float:
    """What `text` is reckoned to take at 11 px, on the wide side of common fonts."""
    return sum(1.0 if _broad(c) else 0.64 for c in text) * _SIZE


def _broad(char: str) -> bool:
    return char in "MWmw@%" or unicodedata.east_asian_width(char) in "WF"


def label(text: str, x: float, y: float, anchor: str, most: float) -> Label:
    """A label at `x`, moved inward where it would leave the view box of width `most`."""
    wide = width(text)
    left = {"start": x, "middle": x - wide / 2, "end": x - wide}[anchor]
    shift = max(0.0, -left) - max(0.0, left + wide - most)
    return Label(round(x + shift, 1), y, text, anchor, left + shift, left + shift + wide)


def flags(
    marks: Sequence[Mark], x: Scale, span: tuple[float, float], most: float
) -> tuple[Flag, ...]:
    """The marks from left to right; labels all lean the way in which fewer uprights cross them.

    A mark beyond the span stands at its edge, an arrow pointing out.
    """
    ordered = sorted(marks, key=lambda mark: mark.at)
    right = _layout(ordered, x, span, most, "start")
    left = _layout(ordered[::-1], x, span, most, "end")[::-1]
    return tuple(right if _faults(right) <= _faults(left) else left)


def title(mark: Mark) -> str:
    """`payment v2.8.0 · implicated · 14:02:31, 21 Nov 2026`."""
    return f"{line(mark.label)} · {spoken(mark.kind)} · {clock(mark.at)}, {day(mark.at)}"


def _layout(
    marks: Sequence[Mark], x: Scale, span: tuple[float, float], most: float, anchor: str
) -> list[Flag]:
    """Each mark in turn takes the highest row that is free."""
    placed: list[Flag] = []
    for mark in marks:
        at = seconds(mark.at)
        text = shorten(mark.label, _LONGEST)
        text = f"◂ {text}" if at < span[0] else f"{text} ▸" if at > span[1] else text
        free = _free(text, x(at), most, anchor, placed)
        placed.append(Flag(x(at), mark.kind, free, title(mark)))
    return placed


def _free(text: str, x: float, most: float, anchor: str, placed: Sequence[Flag]) -> Label | None:
    """The label in the first row where it covers no other, crossed by no upright if possible."""
    side = _fitting(text, x, most, anchor)
    rows = (
        label(text, x + (4 if side == "start" else -4), row * _ROW, side, most)
        for row in range(1, _ROWS + 1)
    )
    clear = [one for one in rows if not any(_covers(one, flag.label) for flag in placed)]
    uncrossed = [one for one in clear if not any(_crosses(one, flag) for flag in placed)]
    return next(iter(uncrossed or clear), None)


def _fitting(text: str, x: float, most: float, anchor: str) -> str:
    """The side asked for, or the other where the text would leave the picture."""
    wide = width(text) + 4
    if anchor == "start":
        return "start" if x + wide <= most else "end"
    return "end" if x - wide >= 0 else "start"


def _faults(placed: Sequence[Flag]) -> int:
    """Labels left out, and labels that an upright crosses."""
    labels = [flag.label for flag in placed if flag.label]
    crossed = sum(_crosses(one, flag) for one in labels for flag in placed)
    return crossed + len(placed) - len(labels)


def _covers(one: Label, other: Label | None) -> bool:
    if other is None or one.y != other.y:
        return False
    return one.left < other.right + 6 and other.left < one.right + 6


def _crosses(one: Label, flag: Flag) -> bool:
    top = flag.label.y if flag.label else _ROWS * _ROW
    return top < one.y and one.left <= flag.x <= one.right
