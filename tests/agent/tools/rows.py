"""Rows of the lake by hand: what is not said is dull, and one question put to them."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from agent.tools.catalogue import tool
from lake.ask import bind
from lake.schema import arrow_schema
from lake.store import Lake
from tests.agent.world import START

Row = dict[str, Any]
VALUES: dict[str, Any] = {
    "start": START,
    "end": START + timedelta(minutes=12),
    "onset": START + timedelta(minutes=5),
    "ended": START + timedelta(minutes=8),
    "bucket_s": 10,
    "service": "payment",
    "kind": "deploy",
    "old": "2.7.9",
    "new": "2.8.0",
    "caller": "checkout",
    "alert": None,
    "pid": 4711,
    "instances": ["payment-0"],
    "began": START + timedelta(minutes=5),
    "since": START + timedelta(minutes=5),
    "until": START + timedelta(minutes=7),
    "metric": "db.client.connection.count",
    "ceiling": "db.client.connection.max",
    "attributes": "{}",
    "ill": "latency",
    "calm_from": START,
    "calm_until": START,
    "paths": ['$."plan"'],
    "places": [1, 2],
    "values": ["free", "2.8.0"],
    "combinations": [[1], [2]],
    "without": ", without version 2.8.0",
}


def moment(at_s: float) -> datetime:
    """The time so many seconds after the start."""
    return START + timedelta(seconds=at_s)


def span(
    uid: str,
    kind: str,
    service: str | None,
    start_ms: int,
    took_ms: int,
    parent: str | None = None,
    peer: Row | None = None,
    *,
    trace: str = "t",
    failed: bool = False,
) -> Row:
    """A span of one trace; `peer` is what a client span says of the other side."""
    return {
        "time": moment(start_ms / 1000),
        "status_id": 2 if failed else 1,
        "workload": {"service": service, "version": "2.8.0"},
        "trace_uid": trace,
        "span_uid": uid,
        "parent_span_uid": parent,
        "span_name": kind,
        "span_kind": kind,
        "start_time_ns": int(moment(0).timestamp()) * 10**9 + start_ms * 10**6,
        "duration_ns": took_ms * 10**6,
        "peer": peer,
    }


def point(
    at_s: float, value: float | None, metric: str = "requests", series: str = "s", **more: Any
) -> Row:
    """A point of a series; a gauge of payment's first instance unless said otherwise."""
    return {
        "time": moment(at_s),
        "workload": {"service": "payment", "version": "2.8.0", "instance": "payment-0"},
        "series_uid": series,
        "metric_name": metric,
        "metric_type": "gauge",
        "value": value,
        "attributes": "{}",
    } | more


def counter(at_s: float, value: float, series: str = "s", **more: Any) -> Row:
    """A point of a cumulative, monotonic sum."""
    kind: Row = {"metric_type": "sum", "temporality": "cumulative", "is_monotonic": True}
    return point(at_s, value, series=series, **kind | more)


def put(lake: Lake, table: str, rows: list[Row], batch: str = "rows") -> None:
    """Append rows as one data file."""
    dated = [{"ingested_at": row["time"]} | row for row in rows]
    lake.append(table, pa.Table.from_pylist(dated, arrow_schema(table)), f"{batch} {table}")


def sql(name: str, **values: Any) -> str:
    """The SQL of a tool, with `VALUES` where `values` says nothing else."""
    asked = tool(name)
    return bind(asked.sql, **{k: v for k, v in (VALUES | values).items() if f"${k}" in asked.sql})


def answer(name: str, values: Row | None = None, **tables: list[Row]) -> list[Row]:
    """What a tool answers on a lake that holds these rows and no others."""
    with tempfile.TemporaryDirectory() as folder, Lake.create(f"{folder}/lake") as lake:
        for table, rows in tables.items():
            put(lake, table, rows)
        return lake.at().ask(sql(name, **values or {})).dicts()
