"""From telemetry to a saved report: what is printed, where it lies, and that it can be checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.apps.cli import run

Captured = pytest.CaptureFixture[str]
START = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INQUEST_LAKE", raising=False)


def access_log(path: Path) -> Path:
    """Twenty quiet minutes of a shop."""
    lines = (
        f"10.0.0.7 - - [{START + timedelta(seconds=at):%d/%b/%Y:%H:%M:%S +0000}] "
        '"GET /cart HTTP/1.1" 200 157 "-" "curl/8"\n'
        for at in range(0, 1200, 2)
    )
    path.write_text("".join(lines))
    return path


def test_a_report_is_printed_alone_saved_listed_and_holds(capsys: Captured) -> None:
    assert run(["ingest", "nginx", str(access_log(Path("access.log")))]) == 0
    capsys.readouterr()
    assert run(["investigate", "--at", "2026-11-21T14:15:00Z", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert report["verdict"] != "cause_found"
    assert report["cost"]["queries"] > 0

    folder = Path("inquest-lake/reports") / report["id"]
    assert json.loads((folder / "report.json").read_text()) == report
    assert {path.name for path in folder.iterdir()} == {"report.json", "report.md", "report.html"}
    assert "report.html" in err

    assert run(["report", "list", "--format", "json"]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == [report["id"]]
    for form in ("text", "markdown", "html"):
        assert run(["report", "show", report["id"], "--format", form]) == 0
        assert report["title"] in capsys.readouterr().out
    assert run(["verify", report["id"], "--threads", "2"]) == 0


def test_how_far_it_is_is_written_as_it_goes_a_line_of_json_each(capsys: Captured) -> None:
    assert run(["ingest", "nginx", str(access_log(Path("access.log")))]) == 0
    at = ["investigate", "--at", "2026-11-21T14:15:00Z"]
    assert run([*at, "--events", "events.jsonl"]) == 0
    events = [json.loads(line) for line in Path("events.jsonl").read_text().splitlines()]
    assert {event["kind"] for event in events} == {"began", "says", "ended"}
    assert [e["node"] for e in events if e["kind"] == "began"][-1] == "verify"
    assert events[-1]["spent"]["queries"] > 0
    assert run([*at, "--events", "events.jsonl"]) == 0
    assert len(Path("events.jsonl").read_text().splitlines()) >= 2 * len(events)
    assert run([*at, "--events", "no/such/folder/events.jsonl"]) == 2
    assert "no/such/folder" in capsys.readouterr().err
    assert run([*at, "--events", "/dev/full"]) == 0
    said = capsys.readouterr().err
    assert said.count("/dev/full: No more events are written: No space left on device.") == 1


def test_a_time_without_telemetry_is_refused_with_the_times_there_are(capsys: Captured) -> None:
    assert run(["ingest", "nginx", str(access_log(Path("access.log")))]) == 0
    capsys.readouterr()
    assert run(["investigate", "--at", "2026-11-20T14:15:00Z"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "2026-11-21 14:00" in err


def test_a_bundle_is_investigated_in_a_lake_of_its_own(capsys: Captured) -> None:
    Path("case").mkdir()
    access_log(Path("case/access.log"))
    assert run(["investigate", "case", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    (kept,) = Path("inquest-scratch").glob("case-*/reports/*/report.json")
    assert kept.parent.name == report["id"]
    assert not Path("inquest-lake").exists()
