"""A run that was stopped in any node goes on to the same report, and pays for no call twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import agent.graph as graph
import agent.investigation as investigation
from agent.apps import shelf
from agent.apps.cli import run
from agent.apps.investigate import answer
from agent.apps.options import model_of
from agent.budget import Budget
from agent.config import PARTS, Request
from agent.errors import RunCancelled, RunError
from agent.investigation import investigated, resumed
from agent.nodes.context import Means
from agent.report.as_json import load
from agent.runs.runs import KEY, Runs
from agent.state import Report
from lake.store import Lake
from tests.agent.decided import decided
from tests.agent.runs.killed import MODEL, stopping
from tests.agent.world import BACK, EARLY, GUILTY, leaking, record
from tests.models import ModelServer, model_server
from tests.models.behaviours import good

Captured = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("server")
BRIEFLY = Request(without=PARTS - {"requests"})
"""A request that leaves most out, where it does not matter what is found."""

NODES = [node.__name__ for node in (*graph.BEFORE[1:], *graph.SURVEY, *graph.AFTER)]


class Stop(Exception):  # noqa: N818 - it is no error
    """What stops a run in a node."""


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server(good) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        patch.setenv("OPENAI_API_KEY", "of-the-test")
        yield server


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.create(tmp_path_factory.mktemp("resumed") / "lake") as lake:
        record(lake, releases=(EARLY, GUILTY, BACK), behaviour=leaking, per_s=1.5)
        yield lake


@pytest.fixture(scope="module")
def whole(lake: Lake, server: ModelServer) -> tuple[Report, int]:
    """The report of a run that nobody stopped, and how often a model was called for it."""
    before = len(server.asked)
    with Runs.open(lake.path) as runs:
        found = investigated(lake, Request(), means=Means(model_of(MODEL)), runs=runs)
    with Runs.open(lake.path) as runs:
        assert [(one.state, one.node) for one in runs.list()] == [("finished", "verify")]
    return found["report"], len(server.asked) - before


def stop() -> None:
    raise Stop


def stopped(
    lake: Lake,
    runs: Runs,
    at: str,
    patch: pytest.MonkeyPatch,
    request: Request,
    means: Means,
    time: int = 1,
) -> str:
    """Investigate until a node is reached that stops; the run's id."""
    with patch.context() as within:
        within.setattr(graph, "step", stopping(at, stop, is_done=True, time=time))
        graph.graph.cache_clear()
        with pytest.raises(Stop) as raised:
            investigated(lake, request, means=means, runs=runs)
    graph.graph.cache_clear()
    (listed,) = [one for one in runs.list() if one.state == "interrupted"]
    how = f"resume  inquest runs resume {listed.id} --lake {lake.path}"
    assert how in raised.value.__notes__
    return listed.id


def paid(report: Report) -> tuple[object, ...]:
    """What a report says that its model took."""
    cost = report.cost
    return cost.model, cost.calls, cost.input_tokens, cost.output_tokens, cost.usd


def said(report: Report) -> tuple[object, ...]:
    """All that a report says, but for its id, times and cost."""
    summary = [statement.text for statement in report.summary]
    gaps = sorted(gap.text for gap in report.gaps)
    return (*decided(report), summary, gaps, report.proposals, report.next_steps)


@pytest.mark.parametrize(
    ("at", "time"),
    [
        pytest.param("test", 1, marks=pytest.mark.faults),
        pytest.param("propose", 1, marks=pytest.mark.faults),
        ("propose", 2),
    ],
)
def test_a_run_that_was_stopped_goes_on_to_the_same_report_and_pays_no_call_twice(
    lake: Lake,
    whole: tuple[Report, int],
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    at: str,
    time: int,
) -> None:
    before = len(server.asked)
    with Runs.open(lake.path) as runs:
        lost = stopped(lake, runs, at, monkeypatch, Request(), Means(model_of(MODEL)), time)
        kept = runs.resume(lost)
        found = resumed(lake, kept, means=Means(model_of(MODEL)))
        assert kept.used().calls == whole[1]
    with Runs.open(lake.path) as runs:
        assert runs.row(lost)["state"] == "finished"
    assert said(found["report"]) == said(whole[0])
    assert found["report"].cost.trace_id == lost
    assert paid(found["report"]) == paid(whole[0])
    assert len(server.asked) - before == whole[1]


