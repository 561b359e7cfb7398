"""An investigation, from a request to its report: its trace, its budget, what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from agent.budget import Meter, Spent
from agent.config import Request
from agent.events import Hear, unheard
from agent.graph import graph
from agent.model.provider import Model
from agent.nodes.context import ALONE, Context, Means
from agent.redaction import redact
from agent.runs.runs import Begun, Run, Runs
from agent.state import Cost, Gap, Investigation, Report
from agent.tools.catalogue import OURS
from agent.tools.notebook import Notebook
from lake.ask import View
from lake.store import Lake
from traces.root import Root
from traces.tracer import Tracing

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
        state = graph().invoke(start, context=context)  # type: ignore[assignment]  # LangGraph says dict
    else:
        meter.shared, meter.before = run.shared(means.per_day, means.per_channel), run.used()
        reached = partial(_reached, run, meter)
        context = replace(context, journal=run.journal, go_on=run.check, reached=reached)
        state = run.invoked(graph(), start, context)
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
