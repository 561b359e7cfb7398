"""What a bench measured as one page that loads nothing, its diagrams drawn as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.apps.bench import told
from agent.apps.bench.measured import ENGINE, Bench, Row
from agent.report.html import environment

_SIDE, _PAD = 320.0, 60.0


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
        """A dot whose area is as the answers in it, unless it could not be seen."""
        return round(max(2.0, 12 * math.sqrt(n / max(most, 1))), 1)


def bench_page(bench: Bench) -> str:
    """The figures as one page that loads nothing."""
    return (
        environment()
        .get_template("bench.html.j2")
        .render(
            bench=bench,
            methods=list(dict.fromkeys(row.method for row in bench.rows)),
            asked={one.set: one.asked for one in bench.sets},
            plot=Plot(),
            table=_table(bench),
            engine=ENGINE,
            told=told,
        )
    )


def _table(bench: Bench) -> dict[str, dict[str, Row]]:
    """The rows that are of a whole set, by set and method."""
    table: dict[str, dict[str, Row]] = {}
    for row in bench.rows:
        if not row.fault:
            table.setdefault(row.set, {})[row.method] = row
    return table
