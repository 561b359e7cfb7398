"""The Action and the workflow that its page shows: sound, pinned, and no input in a script."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent


def workflow() -> str:
    """The workflow that docs/pr-check.md shows."""
    page = (ROOT / "docs/pr-check.md").read_text()
    (shown,) = re.finditer(r"```yaml\n(name:.*?)```", page, re.S)
    return shown[1].replace("OWNER/inquest@COMMIT", f"inquest/inquest@{'0' * 40}")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that uses the Action as its page says."""
    folder = tmp_path / "shop"
    file = folder / ".github/workflows/inquest.yml"
    file.parent.mkdir(parents=True)
    file.write_text(workflow())
    (folder / "action.yml").write_text((ROOT / "action.yml").read_text())
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ["actionlint", ".github/workflows/inquest.yml"],
        ["zizmor", "--offline", "--no-progress", "--pedantic", "."],
    ],
)
def test_the_linters_find_nothing(repository: Path, command: list[str]) -> None:
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_script_holds_an_expression_and_every_action_is_pinned() -> None:
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    assert not [step for step in steps if "${{" in step.get("run", "")]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one) for one in used)
