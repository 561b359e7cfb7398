"""The bench: cases of any layout are answered, then judged; what is wrong is said in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.apps.bench.pack import Case, read_pack
from agent.apps.bench.pool import answers
from agent.apps.bench.reading import line
from agent.apps.bench.work import Plan
from agent.apps.cli import run
from agent.state import Anomaly, Cause, Change, Incident, Report, Resource
from tests.agent.apps.bench_work import Ending, work
from tests.agent.apps.test_investigate import access_log
from tests.agent.report.markup import Page

Captured = pytest.CaptureFixture[str]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INQUEST_LAKE", raising=False)


def a_folder(name: str, truth: dict[str, Any] | None = None) -> Path:
    """A case folder of the set `quiet`, in which nothing is wrong."""
    evidence = Path("cases/quiet") / name / "evidence"
    evidence.mkdir(parents=True)
    access_log(evidence / "access.log")
    if truth:
        (evidence.parent / "truth.json").write_text(json.dumps(truth))
    return Path("cases")


def a_pack(*names: str, guilty: str = "cart") -> Path:
    """A pack of recordings in two parts, in which `guilty` takes all of a processor."""
    pack, random = Path("pack"), Random(1)
    pack.mkdir()
    header = "time,cart_cpu,cart_mem,web_cpu,web_mem,queue-db_cpu,queue-db_mem\n"

    def part(file: str, level: float) -> None:
        rows = [
            ",".join(
                [
                    str(1_700_000_000 + at),
                    *(
                        f"{random.gauss(level if f'{who}_cpu' == f'{guilty}_cpu' else 10, 1):.3f},"
                        f"{random.gauss(500, 20):.1f}"
                        for who in ("cart", "web", "queue-db")
                    ),
                ]
            )
            for at in range(300)
        ]
        (pack / file).write_text(header + "\n".join(rows) + "\n")

    lines, labels = [], []
    for name in names:
        part(f"{name}-a.csv", 10)
        part(f"{name}-b.csv", 90)
        lines.append(
            {
                "case": name,
                "set": "parts",
                "rank": "service",
                "at": None,
                "normal": f"{name}-a.csv",
                "anomalous": f"{name}-b.csv",
            }
        )
        labels.append({"case": name, "set": "parts", "truth": [guilty], "fault": "cpu"})
    (pack / "cases.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (pack / "labels.jsonl").write_text("\n".join(map(json.dumps, labels)))
    return pack


def written(file: str = "answers.jsonl") -> list[dict[str, Any]]:
    return [json.loads(text) for text in Path(file).read_text().splitlines()]


def test_case_folders_are_answered_and_their_lakes_used_again(capsys: Captured) -> None:
    folder = a_folder("one", {"mode": "healthy"})
    a_folder("two", {"verdict": "no_incident", "name": "calm"})
    asked = ["bench", str(folder), "--lakes", "lakes", "--format", "json"]
    assert run([*asked, "--page", "page.html"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["set"], one["cases"]) for one in told["sets"]] == [("quiet", 2)]
    assert [answer["verdict"] for answer in written()] == ["healthy", "healthy"]
    assert told["rows"][0]["ac_1"] == 1.0
    assert not [path for path in Path("lakes").rglob("*") if "one" in path.name.split("-")]
    assert not Page(Path("page.html").read_text()).open

    kept = {path: path.stat().st_mtime_ns for path in Path("lakes").glob("*/bench.json")}
    assert run([*asked, "--set", "quiet", "--limit", "1"]) == 0
    assert {path: path.stat().st_mtime_ns for path in Path("lakes").glob("*/bench.json")} == kept
    assert [answer["id"] for answer in written()] == ["one"]


def test_a_pack_is_answered_beside_simple_rules_on_the_same_evidence(capsys: Captured) -> None:
    pack = a_pack("first", "second", guilty="queue-db")
    assert run(["bench", str(pack), "--baselines", "--jobs", "2", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    by_method = {row["method"]: row["ac_1"] for row in told["rows"]}
    assert by_method["N-sigma"] == by_method["BARO"] == 1.0
    assert "Inquest" in by_method
    assert "latest deploy" not in by_method, "nothing was changed"
    assert told["sets"][0]["saturated"] == "fewer than 5 cases"
    first = written()[0]
    assert first.keys() >= {"case", "ranking", "scores", "id", "verdict", "causes"}
    assert first["baselines"]["BARO"]["ranking"][0] == "queue-db"


def test_what_is_left_out_is_said(capsys: Captured) -> None:
    assert run(["bench", str(a_folder("one")), "--without", "nothing"]) == 2
    assert "There is no part 'nothing': alerts, " in capsys.readouterr().err
    assert run(["bench", "cases", "--without", "traces", "--without", "experiments"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("without: experiments, traces\n\n")
    assert "1 case without a truth" in out
    assert written()[0]["without"] == ["experiments", "traces"]
    assert run(["bench", "cases", "--answers", "answers.jsonl"]) == 0
    assert capsys.readouterr().out == out


def test_a_file_that_cannot_be_written_is_said_before_any_case_is_taken(capsys: Captured) -> None:
    a_folder("one")
    Path("file").touch()
    for option in ("--out", "--page"):
        assert run(["bench", "cases", option, "file/page.html", "--lakes", "lakes"]) == 2
        assert capsys.readouterr().err.startswith("inquest: file")
        assert run(["bench", "cases", option, "cases", "--lakes", "lakes"]) == 2
        assert "cases: Is a directory" in capsys.readouterr().err
    assert not Path("lakes").exists()


def test_trying_whether_a_page_can_be_written_leaves_what_is_there(capsys: Captured) -> None:
    pack = a_pack("first")
    (pack / "labels.jsonl").write_text("no")
    Path("page.html").write_text("of before")
    assert run(["bench", str(pack), "--page", "page.html"]) == 2
    assert "Mend it and ask again with --answers answers.jsonl" in capsys.readouterr().err
    assert Path("page.html").read_text() == "of before"


def test_answers_are_judged_again_and_nothing_is_investigated(capsys: Captured) -> None:
    a_folder("one", {"mode": "healthy"})
    a_folder("two", {"mode": "healthy"})
    lines = [
        {"case": "one", "set": "quiet", "rank": "service", "verdict": "healthy", "confidence": 0.9}
        | {"ranking": [], "scores": [], "ingest_s": 1.0, "seconds": 1.0, "cpu_s": 1.0},
        {"case": "another", "set": "other", "rank": "service"},
    ]
    Path("told.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    assert run(["bench", "cases", "--answers", "told.jsonl", "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert [row["ac_1"] for row in json.loads(captured.out)["rows"]] == [1.0]
    assert "1 case has no answer in told.jsonl" in captured.err
    assert not Path("answers.jsonl").exists()


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ('{"case": "one"', [], "told.jsonl:1: no JSON: "),
        ('\n["one"]', [], "told.jsonl:2: no answer: it has no case, set and rank."),
        ('{"case": "two"}', [], "told.jsonl:1: no answer: it has no case, set and rank."),
        ("", [], "told.jsonl answers no case of cases."),
        ("", ["--without", "logs"], "--answers investigates nothing: leave --without away."),
        ("", ["--baselines"], "--answers investigates nothing: leave --baselines away."),
    ],
)
def test_answers_that_cannot_be_judged_are_said_in_a_sentence(
    text: str, more: list[str], said: str, capsys: Captured
) -> None:
    a_folder("one")
    a_folder("two")
    Path("told.jsonl").write_text(text)
    assert run(["bench", "cases", "--answers", "told.jsonl", *more]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("made", "asked", "said"),
    [
        ({}, "nowhere", "There is no folder nowhere"),
        ({"empty/.keep": ""}, "empty", "empty holds no case: neither a cases.jsonl nor folders"),
        (
            {"pack/cases.jsonl": '{"case": "a"}\n{"case"\n[]\n{}\n{"case": "a"}'},
            "pack",
            "pack/cases.jsonl:2: no JSON: Expecting ':' delimiter: line 1 column 8 (char 7).\n"
            "pack/cases.jsonl:3: no JSON object.\n"
            "pack/cases.jsonl:4: it has no case, a text that names it.\n"
            "pack/cases.jsonl:5: a is in line 1 already.\n"
            "Nothing was investigated.",
        ),
        (
            {"pack/cases.jsonl": '{"case": "a", "rank": "guess"}'},
            "pack",
            "pack/cases.jsonl:1: rank is 'guess'; it is one of service, node, ",
        ),
    ],
)
def test_bad_input_is_said_in_a_sentence(
    made: dict[str, str], asked: str, said: str, capsys: Captured
) -> None:
    for name, text in made.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    assert run(["bench", asked]) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_set_is_named_beside_those_there_are(capsys: Captured) -> None:
    assert run(["bench", str(a_folder("one")), "--set", "loud"]) == 2
    assert "There is no set 'loud' in cases, expected one of quiet." in capsys.readouterr().err


def test_a_case_without_evidence_fails_alone(capsys: Captured) -> None:
    a_folder("one", {"mode": "healthy"})
    Path("cases/quiet/bare/evidence").mkdir(parents=True)
    assert run(["bench", "cases"]) == 1
    assert "not answered: bare: " in (out := capsys.readouterr().out)
    assert "holds no file of evidence" in out
    assert [answer.get("error", "") != "" for answer in written()] == [True, False]


def test_labels_that_are_broken_leave_the_answers(capsys: Captured) -> None:
    pack = a_pack("first")
    (pack / "labels.jsonl").write_text('{"truth": ["cart"]}\n{"case": "first"}\nno')
    assert run(["bench", str(pack)]) == 2
    err = capsys.readouterr().err
    assert "labels.jsonl:1: it has no 'case'" in err
    assert "labels.jsonl:2: it has no 'truth'" in err
    assert "labels.jsonl:3: no label: " in err
    assert [answer["case"] for answer in written()] == ["first"]


def test_a_process_that_dies_or_hangs_costs_its_own_case_only() -> None:
    names = ["dies", "a", "hangs", "b", "dies again", "c"]
    cases = [Case(name, "set", "service", Path(), {}) for name in names]
    found = {one["case"]: one for one in answers(cases, Plan(), 2, work, longest_s=2.0)}
    assert found.keys() == set(names)
    assert found["dies"]["error"] == found["dies again"]["error"] == "its process ended with 9"
    assert found["hangs"]["error"] == "it took more than 2 s"
    assert all("process" in found[name] for name in "abc")


def test_a_process_that_dies_before_it_has_a_case_costs_nothing(tmp_path: Path) -> None:
    lost = Case("lost", "set", "service", Path(), {"end": Ending(tmp_path / "once")})
    cases = [Case("a", "set", "service", Path(), {}), lost, Case("b", "set", "service", Path(), {})]
    found = {one["case"]: one for one in answers(cases, Plan(), 1, work)}
    assert (tmp_path / "once").exists()
    assert all("process" in found[name] for name in ("a", "lost", "b"))
    assert found["a"]["process"] != found["lost"]["process"] == found["b"]["process"]


def test_a_case_that_no_process_can_take_fails_alone(tmp_path: Path) -> None:
    always = Case("always", "set", "service", Path(), {"end": Ending(tmp_path / "no" / "file")})
    cases = [always, Case("a", "set", "service", Path(), {})]
    found = {one["case"]: one for one in answers(cases, Plan(), 1, work)}
    assert found["always"]["error"] == "its process ended with 9"
    assert "process" in found["a"]


def test_a_name_that_tells_the_cause_is_not_the_lakes(tmp_path: Path) -> None:
    (case,) = read_pack(a_pack("cart-cpu"))
    assert "cart" not in case.alias
    assert case.alias == read_pack(tmp_path / "pack")[0].alias


def _report(**parts: Any) -> Report:
    return Report("r", "t", "inconclusive", 0.4, AT, Incident(AT, AT, AT), **parts)


def _cause(name: str, probability: float, change: str = "") -> Cause:
    return Cause(
        1, name, Resource("service", name), "errors", "deploy", probability, "likely", change=change
    )


def _anomaly(resource: str, subject: str, surprise: float, instance: str = "") -> Anomaly:
    return Anomaly(
        look="metrics",
        resource=resource,
        indicator="errors",
        subject=subject,
        surprise=surprise,
        effect=1.0,
        onset=AT,
        before=0.0,
        during=1.0,
        unit="",
        evidence="E1",
        instance=instance,
    )


def test_a_ranking_is_causes_then_what_was_ruled_out_then_what_departed() -> None:
    report = _report(
        causes=(_cause("a", 0.6), _cause("b", 0.3)),
        ruled_out=(_cause("c", 0.5), _cause("a", 0.1)),
        anomalies=(_anomaly("d", "x", 30.0), _anomaly("e", "y", 29.0), _anomaly("b", "y", 9.0)),
    )
    found = line(report, "service")
    assert found["ranking"] == ["a", "b", "c", "d", "e"]
    assert found["scores"] == sorted(found["scores"], reverse=True)
    assert found["probability"] == pytest.approx(0.7), "what a is blamed for adds up"


def test_how_sure_it_is_and_what_was_checked_are_of_the_entry_that_stands_first() -> None:
    checked = replace(_cause("b", 0.3), grounded=True)
    report = _report(causes=(_cause("a", 0.35), checked, replace(checked, probability=0.25)))
    found = line(report, "service")
    assert found["ranking"][0] == "b"
    assert (found["probability"], found["grounded"]) == (pytest.approx(0.55), True)
    assert [(told["probability"], told["grounded"]) for told in found["causes"]][:2] == [
        (0.35, False),
        (0.3, True),
    ]
    shown = replace(report, anomalies=(_anomaly("b", "cpu", 8.0, "b-1"),))
    assert line(shown, "instance")["ranking"][0] == "b-1"
    assert line(shown, "instance")["probability"] == pytest.approx(0.55)
    empty = line(_report(), "service")
    assert (empty["probability"], empty["grounded"]) == (0.0, False)


def test_a_metric_has_no_probability() -> None:
    report = _report(causes=(replace(_cause("a", 0.6), grounded=True),))
    found = line(report, "metric")
    assert (found["probability"], found["grounded"]) == (None, False)


def test_of_changed_services_the_first_has_its_own_probability() -> None:
    changes = (
        Change("C1", "deploy", "release", "a", verdict="implicated"),
        Change("C2", "deploy", "release", "b", verdict="cleared"),
        Change("C3", "config", "flag", "a", verdict="cleared"),
    )
    grounded = replace(_cause("a", 0.2, "C1"), grounded=True)
    report = _report(
        causes=(_cause("b", 0.4, "C2"), grounded, _cause("a", 0.1, "C3")), changes=changes
    )
    found = line(report, "service")
    assert found["ranked_changes"] == ["a", "b"]
    assert found["change_scores"] == pytest.approx([0.2, -1.6])
    assert (found["change_probability"], found["change_grounded"]) == (pytest.approx(0.3), True)
    assert line(_report(), "service")["change_probability"] == 0.0


def test_what_is_blamed_as_a_commit_is_grounded_by_its_own_cause() -> None:
    changes = (Change("C1", "deploy", "release", "a", revision="aaaaaaa"),)
    grounded = replace(_cause("b", 0.4), grounded=True)
    report = _report(causes=(grounded, _cause("a", 0.6, "C1")), changes=changes)
    found = line(report, "commit")
    assert (found["ranking"][0], found["grounded"]) == ("aaaaaaa", False)


def test_metrics_and_instances_are_read_off_anomalies() -> None:
    report = _report(
        causes=(_cause("a", 0.6),),
        anomalies=(
            _anomaly("a", "cpu{core=1}", 8.0, "a-1"),
            _anomaly("a", "memory", 12.0, "a-2"),
            _anomaly("b", "cpu", 9.0),
        ),
    )
    assert line(report, "metric")["ranking"] == ["memory", "cpu"]
    assert line(report, "instance")["ranking"] == ["a-2", "b"]


def test_a_commit_is_blamed_by_its_change_and_none_where_nothing_is() -> None:
    changes = (
        Change("C1", "deploy", "release", "a", revision="aaaaaaa", verdict="cleared"),
        Change("C2", "deploy", "release", "b", revision="bbbbbbb", verdict="implicated"),
    )
    blamed = _report(causes=(_cause("b", 0.6, "C2"), _cause("a", 0.2)), changes=changes)
    assert line(blamed, "commit")["ranking"] == ["bbbbbbb", "none", "aaaaaaa"]
    assert line(blamed, "commit")["ranked_changes"] == ["b", "a"]
    idle = _report(changes=changes[:1])
    assert line(idle, "commit")["ranking"] == ["none", "aaaaaaa"]
    assert [line(report, "commit")["probability"] for report in (blamed, idle)] == [0.6, 1.0]


def test_that_no_commit_is_guilty_is_as_probable_as_all_causes_without_one() -> None:
    changes = (
        Change("C1", "deploy", "release", "a", revision="aaaaaaa", verdict="implicated"),
        Change("C2", "deploy", "release", "b", revision="aaaaaaa"),
    )
    alone = (_cause("c", 0.2), _cause("d", 0.2))
    report = _report(
        causes=(_cause("a", 0.4, "C1"), *alone), ruled_out=(_cause("e", 0.04),), changes=changes
    )
    found = line(report, "commit")
    assert found["ranking"] == ["none", "aaaaaaa"]
    assert found["scores"] == pytest.approx([0.6, 0.4])
    assert found["probability"] == pytest.approx(0.6), (
        "what no cause takes is unknown, so no commit"
    )
    both = _report(causes=(_cause("a", 0.4, "C1"), _cause("b", 0.2, "C2"), *alone), changes=changes)
    found = line(both, "commit")
    assert dict(zip(found["ranking"], found["scores"], strict=True)) == pytest.approx(
        {"aaaaaaa": 0.6, "none": 0.4}
    ), "a revision that came to two services may be to blame by either"
