"""Metrics of a normal and of an anomalous part, perhaps recorded by unrelated clocks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd

from agent.config import Request
from lake.store import Lake
from tests.bench.adapters import Case
from tests.bench.adapters.points import BEGINNING, clocked, of_columns, put, read, told_apart

_APART = timedelta(hours=1)
_A_ROW = timedelta(seconds=1)  # where no column holds times


def fits(pack: Path, case: Case) -> bool:
    """Whether a case names the two parts."""
    return all(case.get(part) and (pack / case[part]).is_file() for part in ("normal", "anomalous"))


def take_in(lake: Lake, pack: Path, case: Case) -> Request:
    """Ingest both parts; the anomalous one follows the normal one an hour later, by its own clock.

    Nothing but the order of the two is known, so all of the anomalous part is where to look.
    """
    normal, anomalous = (_timed(read(pack / case[part])) for part in ("normal", "anomalous"))
    begins = normal.index[-1] + _APART
    anomalous.index = anomalous.index + (begins - anomalous.index[0])
    for part, table in (("normal", normal), ("anomalous", anomalous)):
        put(lake, of_columns(table, told_apart(list(table.columns))), part)
    first, last, end = normal.index[0], normal.index[-1], anomalous.index[-1]
    return Request(
        at=begins.to_pydatetime(),
        until=(end + _A_ROW).to_pydatetime(),
        calm=(first.to_pydatetime(), (last + _A_ROW).to_pydatetime()),
        lookback_s=60.0,
    )


def _timed(table: pd.DataFrame) -> pd.DataFrame:
    """A part by its clock, each moment once."""
    if not isinstance(table.index, pd.DatetimeIndex):
        return clocked(table, BEGINNING, _A_ROW)
    return table[~table.index.duplicated()].sort_index()
