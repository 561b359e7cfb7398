"""Metrics of many minutes, logs and traces of single ones, and a calm minute of the same day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.config import Request
from ingest.bundle import take
from ingest.run import Summary
from lake.store import Lake
from tests.bench.adapters import Case

CALM = "_fault_free"

_SOURCES = Path(__file__).parents[1] / "nezha"
_EDGES = Path(__file__).parent / "releases"
_MINUTE = timedelta(minutes=1)
_GATHERED = timedelta(seconds=75)


def fits(pack: Path, case: Case) -> bool:
    """Whether a case is a folder of metrics and of `HH_MM_log` and `HH_MM_trace`."""
    folder = pack / str(case.get("dir") or ".")
    return (
        bool(case.get("at"))
        and any(folder.glob("metrics.csv*"))
        and any(folder.glob("[0-2][0-9]_[0-5][0-9]_*.csv*"))
    )


def take_in(lake: Lake, pack: Path, case: Case) -> Request:
    """Ingest a case and the calm minute of its day, and say when it was."""
    ingested(lake, pack, case)
    return Request(at=datetime.fromisoformat(case["at"]), calm=calm_stretch(_calm(pack, case)))


def ingested(lake: Lake, pack: Path, case: Case) -> list[Summary]:
    """Take the files of a case in; its answer is in none of them."""
    folder, calm = pack / case["dir"], _calm(pack, case)
    graph = sorted(folder.glob("dependency.csv*"))
    return take(lake, [folder, *([calm] if calm.is_dir() else [])], "nezha", _SOURCES) + (
        take(lake, graph, "releases", _EDGES) if graph else []
    )


def _calm(pack: Path, case: Case) -> Path:
    return pack / str(Path(case["dir"]).parent / CALM / case["at"][:10])


def calm_stretch(folder: Path) -> tuple[datetime, datetime] | None:
    """About the minutes that a calm folder's files `YYYY-MM-DD` are named by; None without any.

    What a recorder gathers for a minute may lie a little before it or after.
    """
    names = sorted(file.name[:5] for file in folder.glob("[0-2][0-9]_[0-5][0-9]_*"))
    if not names:
        return None
    first, last = (
        datetime.strptime(f"{folder.name} {name}", "%Y-%m-%d %H_%M").replace(tzinfo=UTC)
        for name in (names[0], names[-1])
    )
    return first - _GATHERED, last + _MINUTE + _GATHERED
