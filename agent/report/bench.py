"""What a bench measured, and its page: accuracy, calibration and coverage, drawn as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.analysis.calibration import Bin, Interval
from agent.report.html import environment

ENGINE = "Inquest"

_SIDE, _PAD = 320.0, 44.0


@dataclass(frozen=True, slots=True)
class Row:
    """The accuracy of a method on a set, or of the engine on one kind of fault of it.

    `ac_1` is the share of cases with a right cause first, ties counting against it.
    """

    set: str
    method: str
    fault: str
    n: int
    ac_1: float
    ac_3: float
    avg_5: float


@dataclass(frozen=True, slots=True)
class SetFigures:
    """What else was measured on a set; `saturated` says why it tells nothing of calibration.

    `grounded` is the share of right answers whose path was checked; times are medians in seconds.
    `brier_left_out` is the score under a scaling fitted on the other sets.
    """

    set: str
    cases: int
    failed: int
    verdicts: dict[str, int]
    grounded: float
    ingest_s: float
    seconds: float
    cpu_s: float
    brier: float
    base_rate: float
    brier_left_out: float
    saturated: str = ""


@dataclass(frozen=True, slots=True)
class Pooled:
    """Calibration over sets that are not saturated; a curve is of (answered, wrong of those)."""

    sets: tuple[str, ...]
    n: int
    brier: Interval
    base_rate: float
    error: Interval
    brier_left_out: Interval
    error_left_out: Interval
    bins: tuple[Bin, ...]
    curve: tuple[tuple[float, float], ...]
    curve_left_out: tuple[tuple[float, float], ...]
    bins_left_out: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that could not be answered, and why."""

    case: str
    why: str


@dataclass(frozen=True, slots=True)
class Bench:
    """All that a bench measured."""

    rows: tuple[Row, ...]
    sets: tuple[SetFigures, ...]
    pooled: Pooled | None
    failures: tuple[Failure, ...] = ()
    without: tuple[str, ...] = ()
    untold: int = 0


@dataclass(frozen=True, slots=True)
class Plot:
    """A square from 0 to 1 both ways, in pixels."""

    side: float = _SIDE
    pad: float = _PAD

    @property
    def width(self) -> float:
        """How wide and high the drawing is."""
        return self.side + self.pad + 16

    def x(self, share: float) -> float:
        """Where a share lies from the left."""
        return round(self.pad + share * self.side, 1)

    def y(self, share: float) -> float:
        """Where a share lies from the top."""
        return round(12 + (1 - share) * self.side, 1)

    def line(self, points: Sequence[tuple[float, float]]) -> str:
        """Points of a polyline."""
        return " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)

    def radius(self, n: int, most: int) -> float:
        """A dot whose area is as the answers in it."""
        return round(3 + 9 * math.sqrt(n / max(most, 1)), 1)


def bench_page(bench: Bench) -> str:
    """The figures as one page that loads nothing."""
    methods = list(dict.fromkeys(row.method for row in bench.rows))
    return (
        environment()
        .get_template("bench.html.j2")
        .render(bench=bench, methods=methods, plot=Plot(), table=_table(bench), engine=ENGINE)
    )


def _table(bench: Bench) -> dict[str, dict[str, Row]]:
    """The rows that are of a whole set, by set and method."""
    table: dict[str, dict[str, Row]] = {}
    for row in bench.rows:
        if not row.fault:
            table.setdefault(row.set, {})[row.method] = row
    return table
