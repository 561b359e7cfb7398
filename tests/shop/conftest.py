"""The shop's own tests with real servers run when asked for: `make e2e`."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "e2e" in str(config.getoption("markexpr")):
        return
    for item in items:
        if item.get_closest_marker("e2e") and "/shop/" in item.path.as_posix():
            item.add_marker(pytest.mark.skip(reason="starts real servers: make e2e"))
