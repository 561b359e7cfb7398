"""What all tests of traces share: an environment that says nothing of tracing."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_") or name in {"TRACEPARENT", "TRACESTATE"}:
            monkeypatch.delenv(name)
