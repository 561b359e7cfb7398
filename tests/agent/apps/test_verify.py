"""`inquest verify` runs a report's evidence again, and says of each piece whether it holds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from agent.apps import shelf
from agent.apps.cli import run
from agent.apps.verify import unresolved
from agent.nodes.agreeing import contradictions
from agent.nodes.verify import _without_secrets
from agent.redaction import keep_out
from agent.report.as_json import load
from agent.state import Cause, Change, Evidence, Incident, NextStep, Report, Resource, Statement
from lake.store import Lake

AT = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
COUNTED = "SELECT message, count(*) AS records FROM log_record GROUP BY message ORDER BY message"
Captured = pytest.CaptureFixture[str]
Lines = dict[str, dict[str, str]]


def log(lake: Lake, batch_id: str, *messages: str) -> None:
    rows = [{"time": AT, "ingested_at": AT, "message": message} for message in messages]
    lake.append("log_record", pa.Table.from_pylist(rows), batch_id=batch_id)


def evidence(lake: Lake, evidence_id: str, sql: str) -> Evidence:
    rows = lake.at().ask(sql)
    return Evidence(
        id=evidence_id,
        question="What was said?",
        tool="levels",
        sql=sql,
        snapshots=rows.snapshots,
        rows=len(rows),
        digest=rows.digest,
        columns=rows.columns,
        sample=tuple(rows.dicts()[:8]),
    )


def report_on(lake: Lake) -> Report:
    """A report of two pieces of evidence, cited in every way that there is."""
    first = evidence(lake, "E1", COUNTED)
    second = evidence(lake, "E2", "SELECT time, message FROM log_record ORDER BY ALL")
    return Report(
        id="R1",
        title="It was said",
        verdict="cause_found",
        confidence=0.9,
        created_at=AT,
        incident=Incident(detected_at=AT, window_start=AT, window_end=AT),
        summary=(Statement("Said twice (E1).", ("E1",)),),
        causes=(
            Cause(
                rank=1,
                text="It was said.",
                resource=Resource("service", "cart"),
                indicator="errors",
                mechanism="deploy",
                probability=0.9,
                status="confirmed",
                evidence_for=("E1", "E2"),
            ),
        ),
        evidence={"E1": first, "E2": second},
    )


def save_in(path: Path) -> Path:
    """Save a report in a lake that then grows; the report's folder."""
    with Lake.create(path) as lake:
        log(lake, "before", "slow", "slow", "failed")
        folder = shelf.save(report_on(lake), lake.path)
        log(lake, "after", "recovered")
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved report that the tests of this file share and leave as it is."""
    return save_in(tmp_path_factory.mktemp("verify") / "lake")


def altered(folder: Path, alter: Callable[[dict[str, Any]], object]) -> Path:
    """An altered copy on the same shelf."""
    plain = json.loads((folder / "report.json").read_text())
    alter(plain)
    copy = folder.with_name("altered")
    copy.mkdir(exist_ok=True)
    (copy / "report.json").write_text(json.dumps(plain))
    return copy


def verified(folder: Path, capsys: Captured, code: int = 1, *options: str) -> Lines:
    assert run(["verify", str(folder), "--format", "json", *options]) == code
    return {line["evidence"]: line for line in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize("threads", ["1", "4"])
def test_an_honest_report_holds_on_its_own_snapshots(
    saved: Path, threads: str, capsys: Captured
) -> None:
    lines = verified(saved, capsys, 0, "--threads", threads)
    assert {key: line["verdict"] for key, line in lines.items()} == {"E1": "holds", "E2": "holds"}


def test_a_report_is_found_by_file_folder_and_id(saved: Path, capsys: Captured) -> None:
    lake = str(saved.parents[1])
    for given in (str(saved), str(saved / "report.json")):
        assert run(["verify", given]) == 0
    assert run(["verify", "R1", "--lake", lake]) == 0
    assert "all 2 hold" in capsys.readouterr().err


def _digest(plain: dict[str, Any]) -> None:
    plain["evidence"]["E2"]["digest"] = "sha256:" + "0" * 64


def _rows(plain: dict[str, Any]) -> None:
    plain["evidence"]["E2"]["rows"] = 1


def _sample(plain: dict[str, Any]) -> None:
    plain["evidence"]["E2"]["sample"][0]["message"] = "all was well"


def _sql(plain: dict[str, Any]) -> None:
    plain["evidence"]["E2"]["sql"] += " LIMIT 1"


def _snapshot(plain: dict[str, Any]) -> None:
    plain["evidence"]["E2"]["snapshots"] = {}


def _name(plain: dict[str, Any]) -> None:
    plain["evidence"]["E2"]["id"] = "E1"


@pytest.mark.parametrize("alter", [_digest, _rows, _sample, _sql, _snapshot, _name])
def test_what_was_altered_differs_and_the_rest_still_holds(
    saved: Path, alter: Callable[[dict[str, Any]], object], capsys: Captured
) -> None:
    lines = verified(altered(saved, alter), capsys)
    assert (lines["E1"]["verdict"], lines["E2"]["verdict"]) == ("holds", "differs")


def test_a_difference_shows_what_was_expected_and_what_came(saved: Path, capsys: Captured) -> None:
    assert run(["verify", str(altered(saved, _rows))]) == 1
    out, err = capsys.readouterr()
    (line,) = [line for line in out.splitlines() if line.startswith("E2")]
    assert "expected 1 row sha256:" in line
    assert "got more than 1 row " in line
    assert err == "1 of 2 failed: E2\n"


def test_a_query_that_is_no_question_fails(saved: Path, capsys: Captured) -> None:
    def write(plain: dict[str, Any]) -> None:
        plain["evidence"]["E1"]["sql"] = f"COPY log_record TO '{saved}/out.csv'"

    assert verified(altered(saved, write), capsys)["E1"]["verdict"] == "failed"
    assert not (saved / "out.csv").exists()


def test_a_snapshot_that_the_lake_no_longer_has_is_gone(saved: Path, capsys: Captured) -> None:
    def forget(plain: dict[str, Any]) -> None:
        plain["evidence"]["E1"]["snapshots"]["log_record"] = 1

    assert verified(altered(saved, forget), capsys)["E1"]["verdict"] == "gone"


def test_data_files_that_were_deleted_are_gone(tmp_path: Path, capsys: Captured) -> None:
    folder = save_in(tmp_path / "lake")
    for data in (tmp_path / "lake").rglob("data"):
        shutil.rmtree(data)
    assert {line["verdict"] for line in verified(folder, capsys).values()} == {"gone"}


@pytest.fixture
def redacted(tmp_path: Path) -> Iterator[Path]:
    """A report that was made where a word is a secret, and people are called otherwise."""
    with Lake.create(tmp_path / "lake") as lake:
        log(
            lake,
            "before",
            "CheckoutBurn of mira.k@example.com fires",
            "Pod/CheckoutBurn-2",
            '{"password": 1}',
        )
        quoting = Statement("It said “CheckoutBurn of mira.k@example.com fires”.", ("E1",))
        bare = Statement("Pod/CheckoutBurn-2 fires for mira.k@example.com.", ("E1",))
        made = replace(report_on(lake), title="CheckoutBurn", summary=(quoting, bare))
        keep_out(["CheckoutBurn"])
        folder = shelf.save(_without_secrets(made), lake.path)
    yield folder
    keep_out([])


@pytest.mark.parametrize("secret", ["", "CheckoutBurn", "fires for"])
def test_an_honest_report_holds_where_other_secrets_are_registered(
    redacted: Path, secret: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", secret)
    written = (redacted / "report.json").read_text()
    assert "“[redacted:registered] of [email:" in written
    assert "CheckoutBurn" not in written
    assert {line["verdict"] for line in verified(redacted, capsys, 0).values()} == {"holds"}


@pytest.mark.parametrize(
    "shown",
    ["[redacted:x] of [email:123456] burns", "of [email:123456] fires", "slow [redacted:x]", 1],
)
def test_what_is_shown_beside_what_is_hidden_is_compared(
    redacted: Path, shown: object, capsys: Captured
) -> None:
    def tell(plain: dict[str, Any]) -> None:
        plain["evidence"]["E1"]["sample"][0]["message"] = shown

    assert verified(altered(redacted, tell), capsys)["E1"]["verdict"] == "differs"


def test_what_is_said_beside_what_is_hidden_is_looked_for(redacted: Path, capsys: Captured) -> None:
    said = "It said “[redacted:x] of [email:123456] burns” 7 times, by Node/[redacted:x]."
    detail = verified(altered(redacted, _say(said)), capsys)["E1"]["detail"]
    assert "([redacted:x] of [email:123456] burns, Node/[redacted:x], 7)" in detail


def test_a_number_that_the_evidence_does_not_hold_is_found_in_its_sentence(
    tmp_path: Path, capsys: Captured
) -> None:
    with Lake.create(tmp_path / "lake") as lake:
        log(lake, "before", "slow", "slow", "failed")
        honest = report_on(lake)
        for number, code in ((2, 0), (3, 1)):
            said = Statement(f"It was slow {number} times.", ("E1",))
            folder = shelf.save(replace(honest, id=f"R{number}", summary=(said,)), lake.path)
            assert run(["verify", str(folder)]) == code
            assert ("It was slow 3 times." in capsys.readouterr().out) == bool(code)


@pytest.mark.parametrize(
    "cite",
    [
        lambda plain: plain["summary"][0].update(text="See E9."),
        lambda plain: plain["summary"][0].update(evidence=["E9"]),
        lambda plain: plain["causes"][0].update(evidence_against=["E9"]),
        lambda plain: plain["causes"][0].update(reason="Because of (E9)."),
        lambda plain: plain["charts"].append(
            {"title": "t", "unit": "s", "series": [], "evidence": "E9"}
        ),
        lambda plain: plain["timeline"].append(
            {"at": "2026-11-21T14:05:00Z", "text": "x", "kind": "signal", "evidence": ["E9"]}
        ),
        lambda plain: plain["changes"].append(
            {
                "id": "C1",
                "kind": "deploy",
                "what": "cart",
                "service": "cart",
                "controls": [
                    {"kind": "order", "verdict": "clears", "text": "x", "evidence": ["E9"]}
                ],
            }
        ),
        lambda plain: plain["causes"][0]["path"].append(
            {"from": "cart", "to": "web", "evidence": ["E9"]}
        ),
    ],
)
def test_a_citation_of_what_is_not_there_is_missing_wherever_it_stands(
    saved: Path, cite: Callable[[dict[str, Any]], object], capsys: Captured
) -> None:
    lines = verified(altered(saved, cite), capsys)
    assert lines["E9"]["verdict"] == "missing"
    assert lines["E1"]["verdict"] == "holds"


def test_an_honest_report_cites_nothing_that_it_lacks(tmp_path: Path) -> None:
    with Lake.create(tmp_path / "lake") as lake:
        log(lake, "before", "slow")
        assert list(unresolved(report_on(lake))) == []


def test_a_report_stripped_of_its_evidence_does_not_hold(saved: Path, capsys: Captured) -> None:
    def strip(plain: dict[str, Any]) -> None:
        plain.update(evidence={}, summary=[], causes=[])

    assert verified(altered(saved, strip), capsys).keys() == {"verdict"}


def test_a_copy_that_stands_in_no_lake_is_held_against_the_lake_given(
    saved: Path, tmp_path: Path, capsys: Captured
) -> None:
    copy = shutil.copy(saved / "report.json", tmp_path / "copy.json")
    assert run(["verify", str(copy), "--lake", str(saved.parents[1])]) == 0
    assert "all 2 hold" in capsys.readouterr().err


def test_one_broken_report_does_not_hide_the_others(tmp_path: Path, capsys: Captured) -> None:
    folder = save_in(tmp_path / "lake")
    folder.with_name("R0").mkdir()
    (folder.with_name("R0") / "report.json").write_text("{")
    assert run(["report", "list", "--lake", str(tmp_path / "lake"), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert [one["id"] for one in json.loads(out)] == ["R1"]
    assert "R0" in err


def test_what_is_no_report_is_said_to_be_none(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "report.json").write_text('{"id": 1}')
    assert run(["verify", str(tmp_path / "report.json")]) == 2
    assert "report.json" in capsys.readouterr().err


def explained(folder: Path, capsys: Captured, code: int, form: str) -> str:
    assert run(["verify", str(folder), "--explain", "--format", form]) == code
    return capsys.readouterr().out


def where(told: str) -> dict[str, str]:
    """Where each part of an explained report stands."""
    return {line["part"]: line["where"] for line in json.loads(told)}


def _say(text: str) -> Callable[[dict[str, Any]], object]:
    return lambda plain: plain["summary"][0].update(text=text)


def test_explain_tells_of_each_claim_where_it_stands_or_that_it_is_not_found(
    saved: Path, capsys: Captured
) -> None:
    folder = altered(saved, _say("It was “slow” 2 times, by E1, and failed on cart-7."))
    lines = json.loads(explained(folder, capsys, 1, "json"))
    told = {line["claim"]: line["where"] for line in lines if line["part"] == "summary.0"}
    assert told == {
        "slow": "E1 row 2 column message = slow",
        "2": "E1 row 2 column records = 2",
        "E1": "E1, cited",
        "cart-7": "not found",
    }


def test_explain_is_for_people_too(saved: Path, capsys: Captured) -> None:
    folder = altered(saved, _say("It was slow 2 times."))
    text = explained(folder, capsys, 0, "text")
    assert "summary.0  It was slow 2 times.  [E1]" in text
    assert "    number  2 " in text
    assert "| number | 2 | E1 row 2 column records = 2 |" in explained(
        folder, capsys, 0, "markdown"
    )
    assert "<td>E1 row 2 column records = 2</td>" in explained(folder, capsys, 0, "html")


def test_explain_says_of_what_cannot_be_asked_again_that_it_was_not_looked_for(
    saved: Path, capsys: Captured
) -> None:
    def forget(plain: dict[str, Any]) -> None:
        plain["summary"][0]["text"] = "It was slow 2 times."
        plain["evidence"]["E1"]["snapshots"]["log_record"] = 1

    folder = altered(saved, forget)
    told = where(explained(folder, capsys, 1, "json"))
    unasked = "not looked for: its evidence cannot be asked again"
    assert told["summary.0"] == unasked
    assert told["evidence.E1"].startswith("gone: ")
    assert f"  {unasked}\n" in explained(folder, capsys, 1, "text")


def _constant(plain: dict[str, Any]) -> None:
    """Claim something, and write a query that says so."""
    plain["summary"][0]["text"] = "It was slow 123456 times."
    plain["evidence"]["E1"]["sql"] = "SELECT 123456 AS records"


@pytest.mark.parametrize("alter", [_digest, _rows, _sample, _sql, _snapshot, _name, _constant])
def test_explain_tells_of_evidence_that_does_not_hold(
    saved: Path, alter: Callable[[dict[str, Any]], object], capsys: Captured
) -> None:
    evidence = "evidence.E1" if alter is _constant else "evidence.E2"
    told = where(explained(altered(saved, alter), capsys, 1, "json"))
    assert told[evidence].startswith("differs: ")


def test_explain_tells_of_evidence_that_is_not_there(saved: Path, capsys: Captured) -> None:
    folder = altered(saved, lambda plain: plain["causes"][0].update(evidence_against=["E9"]))
    told = where(explained(folder, capsys, 1, "json"))
    assert told["evidence.E9"].startswith("missing: ")


@pytest.mark.parametrize("options", [(), ("--explain",)])
def test_a_sentence_that_cites_nothing_is_not_carried(
    saved: Path, options: tuple[str, ...], capsys: Captured
) -> None:
    def free(plain: dict[str, Any]) -> None:
        plain["summary"][0].update(text="All is well.", evidence=[])

    assert run(["verify", str(altered(saved, free)), *options]) == 1
    out, err = capsys.readouterr()
    assert "cites no evidence" in out
    assert err == "1 of 3 failed: summary.0\n"


def test_what_a_cause_or_a_step_claims_is_looked_for_too(saved: Path, capsys: Captured) -> None:
    def claim(plain: dict[str, Any]) -> None:
        plain["causes"][0]["reason"] = "It failed 77 times."
        plain["next_steps"] = [{"text": "Restart cart-7.", "reversible": True}]

    lines = verified(altered(saved, claim), capsys)
    assert "77" in lines["E1, E2"]["detail"]
    assert "cart-7" in lines["next_steps.0"]["detail"]


CHANGES = [
    {"id": "C1", "kind": "deploy", "what": "cart 2", "service": "cart", "version": "2"},
    {"id": "C2", "kind": "deploy", "what": "web 3", "service": "web", "version": "3"},
]


def _claims_well(plain: dict[str, Any]) -> None:
    plain["verdict"] = "no_incident"


def _surer(plain: dict[str, Any]) -> None:
    plain["confidence"] = 0.99


def _unlikely(plain: dict[str, Any]) -> None:
    plain["causes"][0].update(probability=0.4, status="weakened")
    plain["confidence"] = 0.4


def _another(plain: dict[str, Any]) -> None:
    plain["title"] = "Release web 3 fails; cart fails with it"


def _blame(plain: dict[str, Any]) -> None:
    plain["summary"][0]["text"] = "web 3 caused all of it; nobody else is at fault."


def _command(plain: dict[str, Any]) -> None:
    plain["next_steps"] = [{"text": "Look.", "reversible": True, "command": "rm -r /"}]


def _as_text(plain: dict[str, Any]) -> None:
    plain["next_steps"] = [{"text": "Run rm -rf on it.", "reversible": True}]


@pytest.mark.parametrize("options", [(), ("--explain",)])
@pytest.mark.parametrize(
    ("alter", "part"),
    [
        (_claims_well, "verdict"),
        (_unlikely, "verdict"),
        (_surer, "confidence"),
        (_another, "title"),
        (_blame, "summary.0"),
        (_command, "next_steps.0"),
        (_as_text, "next_steps.0"),
    ],
)
def test_a_report_whose_parts_contradict_each_other_does_not_hold(
    saved: Path,
    alter: Callable[[dict[str, Any]], object],
    part: str,
    options: tuple[str, ...],
    capsys: Captured,
) -> None:
    def change(plain: dict[str, Any]) -> None:
        plain["changes"] = CHANGES
        alter(plain)

    assert run(["verify", str(altered(saved, change)), *options]) == 1
    out, err = capsys.readouterr()
    assert f"failed: {part}" in err
    assert part in out


@pytest.mark.parametrize(
    "said",
    [
        {"title": "Release cart 2 is slow; web fails with it"},
        {"title": "cart 2 fails"},
        {"title": "Cause not established: web fails", "verdict": "inconclusive"},
        {"summary": (Statement("cart 2 caused all of it.", ("E1",)),)},
        {"summary": (Statement("It said “web 3 caused all of it”.", ("E1",)),)},
        {"summary": (Statement("web 3 came before.", ("E1",)),)},
    ],
)
def test_a_report_whose_parts_agree_is_not_contradicted(saved: Path, said: dict[str, Any]) -> None:
    honest = load(saved / "report.json")
    changes = tuple(Change(c["id"], "deploy", c["what"], c["service"]) for c in CHANGES)
    causes = (replace(honest.causes[0], change="C1"),)
    report = replace(honest, changes=changes, causes=causes, **said)
    assert list(contradictions(report)) == []


def test_the_command_of_a_playbook_may_be_filled_in_and_no_more(saved: Path) -> None:
    (cause,) = load(saved / "report.json").causes
    killed = replace(cause, playbook="kubernetes/oom_killed")
    for command, faults in (
        ("kubectl -n shop top pod cart-1 --containers", 0),
        ("kubectl -n shop top pod cart-1 --containers; reboot", 1),
        ("kubectl -n shop top pod x;reboot --containers", 1),
        ("SELECT pg_terminate_backend(8646);", 0),
    ):
        steps = (NextStep("Look.", reversible=True, command=command),)
        report = replace(load(saved / "report.json"), causes=(killed,), next_steps=steps)
        assert len(list(contradictions(report))) == faults, command
