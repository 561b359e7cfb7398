"""An empty lake for each test that asks for one, and expected outputs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lake.store import Lake

Golden = Callable[[Path, str], None]


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.create(tmp_path / "lake") as lake:
        yield lake


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the file of what was expected or, with --goldens, write it."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--goldens"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), "read the diff of `make goldens`"

    return compare
