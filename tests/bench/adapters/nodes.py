"""Metrics by node, a call graph and an alert; the calm time perhaps months away, or nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from agent.config import Request
from lake.store import Lake
from tests.bench.adapters import Case
from tests.bench.adapters.edges import state
from tests.bench.adapters.points import Series, moments, numbers, of_columns, put, read, told_apart

_HEADERS = 3
_A_MINUTE = timedelta(minutes=1)


def fits(pack: Path, case: Case) -> bool:
    """Whether a case names metrics and, beside them, a call graph or a baseline."""
    metrics = case.get("metrics")
    others = [case[name] for name in ("graph", "baseline") if case.get(name)]
    return bool(metrics and case.get("at") and others) and all(
        (pack / name).is_file() for name in (metrics, *others)
    )


def take_in(lake: Lake, pack: Path, case: Case) -> Request:
    """Ingest the metrics of the trouble and of the calm time, the alert and the stated calls."""
    put(lake, series_of(pack / case["metrics"]), "metrics")
    calm = series_of(pack / case["baseline"]) if case.get("baseline") else []
    put(lake, calm, "baseline")
    if case.get("graph"):
        state(lake, list(calls_of(pack / case["graph"])))
    alert = case.get("alert") or {}
    if alert:
        raise_alert(lake, alert, case["at"])
    return Request(
        at=datetime.fromisoformat(case["at"]), service=alert.get("node"), calm=_reach(calm)
    )


def series_of(path: Path) -> list[Series]:
    """The series of a table of metrics: three header rows (node, metric, statistic), or one."""
    head = pd.read_csv(path, header=None, nrows=_HEADERS + 1, index_col=0, dtype=str)
    if pd.to_numeric(head.index[1:_HEADERS].to_series(), errors="coerce").notna().any():
        table = read(path)
        return of_columns(table, told_apart([str(column) for column in table.columns]))
    table = pd.read_csv(path, header=list(range(_HEADERS)), index_col=0, dtype=str)
    times = np.asarray(moments(table.index).tz_convert(None).to_numpy("datetime64[us]"))
    return [
        Series(
            str(column[0]),
            str(column[1]),
            times,
            np.asarray(numbers(table.iloc[:, place]), dtype=np.float64),
            attributes={"statistic": str(column[2])},
        )
        for place, column in enumerate(table.columns.to_list())
    ]


def calls_of(path: Path) -> Iterator[tuple[str, str]]:
    """The calls (caller, callee) of a matrix of nodes, or of a list with a call a row."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    names = list(table.columns[1:])
    if set(names) >= set(table.iloc[:, 0]):
        matrix = table.iloc[:, 1:].apply(pd.to_numeric, errors="coerce").fillna(0).to_numpy()
        for row, column in zip(*np.nonzero(matrix), strict=True):
            yield str(table.iloc[row, 0]), names[column]
        return
    for caller, callee, *_ in table.itertuples(index=False):
        yield str(caller), str(callee)


def raise_alert(lake: Lake, alert: dict[str, Any], at: str) -> None:
    """Put the alert of a case into the lake."""
    node, metric = str(alert["node"]), str(alert.get("metric", "unknown"))
    fired = alert.get("timestamp")
    time = datetime.fromtimestamp(fired, UTC) if fired else datetime.fromisoformat(at)
    row = {
        "time": time,
        "ingested_at": time,
        "activity_id": 1,
        "severity_id": 4,
        "status_id": 1,
        "message": f"{metric} of {node}",
        "workload": {"service": node},
        "finding_info": {"uid": "alert", "title": f"{metric} of {node}", "desc": ""},
        "attributes": json.dumps({key: str(value) for key, value in alert.items()}),
    }
    lake.append("detection_finding", pa.Table.from_pylist([row]), "alert")


def _reach(series: list[Series]) -> tuple[datetime, datetime] | None:
    """From when to when there are points, as a stretch that holds the last."""
    if not series:
        return None
    first = min(one.times.min() for one in series).astype(datetime).replace(tzinfo=UTC)
    last = max(one.times.max() for one in series).astype(datetime).replace(tzinfo=UTC)
    return first, last + _A_MINUTE
