"""A step within its time and budget, and what its failure costs."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from langgraph.runtime import Runtime

from agent import step as steps
from agent.config import Request
from agent.errors import RunCancelled
from agent.investigation import investigate
from agent.nodes.context import Context
from agent.state import Investigation
from agent.step import step
from agent.tools import notebook
from agent.tools.catalogue import tool
from agent.tools.notebook import Notebook
from lake.errors import QueryError
from lake.store import Lake
from tests.agent.world import record
from traces.tracer import Tracing

IN_A_ROW = "what stood in a row"


def ran(lake: Lake, name: str, work: Callable[[Context], object]) -> Investigation:
    """A node of that name, run as a step."""

    def node(state: Investigation, runtime: Runtime[Context]) -> Investigation:
        work(runtime.context)
        return state

    node.__name__ = name
    with Tracing(lake, "steps") as tracing:
        context = Context(Request(), Notebook(lake.at(), tracing))
        return step(node)({}, runtime=Runtime(context=context))


def raises(error: Exception) -> Callable[[Context], object]:
    def work(_: Context) -> object:
        raise error

    return work


def gap(found: Investigation) -> str:
    (only,) = found["gaps"]
    assert only.kind == "not_looked_at"
    return only.text


@pytest.fixture
def forgiving(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is outside of these tests, in which a fault of ours ends everything."""
    monkeypatch.setattr(steps, "UNFORESEEN", (Exception,))


@pytest.mark.parametrize(
    ("name", "what"), [("survey_logs", "The look at logs"), ("drill", "The step drill")]
)
def test_a_step_that_fails_is_a_gap_that_says_why(lake: Lake, name: str, what: str) -> None:
    failed = ran(lake, name, raises(QueryError("No such table.")))
    assert gap(failed) == f"{what} failed: No such table."


@pytest.mark.usefixtures("forgiving")
def test_a_fault_of_ours_costs_its_own_step_and_says_where_but_no_rows(lake: Lake) -> None:
    text = gap(ran(lake, "tell", raises(KeyError(IN_A_ROW))))
    assert text.startswith("The step tell failed: KeyError in agent/step.py, line ")
    assert IN_A_ROW not in text


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("scope", QueryError("No.")),
        ("write", KeyError("no")),
        ("survey_logs", RunCancelled("It was cancelled.")),
    ],
)
def test_what_a_report_needs_may_not_fail_and_a_cancelled_run_ends(
    lake: Lake, name: str, error: Exception
) -> None:
    with pytest.raises(type(error)):
        ran(lake, name, raises(error))


def test_a_step_that_took_its_time_asks_nothing_more(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(context: Context) -> object:
        return context.notebook.ask("quarantine")

    monkeypatch.setattr(steps, "STEP_S", 0.0)
    assert gap(ran(lake, "drill", ask)) == "The step drill failed: It took longer than 0 s."
    assert ran(lake, "write", ask) == {}


def test_an_investigation_goes_on_without_a_look_a_control_and_a_part_of_the_report(
    released: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ill = {
        name: replace(tool(name), sql="SELECT nothing FROM log_record ORDER BY ALL")
        for name in ("lock_waits", "release_history", "impact")
    }
    monkeypatch.setattr(notebook, "tool", lambda name: ill.get(name) or tool(name))
    report = investigate(released, Request())
    assert report.verdict == "cause_found"
    assert report.causes[0].resource.version == "2.8.0"
    (change,) = [c for c in report.changes if c.id == report.causes[0].change]
    (record,) = [c for c in change.controls if c.kind == "track_record"]
    assert record.verdict == "not_assessable"
    gaps = " ".join(gap.text for gap in report.gaps)
    assert f"The control track_record of {change.id} could not be asked: " in gaps
    assert "The look at locks failed: " in gaps
    assert "The question of impact failed: " in gaps


def test_what_no_look_has_seen_is_not_called_well(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(lake, alerts=(("checkout", 200.0, 230.0),))
    assert investigate(lake, Request()).verdict == "no_incident"
    monkeypatch.setattr(steps, "STEP_S", 0.0)
    report = investigate(lake, Request())
    assert report.verdict == "inconclusive"
    assert any(gap.text.startswith("The look at requests failed: It took") for gap in report.gaps)


def test_a_hypothesis_that_cannot_be_tested_is_said_and_the_playbooks_still_know(
    released: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> object:
        raise QueryError("The query took longer than 60 s.")

    monkeypatch.setattr("agent.nodes.test._placed", fails)
    report = investigate(released, Request())
    said = {gap.text.partition(" could not be made: ")[0] for gap in report.gaps}
    assert "The test of deploy of payment 2.8.0" in said
    assert report.causes[0].resource.name == "payment"
    assert {change.verdict for change in report.changes} == {"not_assessable"}
