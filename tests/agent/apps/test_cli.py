"""The command line: results on stdout, a sentence on stderr, an exit code that means something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.apps import doctor
from agent.apps.cli import run
from lake.errors import DUCKDB_INTERRUPTED
from lake.store import Lake

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("INQUEST_")]:
        monkeypatch.delenv(name)


def refused(arguments: list[str], capsys: Captured) -> str:
    """The sentence that a command line is refused with: exit 2, nothing on stdout, no traceback."""
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    "arguments",
    [
        ["investigate"],
        ["ask", "SELECT 1"],
        ["report", "list"],
        ["investigate", "--lake", "nowhere"],
    ],
)
def test_without_a_lake_a_command_says_so(arguments: list[str], capsys: Captured) -> None:
    sentence = refused(arguments, capsys)
    assert "There is no lake at" in sentence
    assert sentence.count("\n") == 1


def test_a_folder_that_is_no_lake_is_named(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "photos").mkdir()
    assert "photos is no lake" in refused(["ask", "SELECT 1", "--lake", "photos"], capsys)


def test_a_lake_that_was_moved_says_where_it_was_made(tmp_path: Path, capsys: Captured) -> None:
    Lake.create(tmp_path / "before").close()
    (tmp_path / "before").rename(tmp_path / "after")
    sentence = refused(["ask", "SELECT 1", "--lake", "after"], capsys)
    assert str(tmp_path / "before") in sentence


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["investigate", "nowhere"], "nowhere is no folder"),
        (["investigate", "--at", "yesterday"], "'yesterday' is no time with its zone"),
        (["investigate", "--at", "2026-11-21T14:05:00"], "is no time with its zone"),
        (["investigate", "--alert", "gone.json"], "There is no file gone.json"),
        (["investigate", "--lookback", "0"], "A lookback of 0 s is no window"),
        (["verify", "R404"], "There is no report 'R404'"),
        (["report", "show", "R404"], "There is no report 'R404'"),
        (["demo", "--format", "pdf"], "'pdf'"),
        (["astrology"], "astrology"),
    ],
)
def test_bad_input_is_one_sentence_that_names_it(
    arguments: list[str], expected: str, capsys: Captured
) -> None:
    assert expected in refused(arguments, capsys)


def test_an_unknown_setting_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setenv("INQUEST_LAKES", "typo")
    assert "INQUEST_LAKES is not a setting" in refused(["doctor"], capsys)


def test_the_lake_is_the_options_or_else_the_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    Lake.create(tmp_path / "one").close()
    Lake.create(tmp_path / "two").close()
    monkeypatch.setenv("INQUEST_LAKE", "one")
    for arguments, expected in ([], "one"), (["--lake", "two"], "two"):
        assert run(["doctor", "--format", "json", *arguments]) == 0
        found = {line["what"]: line["found"] for line in json.loads(capsys.readouterr().out)}
        assert found["lake"] == str(tmp_path / expected)


def test_a_fault_of_our_own_is_one_sentence_that_says_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(doctor, "LIBRARIES", None)
    assert run(["doctor"]) == 3
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.setenv("INQUEST_DEBUG", "1")
    with pytest.raises(TypeError):
        run(["doctor"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError(DUCKDB_INTERRUPTED)])
def test_an_interrupt_is_quiet(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def interrupted() -> None:
        raise error

    monkeypatch.setattr(doctor, "_machine", interrupted)
    assert run(["doctor"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_has_gone_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing) as gone:
        done = subprocess.run(
            [sys.executable, "-c", "from agent.apps.cli import main; main()", "demo", "--list"],
            cwd=Path(__file__).parents[3],
            stdout=gone,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
