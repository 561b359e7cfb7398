"""A scratch lake is made anew each time, and nothing else is ever emptied."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.apps.scratch import fresh
from agent.errors import RequestError
from lake.store import Lake


def test_a_second_time_the_folder_is_made_anew(tmp_path: Path) -> None:
    fresh(tmp_path / "demo" / "one").close()
    (tmp_path / "demo" / "one" / "left over").write_text("")
    fresh(tmp_path / "demo" / "one").close()
    assert not (tmp_path / "demo" / "one" / "left over").exists()
    Lake.open(tmp_path / "demo" / "one").close()


def test_a_folder_that_something_else_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RequestError, match="was not made by Inquest"):
        fresh(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_lake_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake").close()
    with pytest.raises(RequestError, match="was not made by Inquest"):
        fresh(tmp_path / "lake")
    Lake.open(tmp_path / "lake").close()


def test_a_link_to_a_scratch_lake_is_not_followed(tmp_path: Path) -> None:
    fresh(tmp_path / "one").close()
    (tmp_path / "link").symlink_to(tmp_path / "one")
    with pytest.raises(RequestError, match="was not made by Inquest"):
        fresh(tmp_path / "link")
    assert (tmp_path / "one").is_dir()
