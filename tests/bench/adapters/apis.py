"""Latency and throughput of APIs, a matrix each, without a clock; the rows of the trouble."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from agent.config import Request
from lake.store import Lake
from tests.bench.adapters import Case
from tests.bench.adapters.points import BEGINNING, clocked, of_columns, put, read

STEP = timedelta(seconds=1)

_LOOKBACK = timedelta(minutes=10)
_MATRICES = ("latency", "throughput")


def fits(pack: Path, case: Case) -> bool:
    """Whether a case names the two matrices and the rows of the trouble."""
    names = [case.get(name) for name in _MATRICES]
    return bool(case.get("rows")) and all(name and (pack / name).is_file() for name in names)


def take_in(lake: Lake, pack: Path, case: Case) -> Request:
    """Ingest the matrices up to the trouble's end; an API is held to be a service of its own."""
    first, last = case["rows"]
    for name in _MATRICES:
        table = clocked(read(pack / case[name])[: last + 1], BEGINNING, STEP)
        put(lake, of_columns(table, {str(api): (str(api), name) for api in table}), name)
    at = BEGINNING + first * STEP
    lookback = min(_LOOKBACK, first / 2 * STEP)
    return Request(
        at=at,
        until=BEGINNING + (last + 1) * STEP,
        service=(case.get("alert") or {}).get("node"),
        calm=(BEGINNING, at - lookback),
        lookback_s=lookback.total_seconds(),
    )
