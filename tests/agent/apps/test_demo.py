"""The demo: a recorded incident from its raw files to a report that holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agent.apps import incidents
from agent.apps.cli import run

Captured = pytest.CaptureFixture[str]


def test_it_reports_on_its_evidence_alone_and_the_report_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    evidence = incidents.evidence_of("bad_release")
    shutil.copytree(evidence, tmp_path / "recorded" / "bad_release" / "evidence")
    monkeypatch.setattr(incidents, "_ROOTS", (tmp_path / "recorded",))
    monkeypatch.chdir(tmp_path)

    assert run(["demo", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert (report["verdict"], report["causes"][0]["resource"]["name"]) == (
        "cause_found",
        "payment",
    )

    folder = Path("inquest-demo/bad_release/reports") / report["id"]
    assert str(folder / "report.html") in err
    assert run(["verify", str(folder)]) == 0


@pytest.mark.parametrize("name", sorted(incidents.recorded()))
def test_every_recorded_incident_is_answered_as_it_was(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    truth = json.loads((incidents.evidence_of(name).parent / "truth.json").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert run(["demo", "--incident", name, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)

    culprit, blocker = truth["culprit"], truth.get("blocker")
    implicated = [
        (c["kind"], c["revision"]) for c in report["changes"] if c["verdict"] == "implicated"
    ]
    assert report["verdict"] == truth["verdict"]
    assert implicated == ([(culprit["kind"], culprit["sha"])] if culprit else [])
    if truth["verdict"] == "cause_found":
        assert report["causes"][0]["mechanism"] == truth["mechanism"]
    if blocker:
        told = report["title"] + " ".join(said["text"] for said in report["summary"])
        assert f"Session {blocker['pid']} of {blocker['user']}" in told
        assert blocker["statement"] in told


def test_the_list_names_every_incident_by_its_symptom_and_not_by_its_cause(
    capsys: Captured,
) -> None:
    assert run(["demo", "--list", "--format", "json"]) == 0
    listed = {one["incident"]: one["noticed"] for one in json.loads(capsys.readouterr().out)}
    assert listed["bad_release"] == "Checkout is slow (CheckoutLatencyP95High)"


def test_an_unknown_incident_is_told_which_there_are(capsys: Captured) -> None:
    assert run(["demo", "--incident", "meteor"]) == 2
    assert "'meteor'; there are bad_release" in capsys.readouterr().err
