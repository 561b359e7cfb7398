"""An empty lake for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.store import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.create(tmp_path / "lake") as lake:
        yield lake
