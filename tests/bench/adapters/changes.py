"""Releases of several services at once: steps of rollouts, metrics by pod and edge, an alert."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.config import Request
from ingest.bundle import take
from lake.store import Lake
from tests.bench.adapters import Case

_SOURCES = Path(__file__).parent / "releases"
_NEEDED = ("alert.json", "deploys.json", "edge_metrics.csv*")
_TAKEN = (*_NEEDED, "dependency.csv*", "destination_success.csv*", "source_success.csv*")


def fits(pack: Path, case: Case) -> bool:
    """Whether a case is a folder with an alert, steps of rollouts and metrics of edges."""
    folder = _evidence(pack, case)
    return all(any(folder.glob(name)) for name in _NEEDED) and bool(
        json.loads((folder / "deploys.json").read_text("utf-8")).get("rollout_steps")
    )


def take_in(lake: Lake, pack: Path, case: Case) -> Request:
    """Ingest the evidence of a case; its answer is in no file that is taken."""
    folder = _evidence(pack, case)
    files = [file for name in _TAKEN for file in sorted(folder.glob(name))]
    take(lake, files, "releases", _SOURCES)
    alert = json.loads((folder / "alert.json").read_text("utf-8"))
    return Request(at=_seen(alert))


def _evidence(pack: Path, case: Case) -> Path:
    folder = pack / str(case.get("dir") or case.get("case") or ".")
    return folder / "evidence" if (folder / "evidence").is_dir() else folder


def _seen(alert: dict[str, Any]) -> datetime:
    if alert.get("detect_timestamp"):
        return datetime.fromtimestamp(alert["detect_timestamp"], UTC)
    return datetime.fromisoformat(alert["detect_time"]).replace(tzinfo=UTC)
