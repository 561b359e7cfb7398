"""An alert's file becomes a request, in whichever of the known shapes it comes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.apps.alert import read_alert
from agent.config import Request
from agent.errors import RequestError

LABELS = {"alertname": "CheckoutSlow", "service": "checkout"}
FIRST = {"labels": LABELS, "startsAt": "2026-11-21T14:05:00.123456789Z"}
LATER = {"labels": {"alertname": "CartSlow"}, "startsAt": "2026-11-21T14:09:00Z"}
ACTIVE = {"labels": LABELS, "activeAt": "2026-11-21T15:05:00.123456+01:00", "state": "firing"}

SHAPES = {
    "alertmanager_webhook": {"version": "4", "alerts": [LATER, FIRST]},
    "alertmanager_api": [LATER, FIRST],
    "prometheus_api": {"status": "success", "data": {"alerts": [ACTIVE]}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_first_alert_to_fire_is_the_request(shape: str, tmp_path: Path) -> None:
    file = tmp_path / "alert.json"
    file.write_text(json.dumps(SHAPES[shape]))
    at = datetime(2026, 11, 21, 14, 5, 0, 123456, tzinfo=UTC)
    assert read_alert(file) == Request(at=at, service="checkout")


@pytest.mark.parametrize(
    "body", [1, None, "x", [], {}, {"alerts": []}, {"alerts": [{}]}, {"data": 1}, [{"labels": 1}]]
)
def test_an_unknown_shape_is_named_together_with_the_known_ones(body: Any, tmp_path: Path) -> None:
    file = tmp_path / "alert.json"
    file.write_text(json.dumps(body))
    with pytest.raises(RequestError, match=r"alert\.json holds no alert .* Alertmanager"):
        read_alert(file)


def test_what_is_no_json_is_said_to_be_unreadable(tmp_path: Path) -> None:
    file = tmp_path / "alert.json"
    file.write_bytes(b"\xff{")
    with pytest.raises(RequestError, match=r"alert\.json holds no JSON"):
        read_alert(file)
