"""What an investigation leaves in its lake, and what it does where it can leave nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.apps import shelf
from agent.apps.investigate import answer
from agent.config import Request
from agent.events import unheard
from agent.redaction import identified, redact
from lake.store import Lake
from tests.agent.report import samples
from tests.agent.world import record

Captured = pytest.CaptureFixture[str]
FINDINGS = "SELECT metadata.uid AS uid, verdict, src_url FROM incident_finding ORDER BY time"


def test_an_investigation_leaves_one_finding_that_leads_to_its_report(tmp_path: Path) -> None:
    with Lake.create(tmp_path / "lake") as lake:
        record(lake)
        report, folder = answer(lake, Request(), unheard)
        shelf.keep(report, lake)
        (row,) = lake.at().ask(FINDINGS).dicts()
    assert folder
    assert (row["uid"], row["verdict"]) == (report.id, report.verdict)
    assert lake.path / row["src_url"] == folder / "report.html"


def test_what_was_found_before_does_not_count_as_telemetry(tmp_path: Path) -> None:
    with Lake.create(tmp_path / "lake") as lake:
        record(lake)
        first, again = (answer(lake, Request(), unheard)[0] for _ in range(2))
    assert {e.digest for e in first.evidence.values()} == {
        e.digest for e in again.evidence.values()
    }
    assert "incident_finding" not in {t for e in again.evidence.values() for t in e.snapshots}


def test_a_lake_that_takes_no_finding_keeps_the_report_and_says_so(
    tmp_path: Path, capsys: Captured
) -> None:
    report = samples.cause_found()
    with Lake.create(tmp_path / "lake") as lake:
        (lake.path / "incident_finding").write_text("in the way")
        folder = shelf.keep(report, lake)
    assert folder
    assert (folder / "report.json").is_file()
    told = capsys.readouterr().err
    assert told.startswith(f"The finding of report {report.id} is not in the lake: ")
    assert len(told.splitlines()) == 1


def test_a_lake_that_takes_no_report_says_so_and_nothing_is_raised(
    tmp_path: Path, capsys: Captured
) -> None:
    with Lake.create(tmp_path / "lake") as lake:
        (lake.path / "reports").write_text("in the way")
        assert shelf.keep(samples.cause_found(), lake) is None
    assert capsys.readouterr().err.startswith("The report is not kept: ")


def test_a_full_disk_is_told_with_the_folder(tmp_path: Path, capsys: Captured) -> None:
    report = samples.cause_found()
    with Lake.create(tmp_path / "lake") as lake:
        folder = lake.path / "reports" / report.id
        folder.mkdir(parents=True)
        (folder / ".report.html").symlink_to("/dev/full")
        assert shelf.keep(report, lake) is None
    told = capsys.readouterr().err
    assert told == f"The report is not kept: {folder}: No space left on device.\n"


def test_a_report_is_kept_where_whom_it_means_is_not(tmp_path: Path, capsys: Captured) -> None:
    with Lake.create(tmp_path / "lake") as lake, identified(lake.path) as people:
        report = replace(samples.cause_found(), title=redact("mira.k@example.com could not pay"))
        folder = lake.path / "reports" / report.id
        (folder / f".{shelf.IDENTIFIERS}").mkdir(parents=True)
        assert shelf.keep(report, lake, people) == folder
        assert len(lake.at().ask(FINDINGS).dicts()) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"Whom report {report.id} calls by pseudonyms is not kept: {folder}/.")
    assert len(told.splitlines()) == 1
