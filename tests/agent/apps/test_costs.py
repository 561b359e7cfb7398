"""What agents took is summed up, and what is not known is never counted as nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.apps.cli import run
from agent.apps.costs import hold, summed
from agent.apps.trace import read
from agent.report import costs as dress
from agent.report import trace as tree
from agent.report.money import money
from agent.report.spending import Line
from lake.ask import View
from lake.store import Lake
from tests.agent.apps.agent_traces import BEGAN, TRACES, Span, ingested, inquest, span
from tests.agent.report.markup import Page

ODD = "<script>alert(1)</script> password=hunter2isnotgood \x1b[31m"
PRICED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5.4",
    "gen_ai.usage.input_tokens": 1_000_000,
    "gen_ai.usage.output_tokens": 0,
}
ALONE = (("bot", "ab01", 0.0, span("chat", 0, 1, PRICED)), ("odd", "ab02", 0.0, inquest(ODD)))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("costs")
    with Lake.create(folder / "lake") as made:
        ingested(made, folder / "raw", *TRACES, *ALONE)
    return folder / "lake"


@pytest.fixture(scope="module")
def view(lake: Path) -> View:
    with Lake.open(lake) as opened:
        view = opened.at()
    hold(view)
    return view


def lines(view: View, by: Any, service: str = "inquest") -> dict[str, Line]:
    return {line.key: line for line in summed(view, [by], service).tables[by]}


def test_a_run_has_its_calls_tokens_money_and_time(view: View) -> None:
    by = lines(view, "incident")
    assert [*by] == ["20260303-0900-pay", "20260302-0900-cart"]  # the newest first
    one = by["20260302-0900-cart"]
    assert (one.runs, one.calls, one.tools, one.errors) == (1, 1, 3, 0)
    assert (one.input_tokens, one.cached_tokens, one.output_tokens) == (3000, 1000, 150)
    assert (one.usd, one.unknown_runs, one.price) == (0.02, 0, "$0.02")
    assert (one.wall_p50_s, one.wall_p95_s) == (8, 8)


def test_a_price_that_nobody_knows_is_unknown_and_the_total_says_of_how_many_runs(
    view: View,
) -> None:
    assert lines(view, "incident")["20260303-0900-pay"].price == "unknown"
    total = summed(view, ["incident"], "inquest").total
    assert (total.usd, total.unknown_runs, total.price) == (0.02, 1, "$0.02 + unknown")
    told = dress.total(summed(view, ["incident"], "inquest"))
    assert told.endswith("; of 1 run the price is not known")


def test_the_price_list_is_asked_where_a_span_says_none(view: View) -> None:
    assert summed(view, [], "bot").total.price == "$2.50"


def test_each_view_times_what_it_is_of(view: View) -> None:
    nodes = lines(view, "node")
    assert (nodes["survey"].wall_p50_s, nodes["survey"].tools) == (4.5, 6)
    assert (nodes["propose"].calls, nodes["survey"].price) == (2, "-")
    assert lines(view, "model")["m-large"].wall_p50_s == 2  # and not what a replay took
    assert lines(view, "model")["m-large"].first_token_s == 0.25
    assert {key: one.tools for key, one in lines(view, "tool").items()} == {
        "edges": 2,
        "history": 4,
    }
    assert [*lines(view, "day")] == ["2026-03-02", "2026-03-03"]


def test_other_peoples_agents_have_the_same_views(view: View) -> None:
    total = summed(view, [], "all").total
    assert (total.runs, total.calls, total.errors, total.unknown_runs) == (8, 10, 2, 4)
    assert total.input_tokens == 3000 * 2 + 1200 + 900 + 2000 + 500 + 1_000_000 + 3000
    agents = lines(view, "agent", "all")
    assert {*agents} == {"investigation", "LangGraph", "Researcher", "helpdesk", "nightly", "bot"}
    assert agents["helpdesk"].input_tokens == 2000
    assert lines(view, "tool", "concierge")["search"].wall_p50_s == 0.5


def test_a_program_reads_null_where_the_price_is_not_known(lake: Path, capsys: Any) -> None:
    assert run(["costs", "--by", "model", "--lake", str(lake), "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [one["key"] for one in shown["by"]["model"]] == ["m-large"]
    assert shown["total"]["usd"] is None
    assert shown["total"]["known_usd"] == 0.02


def test_since_leaves_out_what_was_before(lake: Path, capsys: Any) -> None:
    since = ["--since", "2026-03-03T00:00:00Z"]
    assert run(["costs", "--lake", str(lake), *since]) == 0
    shown = capsys.readouterr().out
    assert "20260303-0900-pay" in shown
    assert "20260302-0900-cart" not in shown


def started(run: str, root: Span) -> Span:
    """An investigation that says whose run it is."""
    return replace(root, attributes={**root.attributes, "inquest.run.root": run})


def lost() -> Span:
    """An investigation whose call nobody waited for to the end."""
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "error.type": "timeout"}
    root = {"gen_ai.operation.name": "invoke_workflow", "inquest.report.id": "R3"}
    return span("investigation", 0, 5, root, span("chat m", 0, 4, said, error="no answer"))


OUTER = span(
    "ci",
    0,
    7000,
    {},
    started("01", inquest("R1", 0.25)),
    replace(started("02", inquest("R2")), at=20),
    replace(started("02", inquest("", 0.5)), at=3620),
)


@pytest.fixture(scope="module")
def outer(tmp_path_factory: pytest.TempPathFactory) -> View:
    """Two investigations under one parent, of which one went on an hour later; and a lost call."""
    folder = tmp_path_factory.mktemp("outer")
    traces = ("inquest", "ab03", 0.0, OUTER), ("inquest", "ab04", 7200.0, lost())
    with Lake.create(folder / "lake") as made:
        view = ingested(made, folder / "raw", *traces).at()
    hold(view)
    return view


def test_investigations_under_one_parent_are_runs_each_with_what_went_on_with_it(
    outer: View,
) -> None:
    by = lines(outer, "incident")
    assert {key: (one.runs, one.price) for key, one in by.items()} == {
        "R1": (1, "$0.25"),
        "R2": (1, "$0.52"),
        "R3": (1, "unknown"),
    }
    assert (by["R1"].wall_p50_s, by["R2"].wall_p50_s) == (8, 16)
    assert summed(outer, [], "inquest").total.runs == 3


def test_a_call_that_was_lost_is_owed_and_not_known(outer: View) -> None:
    total = summed(outer, [], "inquest").total
    assert (total.usd, total.unknown_runs) == (0.77, 1)


def test_a_run_that_began_before_is_left_out_whole(outer: View) -> None:
    after = summed(outer, ["incident"], "inquest", BEGAN + timedelta(seconds=10))
    assert {line.key: line.usd for line in after.tables["incident"]} == {"R2": 0.52, "R3": 0}
    late = summed(outer, ["incident"], "inquest", BEGAN + timedelta(seconds=30))
    assert [line.key for line in late.tables["incident"]] == ["R3"]
    assert " since 2 Mar 2026 09:00:30 UTC" in dress.total(late)


SAID = {k: v for k, v in PRICED.items() if not k.startswith("gen_ai.usage")}
PARTLY = span(
    "partly",
    0,
    9,
    {},
    span("chat", 0, 1, PRICED),
    span("chat", 1, 1, SAID),
    span("chat", 2, 1, {**PRICED, "gen_ai.usage.input_tokens": -1_000_000}),
    span("chat", 3, 1, {**PRICED, "gen_ai.usage.cost": -5.0}),
    span("chat", 4, 1, {**SAID, "llm.usage.total_tokens": 5, "gen_ai.usage.output_tokens": 9}),
)
SPENT = span(
    "invoke_workflow investigate",
    0,
    3,
    {"gen_ai.operation.name": "invoke_workflow", "error.type": "agent.budget.BudgetSpent"},
    span("test", 0, 1, {"inquest.node.name": "test", "error.type": "KeyError"}, error="a"),
    span(
        "drill",
        1,
        1,
        {"inquest.node.name": "drill", "error.type": "agent.budget.BudgetSpent"},
        error="The investigation's budget of 2 queries is spent.",
    ),
    error="The investigation's budget of 2 queries is spent.",
)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of which some calls say what they took, and one that came to the end of its budget."""
    folder = tmp_path_factory.mktemp("odd")
    traces = ("bot", "ab05", 0.0, PARTLY), ("inquest", "ab06", 9.0, SPENT)
    with Lake.create(folder / "lake") as made:
        ingested(made, folder / "raw", *traces)
    return folder / "lake"


