"""Prometheus, by its HTTP API: what fires, whom it reaches, and the signals that most have.

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import httpx
import yaml

from agent.apps.collect.folder import Folder
from agent.apps.collect.tool import Answer, ToolError

TIMEOUT_S: Final = 30.0
POINTS: Final = 240
"""Points a series: enough to see when something began."""

_STEP_S: Final = 5
_SIGNALS: Final = Path(__file__).parent / "signals.yaml"


def gather(folder: Folder, url: str, since_s: float) -> None:
    """Read alerts, targets and the listed signals since `since_s` ago."""
    end = time.time()
    step = max(_STEP_S, round(since_s / POINTS))
    window = {"start": f"{end - since_s:.3f}", "end": f"{end:.3f}", "step": str(step)}
    signals = yaml.safe_load(_SIGNALS.read_text(encoding="utf-8"))
    with httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT_S) as server:
        _keep(folder, server, "alerts", "alert", "/api/v1/alerts", {})
        _keep(folder, server, "targets", "targets", "/api/v1/targets", {"state": "active"})
        for name, query in signals.items():
            asked = {"query": query, **window}
            _keep(folder, server, name, "metrics", "/api/v1/query_range", asked)


def _keep(
    folder: Folder, server: httpx.Client, name: str, kind: str, path: str, asked: dict[str, str]
) -> None:
    """Keep an answer; one without a result is left out. ToolError if there is no server."""
    folder.tell(f"asking Prometheus: {name}")
    try:
        answer = server.get(path, params=asked)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise ToolError(f"Prometheus at {server.base_url} gave no answer: {error}") from None
    if not answer.is_success:
        folder.note(f"Prometheus answered {answer.status_code} to {name}: {answer.text[:200]}")
        return
    if any(empty in answer.text for empty in ('"result":[]', '"alerts":[]')):
        return
    file = f"prometheus/{name}.json"
    folder.keep(
        file, kind, Answer(answer.text), tool="prometheus", invocation=f"GET {path}", params=asked
    )
