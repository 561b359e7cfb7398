"""Lists of metric, log and trace alerts by instance and a call graph; no alert has a time.

The same files hold all of a recording's cases. The alerts of a case fire at one moment; those of
the cases that are of another set, or of none, are its past, one after the other.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from agent.config import Request
from lake.schema import arrow_schema
from lake.store import Lake
from tests.bench.adapters import Case
from tests.bench.adapters.edges import state

_AT = datetime(2024, 1, 1, tzinfo=UTC)
_KINDS = ("metrics", "logs", "traces")
_APART = timedelta(minutes=45)  # are two cases: the alerts of one incident are closer
_LOOKBACK = timedelta(minutes=10)  # so nothing of an earlier case is in the window

Alerts = Mapping[str, list[list[str]]]


def fits(pack: Path, case: Case) -> bool:
    """Whether a case is a key in files of alerts."""
    folder = pack / case["dir"] if case.get("dir") and case.get("key") else None
    return folder is not None and all((folder / f"{kind}.json.gz").is_file() for kind in _KINDS)


def take_in(lake: Lake, pack: Path, case: Case) -> Request:
    """Ingest the alerts of a case, those of the past, and the calls that both tell of."""
    folder, key = pack / case["dir"], str(case["key"])
    earlier = past(pack, case)
    lake.append("detection_finding", _past(folder, earlier), "past")
    lake.append("detection_finding", _table(_rows(folder, key, _AT)), "present")
    state(lake, sorted(calls(folder, (*earlier, key))))
    return Request(at=_AT, lookback_s=_LOOKBACK.total_seconds())


def past(pack: Path, case: Case) -> tuple[str, ...]:
    """The keys of a recording's cases that are not of the case's own set."""
    of_set = _of_set(pack / "cases.jsonl", case.get("set"), case["dir"])
    held = set().union(*(_file(pack / case["dir"] / f"{kind}.json.gz") for kind in _KINDS))
    return tuple(sorted(held - of_set - {str(case["key"])}, key=_in_order))


def calls(folder: Path, keys: tuple[str, ...]) -> set[tuple[str, str]]:
    """Who calls whom: trace alerts tell it, and edges of the graph that point one way only."""
    told = {
        (caller, callee)
        for key in keys
        for caller, callee, *_ in _file(folder / "traces.json.gz").get(key, [])
    }
    names, edges = (_optional(folder / f"{name}.json.gz").get(keys[-1], []) for name in _GRAPH)
    stated = {(names[a], names[b]) for a, b in edges}
    told |= {(a, b) for a, b in stated if (b, a) not in stated}
    return {(a, b) for a, b in told if a != b and {a, b} <= set(names or {a, b})}


_GRAPH = ("nodes", "edges")


@cache
def _past(folder: Path, keys: tuple[str, ...]) -> pa.Table:
    times = [_AT - n * _APART for n in range(len(keys), 0, -1)]
    rows = (_rows(folder, key, at) for key, at in zip(keys, times, strict=True))
    return _table(chain.from_iterable(rows))


def _table(rows: Iterator[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), arrow_schema("detection_finding"))


def _rows(folder: Path, key: str, at: datetime) -> Iterator[dict[str, Any]]:
    """The alerts of one case; one of a trace is about who is called."""
    for name, *what in _file(folder / "metrics.json.gz").get(key, []):
        yield _row(at, name, "metric", " ".join(what))
    for name, template in _file(folder / "logs.json.gz").get(key, []):
        yield _row(at, name, "log", template)
    for caller, callee, operation, kind in _file(folder / "traces.json.gz").get(key, []):
        peer = {} if caller == callee else {"caller": caller, "callee": callee}
        yield _row(at, callee, "trace", f"{kind} of {operation}", peer)


def _row(
    at: datetime, name: str, kind: str, title: str, labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "time": at,
        "ingested_at": at,
        "source": "bench_alerts",
        "activity_id": 1,
        "severity_id": 4,
        "status_id": 1,
        "message": f"{title} of {name}",
        "metadata": {"log_name": kind},
        "workload": {"service": name},
        "finding_info": {"uid": f"{kind} {name} {title}", "title": title},
        "attributes": json.dumps({"labels": labels or {}}),
    }


@cache
def _file(path: Path) -> Alerts:
    """What a file holds of each case."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        held: Alerts = json.load(text)
    return held


def _optional(path: Path) -> Mapping[str, list[Any]]:
    return _file(path) if path.is_file() else {}


@cache
def _of_set(listing: Path, name: str | None, folder: str) -> frozenset[str]:
    """The keys that a set has in a folder."""
    lines = listing.read_text("utf-8").splitlines() if listing.is_file() else []
    cases = [json.loads(line) for line in lines if line.strip()]
    return frozenset(
        str(case["key"])
        for case in cases
        if (case.get("set"), case.get("dir")) == (name, folder) and "key" in case
    )


def _in_order(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdigit() else (-1, key)
