"""People in a report have pseudonyms; its owner, and nobody else, calls them as they are."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from agent.apps import shelf
from agent.apps.cli import run
from agent.redaction import identified, redact
from tests.agent.report import samples

WHO = "mira.k@example.com"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake with one report, whose title names somebody."""
    with identified(tmp_path) as people:
        report = replace(samples.cause_found(), id="one", title=redact(f"{WHO} could not pay"))
        shelf.identify(shelf.save(report, tmp_path), people)
    return tmp_path


def test_a_report_names_nobody_unless_it_is_asked_to_reveal(
    lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lake / "reports" / "one"
    assert run(["report", "show", str(folder)]) == 0
    hidden = capsys.readouterr().out
    assert run(["report", "show", str(folder), "--reveal"]) == 0
    shown = capsys.readouterr().out
    assert "[email:" in hidden
    assert WHO not in hidden
    assert f"{WHO} could not pay" in shown
    written = [file for file in folder.iterdir() if WHO in file.read_text()]
    assert [file.name for file in written] == [shelf.IDENTIFIERS]
    assert stat.S_IMODE(written[0].stat().st_mode) == 0o600


def test_a_report_that_hides_nobody_is_shown_as_it_is_with_a_remark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shelf.save(samples.cause_found(), tmp_path)
    assert run(["report", "show", str(folder)]) == 0
    plain = capsys.readouterr().out
    assert run(["report", "show", str(folder), "--reveal"]) == 0
    out, err = capsys.readouterr()
    assert out == plain
    assert "calls nobody by a pseudonym" in err


def test_a_copied_report_reveals_nothing_and_says_so(
    lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lake / "reports" / "one"
    (folder / shelf.IDENTIFIERS).unlink()
    assert run(["report", "show", str(folder), "--reveal"]) == 2
    assert "identifiers.json is not there" in capsys.readouterr().err
