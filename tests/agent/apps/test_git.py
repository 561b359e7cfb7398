"""A change as git has it: moves with both their paths, names of any kind, nothing run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from agent.apps import git
from agent.errors import RequestError


@pytest.fixture(autouse=True)
def _repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@shop.example")
    called("init", "-qb", "main")
    commit(**{"kept.py": "1\n" * 50, "moved.py": "2\n" * 50, "gone.py": "3\n"})
    called("branch", "base")


def called(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(**files: str) -> str:
    for name, text in files.items():
        Path(name).write_text(text)
    called("add", "-A")
    called("commit", "-qm", "a change of `things`")
    return called("rev-parse", "HEAD")


def test_every_way_a_file_can_change_is_read() -> None:
    Path("moved.py").rename("there.py")
    Path("gone.py").unlink()
    head = commit(**{"kept.py": "other\n" * 50, 'new "one"\n|$(id).py': "x"})
    pull = git.changes("base", "HEAD", "shop/shop")
    assert (pull.title, pull.head, pull.files_in_all) == ("a change of `things`", head, 4)
    assert {(file.status, *file.paths) for file in pull.files} == {
        ("removed", "gone.py"),
        ("modified", "kept.py"),
        ("added", 'new "one"\n|$(id).py'),
        ("renamed", "there.py", "moved.py"),
    }


def test_what_came_to_the_base_meanwhile_is_no_part_of_the_change() -> None:
    called("checkout", "-qb", "ours")
    commit(**{"ours.py": "x"})
    called("checkout", "-q", "base")
    commit(**{"theirs.py": "x"})
    assert [file.path for file in git.changes("base", "ours", "").files] == ["ours.py"]


@pytest.mark.parametrize("name", ["gone", "--output=pwned", "-x", ""])
def test_a_commit_that_is_not_here_is_one_sentence(name: str) -> None:
    with pytest.raises(RequestError, match="fetch it first"):
        git.changes(name, "HEAD", "")
    assert not Path("pwned").exists()


def test_a_revision_has_the_files_it_changed_and_an_unknown_one_none() -> None:
    assert git.files_of(commit(**{"a.py": "x"})) == {"a.py"}
    assert git.files_of("f" * 40) == frozenset()
    assert git.files_of("--all") == frozenset()
