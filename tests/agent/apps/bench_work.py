"""What a process of the bench may do to a case, for tests of the pool that starts it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.apps.bench.pack import Case
from agent.apps.bench.work import Plan


@dataclass(frozen=True)
class Ending:
    """Ends the process that unpickles it, unless `marker` is there; makes it if its folder is."""

    marker: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return _ended, (self.marker,)


def _ended(marker: Path) -> Path:
    if not marker.exists():
        if marker.parent.is_dir():
            marker.touch()
        os._exit(9)
    return marker


def work(case: Case, _plan: Plan) -> dict[str, Any]:
    """End like a process that was killed, take forever, or answer with the process's number."""
    if case.id.startswith("dies"):
        os._exit(9)
    if case.id.startswith("hangs"):
        time.sleep(600)
    return {"case": case.id, "process": os.getpid()}
