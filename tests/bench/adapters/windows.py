"""Metrics of many minutes, logs and traces of single ones, and a calm minute of the same day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.config import Request
from ingest.bundle import take
from lake.store import Lake
from tests.bench import nezha
from tests.bench.adapters import Case

CALM = "_fault_free"

_SOURCES = Path(next(iter(nezha.__path__)))
_MINUTE = timedelta(minutes=1)


def fits(pack: Path, case: Case) -> bool:
    """Whether a case is a folder of metrics and of `HH_MM_log` and `HH_MM_trace`."""
    folder = pack / str(case.get("dir") or ".")
    return (
        bool(case.get("at"))
        and any(folder.glob("metrics.csv*"))
        and any(folder.glob("[0-2][0-9]_[0-5][0-9]_*.csv*"))
    )


def take_in(lake: Lake, pack: Path, case: Case) -> Request:
    """Ingest a case and the calm minute of its day; its answer is in no file that is taken."""
    folder = pack / case["dir"]
    calm = folder.parent / CALM / case["at"][:10]
    take(lake, [folder, *([calm] if calm.is_dir() else [])], "nezha", _SOURCES)
    return Request(at=datetime.fromisoformat(case["at"]), calm=calm_stretch(calm))


def calm_stretch(folder: Path) -> tuple[datetime, datetime] | None:
    """The minutes that the files of a calm folder `YYYY-MM-DD` are named by; None without any."""
    names = sorted(file.name[:5] for file in folder.glob("[0-2][0-9]_[0-5][0-9]_*"))
    if not names:
        return None
    first, last = (
        datetime.strptime(f"{folder.name} {name}", "%Y-%m-%d %H_%M").replace(tzinfo=UTC)
        for name in (names[0], names[-1])
    )
    return first, last + _MINUTE
