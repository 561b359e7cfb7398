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


def noticed(evidence: Path) -> str:
    """Say how an incident was noticed: by the first alert that was delivered, if there was one."""
    deliveries = evidence / "alertmanager.jsonl"
    if not deliveries.is_file():
        return "no alert"
    with deliveries.open(encoding="utf-8") as lines:
        first = json.loads(next(lines))["alerts"][0]
    return f"{first['annotations']['summary']} ({first['labels']['alertname']})"
