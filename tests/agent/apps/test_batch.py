"""Many incidents at once: a result for each, a killed run that goes on, a folder that moves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.apps.cli import run
from lake.store import Lake
from tests.agent.apps.test_investigate import access_log
from tests.agent.report.markup import Page
from tests.agent.world import START, record

Captured = pytest.CaptureFixture[str]
NOW, NEVER = START.replace(minute=7).isoformat(), "2020-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INQUEST_LAKE", raising=False)


def ask_about(**incidents: dict[str, Any]) -> str:
    """Write a batch of these incidents by id, and give its name."""
    lines = (json.dumps({"id": name, **asked}) for name, asked in incidents.items())
    Path("incidents.jsonl").write_text("\n".join(lines))
    return "incidents.jsonl"


def a_lake() -> None:
    """Eight quiet minutes of a shop, in the default lake."""
    with Lake.create("inquest-lake") as lake:
        record(lake, minutes=8, per_s=1.0)


def results() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out/results.jsonl").read_text().splitlines()]


def test_each_incident_has_its_result_and_its_report_wherever_the_folder_goes(
    tmp_path: Path, capsys: Captured
) -> None:
    a_lake()
    Path("case").mkdir()
    access_log(Path("case/access.log"))
    file = ask_about(calm={"at": NOW}, never={"at": NEVER}, case={"bundle": "case"})
    assert run(["batch", file, "--out", "out", "--jobs", "2", "--format", "json"]) == 1
    out, err = capsys.readouterr()
    assert [one["id"] for one in json.loads(out)] == ["calm", "never", "case"]
    assert "1 of 3 not investigated: never" in err

    by_id = {one["id"]: one for one in results()}
    assert by_id["never"]["verdict"] is None
    assert by_id["never"]["error"].startswith("There is no telemetry around 2020-01-01")
    for name in ("calm", "case"):
        saved = (Path("out") / by_id[name]["report"]).with_name("report.json")
        report = json.loads(saved.read_text())
        assert (by_id[name]["verdict"], by_id[name]["report_id"]) == (
            report["verdict"],
            report["id"],
        )
        assert by_id[name]["queries"] == report["cost"]["queries"]
    assert Path(by_id["calm"]["lake"]) == Path("inquest-lake").resolve()
    assert Path(by_id["case"]["lake"]).parent == Path("out/lakes/case").resolve()

    moved = Path("out").rename(tmp_path / "elsewhere")
    page = Page((moved / "index.html").read_text())
    links = {a["href"] for tag, a in page.elements if tag == "a"}
    assert links == {by_id["calm"]["report"], by_id["case"]["report"]}
    assert all((moved / link).is_file() for link in links)


KILLED_AT_THE_THIRD = """
import os, signal
from agent.apps import batch, cli

real, left = batch.answer, [1, 2]

def answer(*asked):
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left.pop()
    return real(*asked)

batch.answer = answer
cli.run(["batch", "incidents.jsonl", "--out", "out"])
"""


def test_a_killed_run_goes_on_where_it_stood(capsys: Captured) -> None:
    a_lake()
    file = ask_about(one={"at": NOW}, two={"at": NEVER}, three={"at": NOW})
    killed = subprocess.run([sys.executable, "-c", KILLED_AT_THE_THIRD], check=False)
    assert killed.returncode == -signal.SIGKILL
    first, second = results()
    assert (first["id"], first["error"], second["id"]) == ("one", "", "two")
    with Path("out/results.jsonl").open("a") as file_cut_short:
        file_cut_short.write('{"id": "three", "verd')

    assert run(["batch", file, "--out", "out"]) == 1
    assert "1 incident of an earlier run skipped" in capsys.readouterr().err
    assert [one["id"] for one in results()] == ["one", "two", "three"]
    assert results()[0] == first


def test_what_is_asked_in_other_words_is_investigated_again_and_fresh_does_all_anew() -> None:
    a_lake()
    seen = []
    for asked, options in (
        ({"at": NOW}, []),
        ({"at": NOW, "service": "checkout"}, []),
        ({"at": NOW, "service": "checkout"}, []),
        ({"at": NOW, "service": "checkout"}, ["--fresh"]),
    ):
        assert run(["batch", ask_about(a=asked), "--out", "out", *options]) == 0
        (only,) = results()
        seen.append(only["report_id"])
    assert seen[1] == seen[2]
    assert len(set(seen)) == 3


def test_nothing_is_written_before_the_whole_file_is_sound(capsys: Captured) -> None:
    file = ask_about(a={"at": "noon"}, b={"bundle": "nowhere"})
    assert run(["batch", file, "--out", "out"]) == 2
    assert "incidents.jsonl:1: at" in (told := capsys.readouterr().err)
    assert "incidents.jsonl:2: bundle" in told
    assert run(["batch", ask_about(a={"at": NOW}), "--out", "out"]) == 2
    assert "There is no lake" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_folder_of_other_things_is_left_alone(capsys: Captured) -> None:
    a_lake()
    file = ask_about(a={"at": NOW})
    for options in ([], ["--fresh"]):
        assert run(["batch", file, "--out", ".", *options]) == 2
        assert "is not empty and has no results.jsonl" in capsys.readouterr().err
    Path("out").mkdir()
    Path("out/results.jsonl").write_text('{"mine": 1}\n')
    assert run(["batch", file, "--out", "out"]) == 2
    assert "out/results.jsonl:1: no result of a batch" in capsys.readouterr().err
    assert not Path("index.html").exists()
