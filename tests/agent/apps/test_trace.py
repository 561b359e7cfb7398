"""A run is shown as a tree: what it took, what failed, and whom everybody waited for."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.apps import shelf
from agent.apps.cli import run
from agent.apps.trace import read
from agent.report import trace as dress
from agent.report.spending import Run, Step
from agent.report.trace import rows
from lake.ask import View
from lake.store import Lake
from tests.agent.apps.agent_traces import TRACES, crewai, ingested, langgraph
from tests.agent.report import samples
from tests.agent.report.markup import Page

MORE = (
    ("concierge", "ab01", 50.0, langgraph(searches=6)),
    ("bot", "ffee01", 60.0, crewai()),
    ("bot", "ffee02", 70.0, crewai()),
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trace")
    with Lake.create(folder / "lake") as made:
        ingested(made, folder / "raw", *TRACES, *MORE)
    return folder / "lake"


@pytest.fixture
def view(lake: Path) -> View:
    with Lake.open(lake) as opened:
        return opened.at()


def test_a_run_is_a_tree_from_the_request_to_the_store(view: View) -> None:
    shown = dress.text(read(view, "aa01")).splitlines()
    assert [line.split("─ ")[-1].split("  ")[0] for line in shown[4:13]] == [
        "POST /chat",
        "LangGraph.workflow",
        "plan.task",
        "ChatOpenAI.chat",
        "openai.chat m-large",
        "search.tool",
        "GET /items",
        "GET /items",
        "SELECT items",
    ]
    assert "1,200 → 80 · unknown" in shown[8]
    assert shown[2] == (
        "Longest waited for: openai.chat m-large of concierge, 1.1 s of 3.6 s (30.6 %)."
    )
    assert "longest waited for" in shown[8]


def test_many_of_a_name_are_one_row_with_all_that_is_beneath(view: View) -> None:
    tree = rows(read(view, "ab01"))
    assert [row.name for row in tree if "x" in row.name] == [
        "search.tool x6",
        "GET /items x6",
        "GET /items x6",
        "SELECT items x6",
    ]
    assert next(row.took for row in tree if row.name == "search.tool x6") == "3 s"


def test_what_failed_says_why_and_a_replayed_answer_is_no_call(view: View) -> None:
    assert "✕ browse failed: page did not load" in dress.text(read(view, "bb01"))
    ours = dress.text(read(view, "ee01"))
    assert " 1 model call · 3,000 tokens in · 150 out · $0.02" in ours
    assert "report 20260302-0900-cart · cause found" in ours
    assert [row.spent for row in rows(read(view, "ee01")) if row.kind == "chat"] == [
        "3,000 → 150 · $0.02",
        "replayed",
    ]


def test_a_report_leads_to_its_trace(lake: Path, capsys: Any) -> None:
    report = samples.cause_found()
    traced = replace(report, cost=replace(report.cost, trace_id="cc01".ljust(32, "0")))
    folder = shelf.save(traced, lake)
    for which in (report.id, str(folder)):
        assert run(["trace", which, "--lake", str(lake)]) == 0
        assert "invoke_agent helpdesk" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("which", "sentence"),
    [
        ("ee0", "'ee0' is too short: a trace is named by 4 of its digits or more."),
        ("ffff", "There is no run 'ffff': no trace begins so and no report is called so; "),
        ("nightly", "There is no run 'nightly': no trace begins so and no report is called so; "),
    ],
)
def test_what_is_not_there_is_said(which: str, sentence: str, lake: Path, capsys: Any) -> None:
    assert run(["trace", which, "--lake", str(lake)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err


def test_of_many_reports_only_the_latest_are_named(tmp_path: Path, capsys: Any) -> None:
    Lake.create(tmp_path / "lake").close()
    for at in range(5):
        file = shelf.save(replace(samples.cause_found(), id=f"r{at}"), tmp_path / "lake")
        os.utime(file / "report.json", (at, at))
    for which in ("zzzz", "ffff"):
        assert run(["trace", which, "--lake", str(tmp_path / "lake")]) == 2
        assert "has 5 reports, the latest r4, r3 and r2." in capsys.readouterr().err


def test_a_trace_that_only_its_report_knows_is_said(lake: Path, capsys: Any) -> None:
    report = samples.cause_found()
    gone = replace(report, id="gone", cost=replace(report.cost, trace_id="fe" * 16))
    shelf.save(gone, lake)
    assert run(["trace", "gone", "--lake", str(lake)]) == 2
    assert f"The trace {'fe' * 16} of report gone is not in this lake." in capsys.readouterr().err


def test_several_that_begin_so_are_named(lake: Path, capsys: Any) -> None:
    assert run(["trace", "ffee", "--lake", str(lake)]) == 2
    assert "several begin so: ffee010" in capsys.readouterr().err


def test_programs_get_every_span_with_the_time_that_it_was_waited_for(
    lake: Path, capsys: Any
) -> None:
    assert run(["trace", "cc01", "--lake", str(lake), "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert sum(step["own_s"] for step in shown["steps"]) == pytest.approx(shown["wall_s"])


def test_the_page_loads_nothing_and_shows_hostile_names_as_they_are(view: View) -> None:
    known = read(view, "aa01")
    odd = "<img src=x onerror=alert(1)> \x1b[31m password=hunter2isnotgood"
    steps = tuple(replace(step, name=odd, error=odd) for step in known.steps)
    ill = replace(known, steps=steps, conversation=odd)
    page = dress.html(ill)
    assert Page(page).open == []
    assert "<img" not in page + dress.markdown(ill)
    for shown in (page, dress.text(ill), dress.markdown(ill), dress.json(ill)):
        assert "hunter2" not in shown
        assert "\x1b" not in shown


def test_a_deep_tree_is_indented_to_its_last_level() -> None:
    steps = [Step(f"s{i}", f"s{i - 1}", "bot", f"step {i}", "node", i, 1) for i in range(30)]
    page = dress.html(Run("ff", 0, 30.0, tuple(steps)))
    indents = [float(px) for px in re.findall(r'class="name" style="padding-left:([\d.]+)px', page)]
    assert len(indents) == len(set(indents)) == 30
    assert indents == sorted(indents)
    assert indents[-1] <= 160


def test_spans_that_are_each_others_parents_are_shown() -> None:
    one = Step("a", "b", "bot", "one", "chat", 0, 1)
    ring = Run("ff", 0, 1.0, (one, Step("b", "a", "bot", "two", "tool", 0, 1)))
    assert [row.name for row in rows(ring)] == ["one", "two"]


def test_of_very_many_only_the_telling_are_shown() -> None:
    root = Step("r", "", "bot", "root", "agent", 0, 40)
    some = [Step(f"s{i}", "r", "bot", f"step {i}", "node", i, 1, ((i, i + 1),)) for i in range(40)]
    failed = replace(some[39], error="failed: refused", path=())
    tree = rows(Run("ff", 0, 40.0, (root, *some[:39], failed)))
    assert len(tree) == 26
    assert tree[-1].name == "16 more"
    assert any(row.first.error for row in tree)
