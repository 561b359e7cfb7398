"""What all tests of traces share: an environment that says nothing of tracing."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lake.store import Lake


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_") or name in {"TRACEPARENT", "TRACESTATE"}:
            monkeypatch.delenv(name)


@pytest.fixture(scope="package")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """One lake for all: making one takes longer than most of what is tried here."""
    with Lake.create(tmp_path_factory.mktemp("lakes") / "lake") as made:
        yield made
