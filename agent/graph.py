"""The investigation as a graph: every node and edge on one screen.

[sharpen] ─▶ scope ─▶ survey: changes │ requests │ calls │ traces │ metrics │ logs │ locks │ state
                              │ alerts │ topology │ playbooks
survey ─▶ hypothesise ─▶ test: one for each hypothesis ─▶ weigh ─▶ [propose ⇄ inquire ─▶ examine]
weigh, examine ─▶ drill ─▶ write ─▶ [tell] ─▶ verify ─▶ report

What is in brackets needs a model; the rest is the same without one.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import langsmith
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from agent.nodes.context import Context
from agent.nodes.drill import drill
from agent.nodes.examine import examine
from agent.nodes.hypothesise import hypothesise, untested
from agent.nodes.propose import after_inquire, after_propose, inquire, propose
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
from agent.state import Investigation
from agent.step import Node, step

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

MAY_FAIL: frozenset[Node] = LIMITED | {sharpen, propose, drill, tell}
"""What a report can do without."""


@cache
def graph() -> CompiledStateGraph[Investigation, Context, Any, Any]:
    """The graph, ready to run; nothing of what runs through it is sent to LangSmith."""
    made = StateGraph(Investigation, context_schema=Context)
    for node in (*BEFORE, *SURVEY, *AFTER):
        name, may_fail, is_limited = node.__name__, node in MAY_FAIL, node in LIMITED
        made.add_node(name, step(node, may_fail=may_fail, is_limited=is_limited))
    made.add_conditional_edges(START, _first, ["sharpen", "scope"])
    made.add_edge("sharpen", "scope")
    for look in SURVEY:
        made.add_edge("scope", look.__name__)
    made.add_edge([look.__name__ for look in SURVEY], "hypothesise")
    made.add_conditional_edges("hypothesise", _each_hypothesis, ["test", "weigh"])
    made.add_edge("test", "weigh")
    made.add_conditional_edges("weigh", _proposer, ["propose", "drill"])
    made.add_conditional_edges("propose", after_propose, ["inquire", "examine"])
    made.add_conditional_edges("inquire", after_inquire, ["propose", "examine"])
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
