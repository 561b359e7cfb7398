"""`inquest export`: what was ingested leaves as OCSF that the validator accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.apps.cli import run
from lake.event import PAGE_ROWS

LINE = '192.0.2.{} - - [15/Jan/2025:10:{:02}:00 +0000] "GET /cart HTTP/1.1" 200 12\n'


@pytest.fixture
def lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """A lake with three requests, a minute apart."""
    log = tmp_path / "access.log"
    log.write_text("".join(LINE.format(n, n) for n in (1, 2, 3)), "utf-8")
    folder = str(tmp_path / "lake")
    assert run(["ingest", "nginx", str(log), "--lake", folder]) == 0
    capsys.readouterr()
    return folder


def test_events_leave_as_lines_of_valid_ocsf(lake: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    assert run(["export", "--lake", lake, "--output", str(file)]) == 0
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [event["src_endpoint"]["ip"] for event in events] == [
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.3",
    ]
    assert run(["ocsf", "validate", str(file)]) == 0


def test_a_class_and_a_time_can_be_chosen(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    only = ["export", "--lake", lake, "--class", "http_activity"]
    window = ["--since", "2025-01-15T10:02:00Z", "--until", "2025-01-15T10:03:00Z"]
    assert run([*only, *window]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["time"] for line in out.splitlines()] == [1_736_935_320_000]
    assert err == "1 event of 1 classes written\n"


def test_without_our_extension_events_are_the_cores_and_nothing_is_lost(
    lake: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, options in (("whole", []), ("core", ["--core"])):
        file = str(tmp_path / name)
        assert run(["export", "--lake", lake, "--output", file, *options]) == 0
        assert run(["ocsf", "validate", file]) == 0
    whole, core = (
        [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        for name in ("whole", "core")
    )
    assert all("inquest" in str(event["metadata"]) for event in whole)
    assert not any("inquest" in str(event["metadata"]) for event in core)
    assert not any("workload" in event for event in core)
    assert [event["workload"] for event in whole] == [
        event["unmapped"]["workload"] for event in core
    ]
    assert run(["export", "--lake", lake, "--class", "log_record", "--core"]) == 2
    assert "log_record is a class of our extension" in capsys.readouterr().err


def test_a_class_that_ocsf_lacks_is_refused(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "--lake", lake, "--class", "htp_activity"]) == 2
    assert "http_activity" in capsys.readouterr().err


def test_many_events_leave_page_by_page_and_each_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PAGE_ROWS > 1
    monkeypatch.setattr("lake.event.PAGE_ROWS", 7)
    log = tmp_path / "access.log"
    log.write_text("".join(LINE.format(n, n // 5) for n in range(100)), "utf-8")
    folder = str(tmp_path / "lake")
    assert run(["ingest", "nginx", str(log), "--lake", folder]) == 0
    capsys.readouterr()
    assert run(["export", "--lake", folder]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(int(event["src_endpoint"]["ip"].split(".")[3]) for event in events) == [
        *range(100)
    ]
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
