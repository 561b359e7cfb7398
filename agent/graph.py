"""The investigation as a graph: every node and edge on one screen.

[sharpen] ─▶ scope ─▶ survey: changes │ requests │ calls │ traces │ metrics │ logs │ locks │ state
                              │ alerts │ topology │ playbooks
survey ─▶ hypothesise ─▶ test: one for each hypothesis ─▶ weigh ─▶ [propose ⇄ inquire ─▶ examine]
weigh, examine ─▶ drill ─▶ write ─▶ [tell] ─▶ verify ─▶ report

What is in brackets needs a model; the rest is the same without one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any, Protocol

import langsmith
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from agent.budget import BudgetSpent
from agent.events import Event
from agent.nodes.context import Context
from agent.nodes.drill import drill
from agent.nodes.examine import examine
from agent.nodes.hypothesise import hypothesise, untested
from agent.nodes.propose import after_propose, inquire, propose
from agent.nodes.scope import scope
from agent.nodes.sharpen import sharpen
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
from agent.state import Gap, Investigation
from lake.errors import QueryError

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


BEFORE: tuple[Node, ...] = (sharpen, scope)
AFTER: tuple[Node, ...] = (
    hypothesise,
    test,
    weigh,
    propose,
    inquire,
    examine,
    drill,
    write,
    tell,
    verify,
)


LIMITED: frozenset[Node] = frozenset({*SURVEY, test, inquire, examine})
"""What a budget can leave out; a report is written whatever is left."""


@cache
def graph() -> CompiledStateGraph[Investigation, Context, Any, Any]:
    """The graph, ready to run; nothing of what runs through it is sent to LangSmith."""
    made = StateGraph(Investigation, context_schema=Context)
    for node in (*BEFORE, *SURVEY, *AFTER):
        made.add_node(node.__name__, _traced(node))
    made.add_conditional_edges(START, _first, ["sharpen", "scope"])
    made.add_edge("sharpen", "scope")
    for look in SURVEY:
        made.add_edge("scope", look.__name__)
    made.add_edge([look.__name__ for look in SURVEY], "hypothesise")
    made.add_conditional_edges("hypothesise", _each_hypothesis, ["test", "weigh"])
    made.add_edge("test", "weigh")
    made.add_conditional_edges("weigh", _proposer, ["propose", "drill"])
    made.add_conditional_edges("propose", after_propose, ["inquire", "examine"])
    made.add_edge("inquire", "propose")
    made.add_edge("examine", "drill")
    made.add_edge("drill", "write")
    made.add_conditional_edges("write", _teller, ["tell", "verify"])
    made.add_edge("tell", "verify")
    made.add_edge("verify", END)
    langsmith.configure(enabled=False)  # LANGSMITH_TRACING would send all of the state away
    return made.compile()


def _first(_state: Investigation, runtime: Runtime[Context]) -> str:
    """Let a model read the question, where nothing else says when and where to look."""
    context = runtime.context
    asked = context.request
    is_open = bool(asked.question) and not (asked.at or asked.alert or asked.service or asked.whole)
    return "sharpen" if context.model and is_open else "scope"


def _each_hypothesis(state: Investigation) -> list[Send] | str:
    """Test every hypothesis side by side; without any there is only nothing to weigh."""
    return [Send("test", {**state, "subject": key}) for key in untested(state)] or "weigh"


def _proposer(_state: Investigation, runtime: Runtime[Context]) -> str:
    """Let a model say what may have been missed, if one was asked for."""
    return "propose" if runtime.context.model else "drill"


def _teller(_state: Investigation, runtime: Runtime[Context]) -> str:
    """Let a model word the report, if one was asked for."""
    return "tell" if runtime.context.model else "verify"


def _traced(node: Node) -> Traced:
    def run(state: Investigation, *, runtime: Runtime[Context]) -> Investigation:
        context = _of_node(runtime.context, node)
        context.reached(node.__name__)
        with context.notebook.tracing.node(node.__name__), _heard(context):
            return _done(node, state, runtime.override(context=context))

    return run


def _of_node(context: Context, node: Node) -> Context:
    """What a node may use: one that may be left out asks no more than the budget has left."""
    spend = context.meter.query_if_left if node in LIMITED else context.meter.query
    return replace(context, node=node.__name__, notebook=replace(context.notebook, spend=spend))


@contextmanager
def _heard(context: Context) -> Iterator[None]:
    """Say that a node begins, and that it ended if it did."""
    began = time.perf_counter()
    context.hear(Event("began", context.node, spent=context.meter.spent()))
    yield
    took = round(time.perf_counter() - began, 3)
    context.hear(Event("ended", context.node, seconds=took, spent=context.meter.spent()))


def _done(node: Node, state: Investigation, runtime: Runtime[Context]) -> Investigation:
    if node in SURVEY:
        return _looked(node, state, runtime)
    return _tested(state, runtime) if node is test else node(state, runtime)


def _tested(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """One hypothesis put to the test; past the budget it stays untested, and the report says so."""
    try:
        runtime.context.meter.check()
        return test(state, runtime)
    except BudgetSpent:
        return {"cut": [f"the test of {state['causes'][state['subject']].text}"]}


def _looked(node: Node, state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """One look of the survey; a question that cannot be answered is a gap, and the others go on.

    Of a look that was to be left out only who calls whom is kept, which is a part of its own.
    """
    look, without = node.__name__.removeprefix("survey_"), runtime.context.request.without
    left_out = [Gap("not_looked_at", f"The look at {look} was left out, as asked.")]
    if look in without and (look != "calls" or "topology" in without):
        return {"gaps": left_out}
    try:
        runtime.context.meter.check()
        found = node(state, runtime)
    except BudgetSpent:
        return {"cut": [f"the look at {look}"]}
    except QueryError as error:
        return {"gaps": [Gap("not_looked_at", f"The look at {look} failed: {error}")]}
    if look in without:
        found = {"evidence": found["evidence"], "calls": found["calls"], "gaps": left_out}
    return {**found, "calls": []} if "topology" in without and "calls" in found else found
