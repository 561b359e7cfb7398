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
from functools import cache, partial
from typing import Any, Protocol

import langsmith
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from agent.budget import BudgetSpent, Meter, Spent
from agent.config import Request
from agent.events import Event, Hear, unheard
from agent.model.provider import Model
from agent.nodes.context import ALONE, Context, Means
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
from agent.redaction import redact
from agent.runs.runs import Begun, Run, Runs
from agent.state import Cost, Gap, Investigation, Report
from agent.tools.catalogue import OURS
from agent.tools.notebook import Notebook
from lake.ask import View
from lake.errors import QueryError
from lake.store import Lake
from traces.root import Root
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

UNPAID = Gap("not_looked_at", "No model was called: what it is paid for could not be kept.")


def investigate(
    lake: Lake,
    request: Request,
    hear: Hear = unheard,
    means: Means = ALONE,
) -> Report:
    """Find out what happened, on the lake as it is now; leave the run's own trace in the lake.

    `hear` is told how far it is. A model among the `means` proposes and words, and decides nothing;
    without one, templates do.
    """
    return investigated(lake, request, hear, means)["report"]


def investigated(
    lake: Lake,
    request: Request,
    hear: Hear = unheard,
    means: Means = ALONE,
    runs: Runs | None = None,
    *,
    must_keep: bool = False,
) -> Investigation:
    """Find out what happened, as `investigate` does: the report, and all that led to it.

    With `runs` it is kept how far it is, so that `resumed` can go on after a kill. With `must_keep`
    no model is called where that cannot be kept.
    """
    with _tracing(lake, means) as tracing:
        view = lake.at()
        begun = _begun(lake, view, request, tracing, means)
        run = runs.begin(tracing.trace_id, begun) if runs else None
        if means.model and must_keep and run is None:
            return _ran(view, request, tracing, hear, replace(means, model=None), None, UNPAID)
        return _ran(view, request, tracing, hear, means, run)


def resumed(
    lake: Lake,
    run: Run,
    hear: Hear = unheard,
    means: Means = ALONE,
) -> Investigation:
    """Go on with a run that was killed: on its snapshots, in its trace; no call is paid twice.

    It is of the thread and the channel that it was begun for, whatever the `means` say.
    """
    begun = run.begun
    means = replace(means, thread=begun.thread, channel=begun.channel)
    if means.model and (address := _address(means.model)) != begun.address:
        run.runs.store.warn(
            f"{means.model} was called at {begun.address} before and is at {address} now; "
            "what was answered there is not asked again."
        )
    with _tracing(lake, means, begun.traceparent) as tracing:
        view = lake.at(begun.snapshots)
        return _ran(view, begun.request, tracing, hear, means, run)


def _ran(
    view: View,
    request: Request,
    tracing: Tracing,
    hear: Hear,
    means: Means,
    run: Run | None,
    *gaps: Gap,
) -> Investigation:
    """The investigation from where it is, which is the start for a run that nothing is kept of.

    `gaps` are known before it looks at anything.
    """
    meter = Meter(means.budget)
    context = Context(
        request,
        Notebook(view, tracing, meter.query, ours=request.service == OURS),
        hear,
        means.model,
        meter,
    )
    start: Investigation = {"gaps": [*gaps]}
    state: Investigation
    if run is None:
        state = _graph().invoke(start, context=context)  # type: ignore[assignment]  # LangGraph says dict
    else:
        meter.shared, meter.before = run.shared(means.per_day, means.per_channel), run.used()
        reached = partial(_reached, run, meter)
        context = replace(context, journal=run.journal, go_on=run.check, reached=reached)
        state = run.invoked(_graph(), start, context)
    tracing.concluded(state["report"].id, state["report"].verdict, means.channel)
    cost = _whole(_cost(tracing), meter, means.model)
    return {**state, "report": replace(state["report"], cost=cost)}


def _reached(run: Run, meter: Meter, node: str) -> None:
    run.reached(node, meter.spent())


def _tracing(lake: Lake, means: Means, continues: str = "") -> Tracing:
    """The trace of a run: an agent's where it is part of a conversation, else a workflow's."""
    root: Root = "invoke_agent" if means.thread else "invoke_workflow"
    name = "inquest" if means.thread else "investigate"
    return Tracing(
        lake, name, operation=root, thread=means.thread, continues=continues, redact=redact
    )


def _begun(lake: Lake, view: View, request: Request, tracing: Tracing, means: Means) -> Begun:
    return Begun(
        request=request,
        lake=lake.path,
        snapshots=view.snapshots,
        traceparent=tracing.traceparent,
        model=str(means.model or ""),
        address=_address(means.model) if means.model else "",
        channel=means.channel,
        thread=means.thread,
        budget=means.budget,
    )


def _address(model: Model) -> str:
    """Where a model is called, as it may be kept: `host:port`."""
    host, port = model.address
    return redact(f"{host or model.provider}:{port}" if port else host or model.provider)


def _cost(tracing: Tracing) -> Cost:
    spent = tracing.cost()
    return Cost(
        model=spent.model,
        calls=spent.calls,
        input_tokens=spent.input_tokens,
        cached_tokens=spent.cache_read_tokens,
        output_tokens=spent.output_tokens,
        usd=spent.usd,
        queries=spent.queries,
        wall_s=spent.wall_s,
        trace_id=spent.trace_id,
    )


def _whole(cost: Cost, meter: Meter, model: Model | None) -> Cost:
    """The cost of a run, of which this process may have done the last part only.

    What a killed process was answered and this one did not ask again is in the ledger alone; what
    came from a provider's cache is not told apart there.
    """
    before, spent = meter.before, meter.spent()
    if before == Spent():
        return cost
    was_priced = not before.calls or before.usd > 0 or (model is not None and model.is_priced)
    return replace(
        cost,
        model=cost.model or (model.name if model and spent.calls else None),
        calls=spent.calls,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        usd=spent.usd if was_priced and cost.usd is not None else None,
        queries=cost.queries + before.queries,
        wall_s=round(cost.wall_s + before.wall_s, 3),
    )


@cache
def _graph() -> CompiledStateGraph[Investigation, Context, Any, Any]:
    graph = StateGraph(Investigation, context_schema=Context)
    for node in (*BEFORE, *SURVEY, *AFTER):
        graph.add_node(node.__name__, _traced(node))
    graph.add_conditional_edges(START, _first, ["sharpen", "scope"])
    graph.add_edge("sharpen", "scope")
    for look in SURVEY:
        graph.add_edge("scope", look.__name__)
    graph.add_edge([look.__name__ for look in SURVEY], "hypothesise")
    graph.add_conditional_edges("hypothesise", _each_hypothesis, ["test", "weigh"])
    graph.add_edge("test", "weigh")
    graph.add_conditional_edges("weigh", _proposer, ["propose", "drill"])
    graph.add_conditional_edges("propose", after_propose, ["inquire", "examine"])
    graph.add_edge("inquire", "propose")
    graph.add_edge("examine", "drill")
    graph.add_edge("drill", "write")
    graph.add_conditional_edges("write", _teller, ["tell", "verify"])
    graph.add_edge("tell", "verify")
    graph.add_edge("verify", END)
    langsmith.configure(enabled=False)  # LANGSMITH_TRACING would send all of the state away
    return graph.compile()


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
