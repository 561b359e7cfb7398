"""Lakes: an empty one for each test that asks, one that many look at; and expected outputs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.config import Request
from agent.investigation import investigated
from agent.nodes import failing
from agent.state import Investigation
from lake.store import Lake
from tests.agent.world import BACK, EARLY, GUILTY, leaking, record

Golden = Callable[[Path, str], None]


@pytest.fixture(autouse=True)
def _no_fault_of_ours_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that breaks off must not look like one that had nothing to say."""
    monkeypatch.setattr(failing, "UNFORESEEN", ())


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.create(tmp_path / "lake") as lake:
        yield lake


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake in which payment's release is guilty, for tests that only investigate it."""
    with Lake.create(tmp_path_factory.mktemp("released") / "lake") as lake:
        record(lake, releases=(EARLY, GUILTY, BACK), behaviour=leaking)
        yield lake


@pytest.fixture(scope="session")
def alone(released: Lake) -> Investigation:
    """What the engine makes of that lake without a model."""
    return investigated(released, Request())


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the file of what was expected or, with --goldens, write it."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--goldens"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), "read the diff of `make goldens`"

    return compare