def test_what_some_calls_say_is_known_though_others_say_nothing(odd: Path) -> None:
    with Lake.open(odd) as opened:
        run = read(opened.at(), "ab05")
        hold(view := opened.at())
    total = summed(view, ["model"], "bot").total
    assert (total.usd, total.unknown_runs, total.price) == (5.0, 1, "$5.00 + unknown")
    assert (total.input_tokens, total.output_tokens) == (2_000_000, 9)
    assert total.price in tree.headline(run)


def test_that_a_budget_is_spent_is_no_error(odd: Path) -> None:
    with Lake.open(odd) as opened:
        run = read(opened.at(), "ab06")
        hold(view := opened.at())
    assert summed(view, [], "inquest").total.errors == 1
    assert "1 span failed" in tree.headline(run)


def test_incidents_are_told_with_their_time_and_with_their_title_where_there_is_room(
    view: View,
) -> None:
    found = summed(view, ["incident"], "inquest")
    titled = replace(
        found,
        tables={
            "incident": tuple(replace(o, title="Pay is slow") for o in found.tables["incident"])
        },
    )
    wide, narrow = dress.text(titled, 160), dress.text(titled, 80)
    assert wide.splitlines()[0].split()[:3] == ["incident", "began,", "UTC"]
    assert "  2026-03-03 09:01  " in wide
    assert wide.splitlines()[1].endswith("  Pay is slow")
    assert "Pay is slow" not in narrow
    assert "| Pay is slow |" in dress.markdown(titled)


def test_a_lake_without_agents_says_so(tmp_path: Path, capsys: Any) -> None:
    Lake.create(tmp_path / "lake").close()
    assert run(["costs", "--lake", str(tmp_path / "lake")]) == 0
    assert "0 runs of inquest" in capsys.readouterr().out
    assert run(["costs", "--lake", str(tmp_path / "lake"), "--format", "html"]) == 0
    assert "No run is in this lake" in capsys.readouterr().out


def test_the_page_loads_nothing_and_shows_hostile_names_as_they_are(view: View) -> None:
    found = summed(view, ["incident", "day"], "odd")
    page = dress.html(found)
    assert Page(page).open == []
    assert "<script" not in page
    assert "hunter2" not in page + dress.text(found) + dress.markdown(found)
    assert not re.search(r"(?:src|href)=", page)
    assert "\x1b" not in page + dress.text(found)


def test_money_keeps_the_digits_that_small_sums_need() -> None:
    assert [money(usd) for usd in (0, 12.345, 0.0421, 0.00031)] == [
        "$0.00",
        "$12.35",
        "$0.042",
        "$0.00031",
    ]
