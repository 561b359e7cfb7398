"""The metrics of one machine without names or a clock: a calm matrix, then one with the trouble."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd

from agent.config import Request
from lake.store import Lake
from tests.bench.adapters import Case
from tests.bench.adapters.points import BEGINNING, clocked, of_columns, put, read

STEP = timedelta(minutes=5)
MACHINE = "machine"

_LOOKBACK = timedelta(hours=8)


def fits(pack: Path, case: Case) -> bool:
    """Whether a case names two matrices and the rows of the second that are the trouble."""
    files = (case.get("train"), case.get("test"))
    return bool(case.get("rows")) and all(name and (pack / name).is_file() for name in files)


def take_in(lake: Lake, pack: Path, case: Case) -> Request:
    """Ingest both matrices up to the trouble's end, one after the other, on a clock of our own."""
    first, last = case["rows"]
    calm, test = read(pack / case["train"]), read(pack / case["test"])
    joined = clocked(pd.concat([calm, test[: last + 1]], ignore_index=True), BEGINNING, STEP)
    put(lake, of_columns(joined, {str(name): (MACHINE, str(name)) for name in joined}), "rows")
    at = BEGINNING + (len(calm) + first) * STEP
    lookback = min(_LOOKBACK, (len(calm) + first) / 2 * STEP)
    return Request(
        at=at,
        until=BEGINNING + len(joined) * STEP,
        service=MACHINE,
        calm=(BEGINNING, at - lookback),
        lookback_s=lookback.total_seconds(),
    )
