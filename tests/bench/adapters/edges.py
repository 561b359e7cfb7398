"""A call graph that a recording states, as rows of configuration."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pyarrow as pa

from lake.store import Lake

_AT = datetime(2000, 1, 1, tzinfo=UTC)  # a stated edge holds whatever its time is


def state(lake: Lake, edges: Iterable[tuple[str, ...]]) -> None:
    """Put edges (source, target) or (source, target, what the target is) into a lake."""
    rows = [_row(source, target, *kind) for source, target, *kind in edges]
    if rows:
        lake.append("entity_management", pa.Table.from_pylist(rows), "stated-edges")


def _row(source: str, target: str, kind: str = "service") -> dict[str, object]:
    return {
        "time": _AT,
        "ingested_at": _AT,
        "activity_id": 2,
        "severity_id": 1,
        "status_id": 1,
        "workload": {"service": source},
        "entity": {"name": target, "type": kind},
        "metadata": {"log_name": "topology"},
    }
