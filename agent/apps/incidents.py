"""The incidents that come with Inquest: raw telemetry recorded from a shop broken on purpose."""

from __future__ import annotations

import json
from pathlib import Path

from agent.errors import RequestError

_HERE = Path(__file__).parent
_ROOTS = (_HERE / "incidents", _HERE.parents[1] / "tests" / "shop" / "incidents")


def recorded() -> dict[str, Path]:
    """Find the recorded incidents, in a wheel or in a checkout: name and folder of evidence."""
    found = (folder for root in _ROOTS for folder in sorted(root.glob("*/evidence")))
    return {folder.parent.name: folder for folder in found}


def evidence_of(name: str) -> Path:
    """Find the folder of evidence of one incident."""
    incidents = recorded()
    if name not in incidents:
        known = ", ".join(incidents) or "none at all"
        raise RequestError(f"There is no recorded incident {name!r}; there are {known}.")
    return incidents[name]


def title_of(evidence: Path) -> str:
    """Say how an incident was noticed, as its manifest has it: the symptom, never the cause."""
    manifest = evidence / "_index.json"
    if not manifest.is_file():
        return ""
    return str(json.loads(manifest.read_text("utf-8")).get("prompt", ""))
