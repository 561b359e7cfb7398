"""Nezha's TrainTicket: the logs, traces and metrics of a case, and the calm minute of its day."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingest.bundle import take
from ingest.run import Summary
from lake.store import Lake


def take_in(lake: Lake, pack: Path, case: Mapping[str, Any]) -> list[Summary]:
    """Ingest the evidence of a case; its answer is in no file that the sources take."""
    folder = pack / case["dir"]
    calm = folder.parent / "_fault_free" / case["at"][:10]
    return take(lake, [folder, calm], "nezha", Path(__file__).parent)