def test_a_report_that_could_not_be_kept_is_there_again_when_the_run_goes_on(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: Captured, server: ModelServer
) -> None:
    means = Means(model_of(MODEL), channel="C1", thread="T1")
    found: list[Report] = []

    def interrupted(report: Report, _folder: Path) -> Path:
        found.append(report)
        raise KeyboardInterrupt

    with monkeypatch.context() as within:
        within.setattr(shelf, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            answer(lake, BRIEFLY, lambda _: None, means)
    (resume,) = [line for line in capsys.readouterr().err.splitlines() if "resume" in line]
    before = len(server.asked)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert run([*resume.split()[2:], "--format", "json"]) == 0
    said_again, told = capsys.readouterr()
    report = load(said_again)
    assert said(report) == said(found[0])
    assert paid(report) == paid(found[0])
    assert report.cost.calls > 0
    assert report.cost.queries >= found[0].cost.queries > 0
    assert len(server.asked) == before
    assert f"called at {server.url[7:-3]} before and is at 127.0.0.1:9 now" in told
    roots = lake.at().ask(
        "SELECT count(*) AS n FROM trace_span WHERE span_name = 'invoke_agent inquest' "
        f"AND trace_uid = '{report.cost.trace_id}'"
    )
    assert roots.dicts() == [{"n": 2}]


def test_where_nothing_can_be_kept_no_model_is_paid_and_the_report_says_so(
    lake: Lake, server: ModelServer
) -> None:
    before, key = len(server.asked), lake.path / KEY
    key.chmod(0o644)
    report, _ = answer(lake, BRIEFLY, lambda _: None, Means(model_of(MODEL)))
    key.chmod(0o600)
    assert investigation.UNPAID in report.gaps
    assert (report.cost.calls, len(server.asked)) == (0, before)


def test_a_run_that_is_cancelled_ends_before_its_next_node_and_cannot_go_on(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Runs.open(lake.path) as runs:
        monkeypatch.setattr(
            graph, "step", stopping("weigh", lambda: _cancel_all(runs), is_done=True)
        )
        graph.graph.cache_clear()
        with pytest.raises(RunCancelled, match="was cancelled"):
            investigated(lake, BRIEFLY, runs=runs)
        graph.graph.cache_clear()
        (cancelled,) = [one for one in runs.list() if one.state == "cancelled"]
        with pytest.raises(RunError, match="is cancelled; one that was interrupted goes on"):
            runs.resume(cancelled.id)


def _cancel_all(runs: Runs) -> None:
    for one in runs.list():
        if one.state == "running":
            runs.cancel(one.id)


def test_the_command_line_lists_resumes_and_cancels(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--lake", str(lake.path)]
    with Runs.open(lake.path) as runs:
        lost = stopped(lake, runs, "scope", monkeypatch, BRIEFLY, Means(budget=Budget(queries=1)))
    assert run(["runs", "list", *where, "--format", "json"]) == 0
    listed = {one["run"]: one for one in json.loads(capsys.readouterr().out)}
    assert (listed[lost]["state"], listed[lost]["node"]) == ("interrupted", "scope")
    assert run(["runs", "resume", lost, *where, "--format", "json"]) == 0
    assert "The budget of 1 queries left out" in capsys.readouterr().out
    assert run(["runs", "cancel", lost, *where]) == 2
    assert "is finished; there is nothing to cancel" in capsys.readouterr().err
    assert run(["runs", "resume", "nosuch", *where]) == 2
    assert "There is no run 'nosuch'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "nodes",
    [
        pytest.param(["propose"], id="fast", marks=pytest.mark.e2e),
        pytest.param(NODES, id="every", marks=pytest.mark.faults),
    ],
)
def test_a_run_that_was_killed_with_9_goes_on_to_the_same_report_and_pays_no_call_twice(
    lake: Lake, whole: tuple[Report, int], server: ModelServer, tmp_path: Path, nodes: list[str]
) -> None:
    before = len(server.asked)
    module = "tests.agent.runs.killed"
    subprocess.run([sys.executable, "-m", module, lake.path, tmp_path, *nodes], check=True)
    different = [n for n in nodes if said(load(tmp_path / f"{n}.json")) != said(whole[0])]
    assert different == []
    assert len(server.asked) - before == whole[1] * len(nodes)
