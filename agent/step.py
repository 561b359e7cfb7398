"""A node as the graph runs it: traced, heard, within its budget and its time, its failure told.

A report is worth more than any one step on the way to it. What a step could not do that the report
can do without is a gap, and the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from math import inf
from typing import Protocol

from langgraph.runtime import Runtime

from agent.budget import BudgetSpent, TimeSpent
from agent.events import Event
from agent.nodes import failing
from agent.nodes.context import Context
from agent.state import Gap, Investigation

STEP_S = 600.0
"""Seconds after which a step that may fail asks the lake nothing more."""

_LOOK = "survey_"

Node = Callable[[Investigation, Runtime[Context]], Investigation]


class Step(Protocol):
    """A node as LangGraph calls it."""

    def __call__(self, state: Investigation, *, runtime: Runtime[Context]) -> Investigation:
        """Run the node."""


def step(node: Node, *, may_fail: bool, is_limited: bool) -> Step:
    """Make a node a step of the graph.

    One that `may_fail` has a time, and its failure is a gap; one that `is_limited` asks the lake no
    more than the budget has left.
    """
    name = node.__name__

    def run(state: Investigation, *, runtime: Runtime[Context]) -> Investigation:
        context = _of_step(
            runtime.context, name, STEP_S if may_fail else inf, is_limited=is_limited
        )
        context.reached(name)
        failures: list[str] = []
        kind = failing.may_fail(failures.append) if may_fail else nullcontext()
        with kind, context.notebook.tracing.node(name), _heard(context):
            return _within_budget(node, state, runtime.override(context=context))
        found = _failed(name, state, failures[0])
        context.hear(Event("failed", name, found["gaps"][0].text, spent=context.meter.spent()))
        return found

    return run


def _of_step(context: Context, name: str, seconds: float, *, is_limited: bool) -> Context:
    """What a step may use: no more than its time and, where it is limited, the budget."""
    spend = context.meter.query_if_left if is_limited else context.meter.query
    until = time.monotonic() + seconds

    def spend_in_time() -> None:
        if time.monotonic() >= until:
            raise TimeSpent(f"It took longer than {seconds:g} s.")
        spend()

    return replace(context, node=name, notebook=replace(context.notebook, spend=spend_in_time))


@contextmanager
def _heard(context: Context) -> Iterator[None]:
    """Say that a node begins, and that it ended if it did."""
    began = time.perf_counter()
    context.hear(Event("began", context.node, spent=context.meter.spent()))
    yield
    took = round(time.perf_counter() - began, 3)
    context.hear(Event("ended", context.node, seconds=took, spent=context.meter.spent()))


def _is_trial(name: str) -> bool:
    """Whether the verdict rests on a step: each look of the survey, each test of a hypothesis."""
    return name == "test" or name.startswith(_LOOK)


def _within_budget(node: Node, state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Run a node; past the budget a look or a test is left out, and the report says so."""
    name = node.__name__
    try:
        if name.startswith(_LOOK):
            return _looked(node, state, runtime)
        if name == "test":
            runtime.context.meter.check()
        return node(state, runtime)
    except BudgetSpent:
        if not _is_trial(name):
            raise
        return {"cut": [f"the {_what(name, state)}"]}


def _looked(node: Node, state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """One look of the survey, unless it was to be left out.

    Of one that was only who calls whom is kept, which is a part of its own.
    """
    look, without = node.__name__.removeprefix(_LOOK), runtime.context.request.without
    left_out = [Gap("not_looked_at", f"The look at {look} was left out, as asked.")]
    if look in without and (look != "calls" or "topology" in without):
        return {"gaps": left_out}
    runtime.context.meter.check()
    found = node(state, runtime)
    if look in without:
        found = {"evidence": found["evidence"], "calls": found["calls"], "gaps": left_out}
    return {**found, "calls": []} if "topology" in without and "calls" in found else found


def _failed(name: str, state: Investigation, why: str) -> Investigation:
    """A step that failed: a gap and, of what the verdict rests on, one that is missed."""
    what = _what(name, state)
    how = "could not be made" if name == "test" else "failed"  # a test that fails is one refuted
    gaps = [Gap("not_looked_at", f"The {what} {how}: {why}")]
    return {"gaps": gaps, "missed": [what]} if _is_trial(name) else {"gaps": gaps}


def _what(name: str, state: Investigation) -> str:
    """A step in words."""
    if name == "test":
        return f"test of {state['causes'][state['subject']].text}"
    is_look = name.startswith(_LOOK)
    return f"look at {name.removeprefix(_LOOK)}" if is_look else f"step {name}"
