"""The investigation as a graph: every node and edge on one screen.

scope ─▶ survey: changes │ requests │ calls │ traces │ metrics │ logs │ locks │ state │ alerts
                 │ playbooks
survey ─▶ hypothesise ─▶ test: one for each hypothesis ─▶ weigh ─▶ drill
drill ─▶ write ─▶ [tell] ─▶ verify ─▶ report
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Protocol

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from agent.config import Request
from agent.model.provider import Model
from agent.nodes.context import Context
from agent.nodes.drill import drill
from agent.nodes.hypothesise import hypothesise, untested
from agent.nodes.scope import scope
from agent.nodes.survey.alerts import survey_alerts
from agent.nodes.survey.calls import survey_calls
from agent.nodes.survey.changes import survey_changes
from agent.nodes.survey.locks import survey_locks
from agent.nodes.survey.logs import survey_logs
from agent.nodes.survey.metrics import survey_metrics
from agent.nodes.survey.playbooks import survey_playbooks
from agent.nodes.survey.requests import survey_requests
from agent.nodes.survey.state import survey_state
from agent.nodes.survey.topology import survey_topology
from agent.nodes.survey.traces import survey_traces
from agent.nodes.tell import tell
from agent.nodes.test import test
from agent.nodes.verify import verify
from agent.nodes.weigh import weigh
from agent.nodes.write import write
from agent.state import Cost, Gap, Investigation, Report
from agent.tools.notebook import Notebook
from lake.errors import QueryError
from lake.store import Lake
from traces.tracer import Tracing

Node = Callable[[Investigation, Runtime[Context]], Investigation]


class Traced(Protocol):
    """A node as LangGraph calls it."""

    def __call__(self, state: Investigation, *, runtime: Runtime[Context]) -> Investigation:
        """Run the node."""


SURVEY: tuple[Node, ...] = (
    survey_changes,
    survey_requests,
    survey_calls,
    survey_metrics,
    survey_logs,
    survey_locks,
    survey_alerts,
    survey_topology,
    survey_state,
    survey_traces,
    survey_playbooks,
)


def investigate(
    lake: Lake,
    request: Request,
    progress: Callable[[str], None] | None = None,
    model: Model | None = None,
) -> Report:
    """Find out what happened, on the lake as it is now; leave the run's own trace in the lake.

    A `model` words what was found and decides nothing; without one, templates do.
    """
    return investigated(lake, request, progress, model)["report"]


def investigated(
    lake: Lake,
    request: Request,
    progress: Callable[[str], None] | None = None,
    model: Model | None = None,
) -> Investigation:
    """Find out what happened, as `investigate` does: the report, and all that led to it."""
    with Tracing(lake, "investigate") as tracing:
        notebook = Notebook(lake.at(), tracing)
        context = Context(request, notebook, progress or (lambda _: None), model)
        state: Investigation = _graph().invoke({"gaps": []}, context=context)  # type: ignore[assignment]  # LangGraph says dict
        return {**state, "report": replace(state["report"], cost=_cost(tracing))}


def _cost(tracing: Tracing) -> Cost:
    spent = tracing.cost()
    return Cost(
        model=spent.model,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        usd=spent.usd,
        queries=spent.queries,
        wall_s=spent.wall_s,
        trace_id=spent.trace_id,
    )


@cache
def _graph() -> CompiledStateGraph[Investigation, Context, Any, Any]:
    graph = StateGraph(Investigation, context_schema=Context)
    for node in (scope, *SURVEY, hypothesise, test, weigh, drill, write, tell, verify):
        graph.add_node(node.__name__, _traced(node))
    graph.add_edge(START, "scope")
    for look in SURVEY:
        graph.add_edge("scope", look.__name__)
    graph.add_edge([look.__name__ for look in SURVEY], "hypothesise")
    graph.add_conditional_edges("hypothesise", _each_hypothesis, ["test", "weigh"])
    graph.add_edge("test", "weigh")
    graph.add_edge("weigh", "drill")
    graph.add_edge("drill", "write")
    graph.add_conditional_edges("write", _teller, ["tell", "verify"])
    graph.add_edge("tell", "verify")
    graph.add_edge("verify", END)
    return graph.compile()


def _each_hypothesis(state: Investigation) -> list[Send] | str:
    """Test every hypothesis side by side; without any there is only nothing to weigh."""
    return [Send("test", {**state, "subject": key}) for key in untested(state)] or "weigh"


def _teller(_state: Investigation, runtime: Runtime[Context]) -> str:
    """Let a model word the report, if one was asked for."""
    return "tell" if runtime.context.model else "verify"


def _traced(node: Node) -> Traced:
    def run(state: Investigation, *, runtime: Runtime[Context]) -> Investigation:
        with runtime.context.notebook.tracing.node(node.__name__):
            return _looked(node, state, runtime) if node in SURVEY else node(state, runtime)

    return run


def _looked(node: Node, state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """One look of the survey; a question that cannot be answered is a gap, and the others go on.

    Of a look that was to be left out only who calls whom is kept, which is a part of its own.
    """
    look, without = node.__name__.removeprefix("survey_"), runtime.context.request.without
    left_out = [Gap("not_looked_at", f"The look at {look} was left out, as asked.")]
    if look in without and (look != "calls" or "topology" in without):
        return {"gaps": left_out}
    try:
        found = node(state, runtime)
    except QueryError as error:
        return {"gaps": [Gap("not_looked_at", f"The look at {look} failed: {error}")]}
    if look in without:
        found = {"evidence": found["evidence"], "calls": found["calls"], "gaps": left_out}
    return {**found, "calls": []} if "topology" in without and "calls" in found else found
