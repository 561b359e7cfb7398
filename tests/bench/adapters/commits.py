"""Commits, deployments and flags beside an alert, logs, metrics and traces."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from agent.config import Request
from ingest.bundle import take
from lake.store import Lake
from tests.bench.adapters import Case

_SOURCES = Path(__file__).parent / "histories"
_COMMITS, _ALERT = "context/commits.json", "alert.json"
_TAKEN = (
    _ALERT,
    _COMMITS,
    "context/deploys.json",
    "context/flags.json",
    "logs.ndjson*",
    "metrics.csv*",
    "traces.json",
)


def fits(pack: Path, case: Case) -> bool:
    """Whether a case is a folder with an alert and a history of commits."""
    folder = pack / str(case.get("dir") or ".")
    return (folder / _ALERT).is_file() and (folder / _COMMITS).is_file()


def take_in(lake: Lake, pack: Path, case: Case) -> Request:
    """Ingest the evidence of a case, but for what somebody else's analysis made of it."""
    folder = pack / str(case.get("dir") or ".")
    files = [file for name in _TAKEN for file in sorted(folder.glob(name)) if not _empty(file)]
    take(lake, files, "histories", _SOURCES)
    fired = json.loads((folder / _ALERT).read_text("utf-8")).get("fired_at")
    return Request(at=datetime.fromisoformat(case.get("at") or fired), lookback_s=3 * 3600.0)


def _empty(file: Path) -> bool:
    return file.suffix == ".json" and file.read_text("utf-8").strip() in ("[]", "{}", "")
