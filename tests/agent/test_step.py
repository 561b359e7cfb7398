"""A step within its time and budget, and what its failure costs."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from langgraph.runtime import Runtime

from agent import graph
from agent import step as steps
from agent.config import Request
from agent.errors import RunCancelled
from agent.events import Event
from agent.investigation import investigate
from agent.model.provider import open_model
from agent.nodes import failing
from agent.nodes.context import Context, Means
from agent.report import words
from agent.state import Investigation, Report
from agent.step import step
from agent.tools import notebook
from agent.tools.catalogue import tool
from agent.tools.notebook import Notebook
from lake.ask import literal
from lake.errors import QueryError
from lake.store import Lake
from tests.agent.world import GUILTY, leaking, record
from tests.models import behaviours as be
from tests.models import model_server
from traces.tracer import Tracing

IN_A_ROW = "what's in a row"
Break = Callable[..., None]


def ran(
    lake: Lake, name: str, work: Callable[[Context], object], *, may_fail: bool = True
) -> tuple[Investigation, list[Event]]:
    """A node of that name, run as a step: what it gave, and what was heard of it."""
    heard: list[Event] = []

    def node(state: Investigation, runtime: Runtime[Context]) -> Investigation:
        work(runtime.context)
        return state

    node.__name__ = name
    with Tracing(lake, "steps") as tracing:
        context = Context(Request(), Notebook(lake.at(), tracing), heard.append)
        run = step(node, may_fail=may_fail, is_limited=False)
        return run({}, runtime=Runtime(context=context)), heard


def raises(error: Exception) -> Callable[[Context], object]:
    def work(_: Context) -> object:
        raise error

    return work


def gap(found: Investigation) -> str:
    (only,) = found["gaps"]
    assert only.kind == "not_looked_at"
    return only.text


def said(report: Report) -> str:
    return " ".join(gap.text for gap in report.gaps)


@pytest.fixture
def forgiving(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is outside of these tests, in which a fault of ours ends everything."""
    monkeypatch.setattr(failing, "UNFORESEEN", (Exception,))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Let each question of some tools fail."""

    def breaks(*names: str) -> None:
        ill = {
            name: replace(tool(name), sql="SELECT nothing FROM log_record ORDER BY ALL")
            for name in names
        }
        monkeypatch.setattr(notebook, "tool", lambda name: ill.get(name) or tool(name))

    return breaks


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("survey_logs", "The look at logs failed"),
        ("drill", "The step drill failed"),
    ],
)
def test_a_step_that_fails_is_a_gap_that_says_why_and_every_door_hears_it(
    lake: Lake, name: str, what: str
) -> None:
    found, heard = ran(lake, name, raises(QueryError("No such table.")))
    assert gap(found) == f"{what}: No such table."
    assert [event.kind for event in heard] == ["began", "failed"]
    assert heard[-1].text == gap(found)


@pytest.mark.usefixtures("forgiving")
def test_a_fault_of_ours_costs_its_own_step_and_says_where_but_no_rows(lake: Lake) -> None:
    text = gap(ran(lake, "tell", raises(KeyError(IN_A_ROW)))[0])
    assert text.startswith("The step tell failed: KeyError in agent/")
    assert IN_A_ROW not in text


def test_the_words_of_a_query_that_fails_hold_no_cell(lake: Lake) -> None:
    def ask(context: Context) -> object:
        cell = literal(IN_A_ROW)
        sql = f"SELECT CAST(v AS INTEGER) AS n FROM (SELECT {cell} AS v) ORDER BY ALL"
        return context.notebook.view.ask(sql)

    text = gap(ran(lake, "drill", ask)[0])
    assert "Could not convert string '…' to INT32" in text
    assert "row" not in text


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize(
    ("may_fail", "error"),
    [
        (False, QueryError("No.")),
        (False, KeyError("no")),
        (True, RunCancelled("It was cancelled.")),
    ],
)
def test_what_a_report_needs_may_not_fail_and_a_cancelled_run_ends(
    lake: Lake, error: Exception, *, may_fail: bool
) -> None:
    with pytest.raises(type(error)):
        ran(lake, "survey_logs", raises(error), may_fail=may_fail)


def test_a_report_needs_its_scope_hypotheses_weighing_sentences_and_verification() -> None:
    every = {*graph.BEFORE, *graph.SURVEY, *graph.AFTER}
    needed = {node.__name__ for node in every - graph.MAY_FAIL}
    assert needed == {"scope", "hypothesise", "weigh", "write", "verify"}


def test_a_step_that_took_its_time_asks_nothing_more(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(context: Context) -> object:
        return context.notebook.ask("quarantine")

    monkeypatch.setattr(steps, "STEP_S", 0.0)
    assert gap(ran(lake, "drill", ask)[0]) == "The step drill failed: It took longer than 0 s."
    assert ran(lake, "write", ask, may_fail=False)[0] == {}


def test_an_investigation_goes_on_without_a_look_a_control_and_a_part_of_the_report(
    released: Lake, broken: Break
) -> None:
    broken("quarantine", "lock_waits", "release_history", "impact")
    report = investigate(released, Request())
    assert report.verdict == "cause_found"
    assert report.causes[0].resource.version == "2.8.0"
    (change,) = [c for c in report.changes if c.id == report.causes[0].change]
    (track_record,) = [c for c in change.controls if c.kind == "track_record"]
    assert track_record.verdict == "not_assessable"
    for missed in (
        "The quarantine failed: ",
        "The look at locks failed: ",
        "The question of impact failed: ",
        f"The control track_record of {change.id} could not be asked: ",
    ):
        assert missed in said(report)


@pytest.mark.parametrize("look", ["metrics", "requests", "playbook"])
def test_what_was_missed_is_not_called_well(lake: Lake, broken: Break, look: str) -> None:
    record(lake, alerts=(("checkout", 200.0, 230.0),))
    if look == "metrics":
        assert investigate(lake, Request()).verdict == "no_incident"
    with pytest.MonkeyPatch.context() as patch:
        if look == "playbook":
            patch.setattr("agent.nodes.survey.playbooks.finding", lambda _: "SELECT nothing")
            patch.setattr("agent.nodes.survey.playbooks._fired", lambda books, _: books)
        else:
            broken(look)
        report = investigate(lake, Request())
    assert report.verdict == "inconclusive"
    assert " failed: " in said(report)


def test_where_changes_were_not_looked_at_none_is_said_to_be_missing(
    lake: Lake, broken: Break
) -> None:
    record(lake, releases=(GUILTY,), behaviour=leaking)
    broken("changes")
    report = investigate(lake, Request())
    texts = [cause.text for cause in (*report.causes, *report.ruled_out)]
    assert any("payment: " in text and "and no change was looked at" in text for text in texts)
    assert not any("no change explains" in text for text in texts)
    assert words.tried(report) == "no change was looked at"


def test_a_service_that_no_look_could_see_is_not_said_to_be_unknown(
    lake: Lake, broken: Break
) -> None:
    record(lake, only="web")
    broken("requests", "edges")
    assert "The look at requests failed: " in said(investigate(lake, Request(service="web")))


def test_a_hypothesis_that_cannot_be_tested_is_said_and_the_playbooks_still_know(
    released: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> object:
        raise QueryError("The query took longer than 60 s.")

    monkeypatch.setattr("agent.nodes.test._placed", fails)
    report = investigate(released, Request())
    untested = {gap.text.partition(" could not be made: ")[0] for gap in report.gaps}
    assert "The test of deploy of payment 2.8.0" in untested
    assert report.causes[0].resource.name == "payment"
    assert {change.verdict for change in report.changes} == {"not_assessable"}


@pytest.mark.usefixtures("forgiving")
def test_tools_that_break_off_end_the_dialogue_and_not_the_report(
    released: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> object:
        raise ValueError(IN_A_ROW)

    monkeypatch.setattr("agent.nodes.propose._key", breaks)
    with model_server(be.good) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "of-the-test")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        report = investigate(released, Request(), means=Means(open_model("openai:scripted-1")))
    assert report.verdict == "cause_found"
    assert "The step inquire failed: ValueError in " in said(report)
    assert len(server.asked) <= 2
