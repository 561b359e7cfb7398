"""From a raw file on the command line to rows that can be asked."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from agent.apps.cli import run

Captured = pytest.CaptureFixture[str]

GOOD = '10.0.0.7 - - [21/Nov/2026:14:05:00 +0200] "GET /cart HTTP/1.1" 502 157 "-" "curl/8"\n'
OWN = """-- name: tallies
-- reads: lines
-- class: log_record
-- https://example.org/tallies
SELECT position, to_timestamp(split_part(line, ' ', 1)::BIGINT) AS "time",
  split_part(line, ' ', 2) AS message
FROM raw
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INQUEST_LAKE", raising=False)


def test_what_was_read_is_counted_by_table_and_can_be_asked(capsys: Captured) -> None:
    Path("access.log").write_text(GOOD + "what is this\n")
    assert run(["ingest", "nginx", "access.log", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    (taken,) = json.loads(out)
    assert taken.pop("records_per_s") > 0
    reason = "the line is not in nginx's common or combined format"
    assert taken == {
        "source": "nginx",
        "files": 1,
        "read": 2,
        "mapped": 1,
        "quarantined": 1,
        "tables": {"http_activity": 1},
        "reasons": {reason: 1},
        "guesses": {},
    }
    assert err.startswith(f"nginx: 1 record in quarantine: {reason}\n1 record of 1 file in ")
    assert run(["ask", "SELECT time, http_response.code FROM http_activity"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "2026-11-21T12:05:00Z  502"


def test_the_same_file_again_changes_nothing_and_says_so(capsys: Captured) -> None:
    Path("access.log").write_text(GOOD)
    for _ in range(2):
        assert run(["ingest", "nginx", "access.log"]) == 0
    assert "nothing changed" in capsys.readouterr().err
    assert run(["ask", "SELECT count(*) AS n FROM http_activity"]) == 0
    assert capsys.readouterr().out == "n\n1\n"


def test_without_a_source_each_file_says_what_it_is(capsys: Captured) -> None:
    Path("logs").mkdir()
    Path("logs/one").write_text(GOOD)
    Path("logs/two").write_bytes(gzip.compress(GOOD.replace("502", "503").encode()))
    with tarfile.open("logs/three.tar.gz", "w:gz") as archive:
        archive.add("logs/one", "in/it.log")
    assert run(["ingest", "logs"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split()[:4] == ["nginx", "3", "2", "2"]  # one is in it twice
    for name in ("logs/one", "logs/two", "logs/three.tar.gz/in/it.log"):
        assert (
            f'{name}: nginx, a guess: it holds 10.0.0.7 - - [21/Nov/2026:14:05:00 +0200] "' in err
        )
    assert "holds what was ingested before: nothing changed." in err


def test_a_source_that_shares_its_name_with_a_file_is_told_by_what_follows(
    capsys: Captured,
) -> None:
    Path("nginx").write_text(GOOD)
    assert run(["ingest", "nginx"]) == 0
    assert run(["ingest", "nginx", "nginx"]) == 0
    assert "nothing changed" in capsys.readouterr().err
    Path("nginx").unlink()
    assert run(["ingest", "nginx"]) == 2
    assert "nginx is a source: name the files" in capsys.readouterr().err


def test_the_list_of_sources_fits_a_screen(capsys: Captured) -> None:
    assert run(["sources", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 100
    assert max(map(len, lines)) < 200
    (windows,) = (line for line in lines if " windows_event_xml " in line)
    assert windows.endswith(" more")


def test_a_source_can_be_read(capsys: Captured) -> None:
    assert run(["sources", "show", "nginx"]) == 0
    assert capsys.readouterr().out.startswith("-- name: nginx\n-- reads: lines\n")
    assert run(["sources", "show", "nothing"]) == 2
    assert "There is no source nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["astrology", "access.log"], "astrology"), (["nginx", "gone.log"], "gone.log")],
)
def test_a_source_or_file_that_is_not_there_is_named(
    arguments: list[str], named: str, capsys: Captured
) -> None:
    Path("access.log").write_text(GOOD)
    assert run(["ingest", *arguments]) == 2
    assert named in capsys.readouterr().err


def test_a_folder_of_ones_own_sources_is_listed_tested_and_read(capsys: Captured) -> None:
    Path("mine").mkdir()
    Path("mine/tallies.sql").write_text(OWN)
    assert run(["sources", "test", "mine"]) == 0
    assert run(["sources", "list", "--sources", "mine", "--format", "json"]) == 0
    told = capsys.readouterr().out.partition("[")
    listed = {one["source"]: one for one in json.loads("[" + told[2])}
    assert listed["tallies"] == {
        "family": "mine",
        "source": "tallies",
        "product": "tallies",
        "reads": "lines",
        "classes": ["log_record"],
    }
    assert "otlp_traces" in listed
    Path("tallies.txt").write_text("1795269900 three\n")
    assert run(["ingest", "tallies", "tallies.txt", "--sources", "mine"]) == 0
    assert run(["ask", "SELECT message FROM log_record", "--format", "markdown"]) == 0
    assert capsys.readouterr().out.endswith("| three |\n")


def test_every_fault_of_a_folder_of_sources_is_shown_and_the_check_fails(capsys: Captured) -> None:
    Path("mine").mkdir()
    Path("mine/tallies.sql").write_text(OWN.replace("reads: lines", "reads: tea leaves"))
    Path("mine/other.sql").write_text(OWN.replace("name: tallies", "name: other") + ")")
    assert run(["sources", "test", "mine"]) == 1
    out = capsys.readouterr().out
    assert "tallies.sql:2: " in out
    assert "other.sql:" in out


def test_a_folder_of_sources_that_is_not_there_is_bad_input(capsys: Captured) -> None:
    assert run(["sources", "test", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_an_empty_file_is_unreadable_input_and_hides_no_other(capsys: Captured) -> None:
    Path("empty.log").touch()
    Path("full.log").write_text(GOOD)
    assert run(["ingest", "nginx", "empty.log", "full.log"]) == 2
    assert "empty.log holds no records" in capsys.readouterr().err
    assert run(["ask", "SELECT time FROM http_activity", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1
    assert run(["ingest", "nginx", "full.log"]) == 0
