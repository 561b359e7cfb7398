"""What a process of the bench may do to a case, for tests of the pool that starts it."""

from __future__ import annotations

import os
import time
from typing import Any

from agent.apps.bench.pack import Case
from agent.apps.bench.work import Plan


def work(case: Case, _plan: Plan) -> dict[str, Any]:
    """End like a process that was killed, take forever, or answer with the process's number."""
    if case.id.startswith("dies"):
        os._exit(9)
    if case.id.startswith("hangs"):
        time.sleep(600)
    return {"case": case.id, "process": os.getpid()}
