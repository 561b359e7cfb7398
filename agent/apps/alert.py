"""An alert in a file, as Alertmanager or Prometheus writes it, made into a request."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.config import Request
from agent.errors import RequestError

_KNOWN = "an Alertmanager webhook body, or a list of alerts from Alertmanager's or Prometheus' API"


def read_alert(file: Path) -> Request:
    """Ask about the first alert to fire in `file`: when it did, and at which service.

    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config (alerts, startsAt)
    https://prometheus.io/docs/prometheus/latest/querying/api/#alerts (data.alerts, activeAt)
    """
    try:
        text = file.read_text(encoding="utf-8")
        bodies = _bodies(text)
    except OSError as error:
        raise RequestError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise RequestError(f"{file} holds no JSON; an alert file is {_KNOWN}.") from None
    try:
        first = min((alert for body in bodies for alert in _alerts(body)), key=_started)
        service = first["labels"].get("service")
        return Request(at=_started(first), service=None if service is None else str(service))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise RequestError(f"{file} holds no alert in a shape known here: {_KNOWN}.") from None


def _bodies(text: str) -> list[Any]:
    """One JSON document, or one a line."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()] or [json.loads("")]


def _alerts(body: Any) -> list[dict[str, Any]]:
    if isinstance(body, list):
        return body
    return list(body["data"]["alerts"] if "data" in body else body["alerts"])


def _started(alert: dict[str, Any]) -> datetime:
    at = datetime.fromisoformat(alert.get("startsAt") or alert["activeAt"])
    return at if at.tzinfo else at.replace(tzinfo=UTC)
