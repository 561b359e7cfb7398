"""A case's evidence: a kept lake is of it, what lacks is named, and rules need no engine."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.apps.bench import baselines
from agent.apps.bench.pack import read_pack
from agent.apps.bench.work import Plan, answer
from agent.apps.cli import run
from agent.config import Request
from agent.state import Investigation
from lake.store import Lake
from tests.agent.apps.test_bench import a_folder, a_pack
from tests.agent.apps.test_investigate import access_log

Captured = pytest.CaptureFixture[str]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INQUEST_LAKE", raising=False)


def kept() -> dict[str, Any]:
    (file,) = Path("lakes").glob("*/bench.json")
    told: dict[str, Any] = json.loads(file.read_text())
    return told


def test_a_kept_lake_is_not_used_for_other_evidence_of_the_same_name() -> None:
    (case,) = read_pack(a_folder("one"))
    plan = Plan(lakes=Path("lakes"))
    assert "error" not in answer(case, plan)
    first = kept()
    assert "error" not in answer(case, plan)
    assert kept() == first
    shutil.move("cases", "before")
    (other,) = read_pack(a_folder("one"))
    assert other.alias == case.alias
    log = Path("cases/quiet/one/evidence/access.log")
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-7]))
    assert "error" not in answer(other, plan)
    assert kept()["of"] != first["of"]
    (home,) = Path("lakes").iterdir()
    with Lake.open(home) as lake:
        (row,) = lake.at().ask("SELECT count(*) AS n FROM http_activity").dicts()
    assert row["n"] == len(log.read_text().splitlines())


def test_a_lake_whose_filling_was_interrupted_is_made_anew_and_nothing_else_is_deleted() -> None:
    (case,) = read_pack(a_folder("one"))
    home = Path("lakes") / case.alias
    Lake.create(home).close()
    assert "error" not in answer(case, Plan(lakes=Path("lakes")))
    shutil.rmtree(home)
    home.mkdir()
    (home / "letters").touch()
    assert "is no lake of a bench" in answer(case, Plan(lakes=Path("lakes")))["error"]
    assert (home / "letters").exists()


def test_a_lake_is_filled_anew_when_a_line_a_file_or_the_pack_is_another() -> None:
    pack = a_pack("first")
    (case,) = read_pack(pack)
    digests = [case.digest(), case.digest()]
    file = pack / "first-a.csv"
    os.utime(file, ns=(1, 1))
    digests.append(case.digest())
    file.write_text(file.read_text() + "\n")
    digests.append(case.digest())
    (pack / "cases.jsonl").write_text(json.dumps(case.line | {"at": "2026-03-01T12:00:00Z"}))
    digests.append(read_pack(pack)[0].digest())
    shutil.copytree(pack, "elsewhere")
    digests.append(read_pack(Path("elsewhere"))[0].digest())
    assert digests[0] == digests[1]
    assert len(set(digests)) == len(digests) - 1


def test_a_case_that_the_engine_fails_on_is_answered_by_rules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def falls(*_: object) -> Investigation:
        raise ValueError("over")

    (case,) = read_pack(a_pack("first", guilty="queue-db"))
    well = answer(case, Plan(baselines=True))
    monkeypatch.setattr("agent.investigation.investigated", falls)
    line = answer(case, Plan(baselines=True))
    assert line["error"].startswith("a fault of Inquest's own, ValueError: over (")
    assert line["ranking"] == []
    assert line["baselines"] == well["baselines"]
    assert line["baselines"]["BARO"]["ranking"][0] == "queue-db"


def test_rules_look_at_the_latest_alarm_where_no_time_is_asked_for(lake: Lake) -> None:
    assert baselines.about(lake.at(), Request()) is None
    log = Path("access.log")
    access_log(log)
    moments = [AT + timedelta(minutes=each) for each in (0, 300, 310, 320)]
    Path("alertmanager.jsonl").write_text("\n".join(map(notified, moments)))
    from ingest.bundle import take

    take(lake, [log, Path("alertmanager.jsonl")])
    view = lake.at()
    window, at = baselines.about(view, Request(lookback_s=600.0)) or (None, None)
    assert at == moments[1]
    assert window
    assert window.start == moments[1] - timedelta(minutes=10)
    assert window.trouble == (at, at + timedelta(minutes=5))
    asked = Request(at=AT, until=moments[1], calm=(AT, moments[1]))
    window, at = baselines.about(view, asked) or (None, None)
    assert window
    assert (at, window.trouble, window.calm) == (AT, (AT, moments[1]), (AT, moments[1]))


def notified(at: datetime) -> str:
    """A notification of Alertmanager's."""
    labels = {"alertname": "Slow", "service": "web", "severity": "critical"}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "slow"},
        "startsAt": at.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": f"{int(at.timestamp()):016x}",
    }
    return json.dumps(
        {
            "version": "4",
            "groupKey": "{}",
            "status": "firing",
            "receiver": "r",
            "groupLabels": labels,
            "commonLabels": labels,
            "commonAnnotations": {},
            "externalURL": "",
            "truncatedAlerts": 0,
            "alerts": [alert],
        }
    )


def test_a_file_that_is_gone_is_named(capsys: Captured) -> None:
    pack = a_pack("first", "second")
    (pack / "first-b.csv").unlink()
    assert run(["bench", str(pack)]) == 1
    said = capsys.readouterr().out
    assert "There is no pack/first-b.csv, which first names as anomalous." in said
    assert "reads its layout" not in said


@pytest.mark.parametrize(("given", "shown"), [(3, "3"), (["a"], "['a']"), (True, "True")])
def test_a_path_that_is_no_text_is_told_with_its_line(
    given: object, shown: str, capsys: Captured
) -> None:
    pack = Path("pack")
    pack.mkdir()
    (pack / "cases.jsonl").write_text(json.dumps({"case": "a", "normal": given}))
    assert run(["bench", "pack"]) == 2
    said = f"pack/cases.jsonl:1: normal is {shown}; it is the path of a file or of a folder."
    assert said in capsys.readouterr().err
