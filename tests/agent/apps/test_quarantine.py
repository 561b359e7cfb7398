"""What is in quarantine is shown, and tried again, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.apps.cli import run

Captured = pytest.CaptureFixture[str]

OWN = """-- name: tally
-- reads: lines
-- class: log_record
SELECT position, to_timestamp({}) AS time, line AS message FROM raw
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INQUEST_LAKE", raising=False)


def test_the_quarantine_is_counted_by_reason_shown_redacted_and_tried_again(
    capsys: Captured,
) -> None:
    Path("own").mkdir()
    Path("own/tally.sql").write_text(OWN.format("try_cast(line AS BIGINT)"))
    Path("log").write_text("1736935200\nat 1736935201 password=hunter22\nnever\n")
    assert run(["ingest", "tally", "log", "--sources", "own"]) == 0
    capsys.readouterr()
    assert run(["quarantine", "list", "--format", "json"]) == 0
    (group,) = json.loads(capsys.readouterr().out)
    assert (group["source"], group["records"], group["first"]) == ("tally", 2, "log:2")
    assert group["reason"] == "it has no time that can be read"
    assert "hunter22" not in group["example"]

    Path("own/tally.sql").write_text(OWN.format("try_cast(regexp_extract(line, '[0-9]+') AS INT)"))
    assert run(["quarantine", "replay", "--sources", "own", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    (done,) = json.loads(out)
    assert (done["tried"], done["mapped"], done["left"]) == (2, 1, 1)
    assert "tally: 1 still in quarantine: it has no time that can be read" in err
    assert run(["quarantine", "replay", "nginx"]) == 2
    assert "There is nothing of nginx in quarantine." in capsys.readouterr().err


def test_an_empty_quarantine_is_said(capsys: Captured) -> None:
    Path("log").write_text('10.0.0.7 - - [21/Nov/2026:14:05:00 +0200] "GET / HTTP/1.1" 200 1\n')
    assert run(["ingest", "nginx", "log"]) == 0
    assert run(["quarantine", "list"]) == 0
    assert "nothing is in quarantine" in capsys.readouterr().err
