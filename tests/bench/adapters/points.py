"""Matrices of numbers as metric points, every digit kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from lake.store import Lake

BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
"""Where a recording without a clock is put."""

_TIMES = ("time", "timestamp", "ts", "unix_timestamp", "datetime", "date")


@dataclass(frozen=True)
class Series:
    """One series: whose, of what, and its value at each time; what is NaN was not measured."""

    service: str
    metric: str
    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    unit: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def put(lake: Lake, series: Sequence[Series], batch_id: str) -> None:
    """Store series as gauges; a batch that is there already adds nothing."""
    if rows := [_rows(one) for one in series if np.isfinite(one.values).any()]:
        lake.append("metric_point", pa.concat_tables(rows), batch_id)


def read(path: Path) -> pd.DataFrame:
    """A table of numbers by its time in UTC; without a column of times, by the row's place."""
    table = pd.read_csv(path, dtype=str)
    named = [c for c in table.columns if str(c).strip().lower() in _TIMES]
    if named:
        table = table.set_index(named[0])
        table.index = pd.DatetimeIndex(moments(table.index))
    table = table.apply(numbers)
    return table.drop(columns=[c for c in table.columns if str(c).startswith("Unnamed")])


def numbers(texts: pd.Series[str]) -> pd.Series[float]:
    """A column of texts as numbers, read by Python to the last digit; what is none is NaN."""
    return texts.map(_number).astype(np.float64)


def _number(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return float("nan")


def moments(index: Iterable[Any]) -> pd.DatetimeIndex:
    """Times from epoch numbers of any unit, or from texts, those without a zone in UTC."""
    texts = [str(value) for value in index]
    epochs = numbers(pd.Series(texts, dtype=str)).to_numpy(np.float64)
    if np.isnan(epochs).any():
        return pd.DatetimeIndex(pd.to_datetime(texts, utc=True)).as_unit("us")
    thousands = max(0.0, (np.log10(np.abs(epochs).max()) - 9) // 3)  # seconds are below 1e10
    micros = np.rint(epochs * 1e6 / 1e3**thousands).astype("datetime64[us]")
    return pd.DatetimeIndex(micros).tz_localize("UTC")


def clocked(table: pd.DataFrame, start: datetime, step: timedelta) -> pd.DataFrame:
    """A table without a clock on one that begins at `start`, a row every `step`."""
    index = pd.date_range(start, periods=len(table), freq=step).as_unit("us")
    return table.set_axis(index, axis=0)


def of_columns(table: pd.DataFrame, names: Mapping[str, tuple[str, str]]) -> list[Series]:
    """The series of a table; `names` says of each column the service and the metric."""
    times = np.asarray(pd.DatetimeIndex(table.index).tz_convert(None).to_numpy("datetime64[us]"))
    return [
        Series(service, metric, times, table[column].to_numpy(np.float64))
        for column, (service, metric) in names.items()
    ]


def told_apart(columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The service and the metric of columns called `<service>_<metric>`.

    Both may hold the separator. Of the ways to cut a name that is taken whose service has the most
    metrics and whose metric the most services; of equal ones the first.
    """
    cuts = {column: _cuts(str(column)) for column in columns}
    before = Counter(service for ways in cuts.values() for service, _ in ways)
    behind = Counter(metric for ways in cuts.values() for _, metric in ways)
    return {
        column: max(ways, key=lambda way: before[way[0]] * behind[way[1]])
        for column, ways in cuts.items()
    }


def _cuts(name: str) -> list[tuple[str, str]]:
    places = [i for i, c in enumerate(name) if c == "_" and 0 < i < len(name) - 1]
    return [(name[:i], name[i + 1 :]) for i in places] or [(name, "value")]


def _rows(one: Series) -> pa.Table:
    seen = np.isfinite(one.values)
    attributes = json.dumps(dict(sorted(one.attributes.items())), separators=(",", ":"))
    uid = md5(f"{one.service}\x1f{one.metric}\x1f{attributes}".encode(), usedforsecurity=False)
    said: dict[str, Any] = {
        "activity_id": 1,
        "severity_id": 1,
        "status_id": 0,
        "workload": {"service": one.service},
        "series_uid": uid.hexdigest(),
        "metric_name": one.metric,
        "unit": one.unit,
        "metric_type": "gauge",
        "attributes": attributes,
    }
    times = pa.array(one.times[seen], pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    rows = pa.Table.from_pylist([said]).take(np.zeros(int(seen.sum()), np.int64))
    for name, column in (("time", times), ("ingested_at", times)):
        rows = rows.append_column(name, column)
    return rows.append_column("value", pa.array(one.values[seen]))
