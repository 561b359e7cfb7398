"""The buckets of the looks: those of the calm stretch elsewhere, then those of the window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.nodes.context import Context
from agent.state import Evidence, Window
from agent.tools.notebook import Answer

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Axis:
    """One row of buckets: `calm_buckets` from elsewhere, then those of the window."""

    window: Window

    @property
    def elsewhere(self) -> int:
        """How many buckets the calm stretch has that lies elsewhere."""
        if self.window.calm is None:
            return 0
        start, end = self.window.calm
        return -int((start - end).total_seconds() // self.window.bucket_s)

    @property
    def buckets(self) -> int:
        """How many there are in all."""
        return self.elsewhere + self.window.buckets

    @property
    def trouble(self) -> slice:
        """Those in which the alarm says to look; all of the window's if there was no alarm."""
        if self.window.trouble is None:
            return slice(self.elsewhere, self.buckets)
        first, last = (self.window.bucket(at) for at in self.window.trouble)
        end = min(self.window.buckets, max(last, first + 1))
        return slice(self.elsewhere + first, self.elsewhere + end)

    @property
    def calm(self) -> NDArray[np.bool_]:
        """Those that are calm as far as is known: elsewhere, and before the trouble."""
        known = np.zeros(self.buckets, dtype=np.bool_)
        known[: self.trouble.start] = True
        return known

    def at(self, bucket: int) -> datetime:
        """When a bucket begins."""
        if bucket >= self.elsewhere or self.window.calm is None:
            return self.window.at(bucket - self.elsewhere)
        return self.window.calm[0] + (self.window.at(bucket) - self.window.start)

    def ask(
        self, context: Context, tool: str, about: str = ""
    ) -> tuple[Answer, list[Row], dict[str, Evidence]]:
        """Ask a tool about the window and, where there is one, about the calm stretch elsewhere.

        The answer about the window; the rows of both, each with `offset`, by which its buckets lie
        on this axis; the evidence of both.
        """
        answer = context.notebook.ask(tool, about, **self.window.span)
        rows = [{**row, "offset": self.elsewhere} for row in answer.rows.dicts()]
        if (span := self.window.calm_span) is None:
            return answer, rows, answer.noted()
        calm = context.notebook.ask(tool, f"{about} calm".strip(), **span)
        rows += [{**row, "offset": 0} for row in calm.rows.dicts()]
        return answer, rows, answer.noted() | calm.noted()

    def spread(
        self, rows: list[Row], key: tuple[str, ...], column: str
    ) -> tuple[list[Row], NDArray[np.float64]]:
        """One row a series, of rows with lists `buckets` and `column`; what was not seen is NaN.

        `key` names the columns that tell a series; the first row of each stands for it. A row
        without an `offset` is of the axis' first buckets.
        """
        places: dict[tuple[Any, ...], int] = {}
        firsts: list[Row] = []
        for row in rows:
            if places.setdefault(tuple(row[k] for k in key), len(firsts)) == len(firsts):
                firsts.append(row)
        values = np.full((len(firsts), self.buckets), np.nan)
        at = np.repeat(
            [places[tuple(row[k] for k in key)] for row in rows],
            [len(row["buckets"]) for row in rows],
        ).astype(np.int64)
        columns = np.fromiter(
            chain.from_iterable((b + row.get("offset", 0) for b in row["buckets"]) for row in rows),
            np.int64,
        )
        seen = np.fromiter(chain.from_iterable(row[column] for row in rows), np.float64)
        inside = (columns >= 0) & (columns < self.buckets)
        values[at[inside], columns[inside]] = seen[inside]
        return firsts, values
