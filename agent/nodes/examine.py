"""Examine: what a model proposed is put to its own test, and weighed by the engine's checks.

The query that it named can refute its hypothesis and nothing else: no cause of the engine's gains
or loses by it. A resource that the engine had not among its causes gets what the survey's measures
give it, and never comes before what the engine found. Of the model's own words none is told.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime

from agent.budget import BudgetSpent, TimeSpent
from agent.nodes.context import Context
from agent.nodes.facts import Facts, gather
from agent.nodes.grounding import hops, is_grounded
from agent.nodes.propose import Check, Hypothesis, about, asked, concluded, known_names
from agent.nodes.prose import departs
from agent.nodes.weigh import NEGLIGIBLE, concluded_as, resource_posteriors
from agent.quotes import named, quoted
from agent.state import Cause, Evidence, Gap, Investigation, Outcome, Proposal, Resource

PROPOSED = "proposed "


def examine(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Test every hypothesis that the model concluded with; one of what is not there is said so."""
    context, dialogue = runtime.context, state.get("dialogue", [])
    conclusion = concluded(dialogue)
    if conclusion is None:
        said = bool(dialogue) and dialogue[-1]["role"] == "assistant"
        gap = Gap("not_looked_at", "The model proposed nothing in the form asked for.")
        return {"proposals": [], "gaps": [gap] if said else []}
    facts = gather(state)
    evidence: dict[str, Evidence] = {}
    proposals, causes = [], dict[str, Cause]()
    posteriors = resource_posteriors(facts)
    told_once = dict[tuple[str, str, str], Hypothesis]()
    for one in conclusion.hypotheses:
        told_once.setdefault((one.resource, one.mechanism, one.change), one)
    for one in told_once.values():
        context.progress(f"examine: {one.mechanism} of {one.resource}")
        proposal, found = _examined(one, state, facts, context)
        evidence |= found
        cause = _added(proposal, posteriors, state["causes"], facts)
        if cause:
            proposal = replace(proposal, probability=cause.probability)
            causes[f"{PROPOSED}{one.resource}"] = cause
        proposals.append(proposal)
    return {"proposals": proposals, "causes": causes, "evidence": evidence}


def _examined(
    one: Hypothesis, state: Investigation, facts: Facts, context: Context
) -> tuple[Proposal, dict[str, Evidence]]:
    """A hypothesis with what its query brought, and that query's evidence."""
    known = _known(one, state["causes"].values())
    bare = Proposal(
        resource=one.resource,
        mechanism=one.mechanism,
        change=one.change,
        outcome="not_assessable",
        text="",
        known=known is not None,
        probability=known.probability if known else 0.0,
    )
    names = known_names(state, facts)
    if one.resource not in names:
        return replace(bare, resource="", text="Nothing in the telemetry has that name."), {}
    change = facts.changes.get(one.change)
    if one.change and (change is None or change.service != one.resource):
        return replace(bare, text="That is no change of this resource."), {}
    check = one.check
    try:
        answer = asked(context, check.tool, check.arguments, about(state)).answer
    except BudgetSpent:
        return replace(bare, text="The budget was spent before it could be tested."), {}
    except TimeSpent:
        return replace(bare, text="There was no time left to test it."), {}
    if answer is None:
        return replace(bare, text="The query that it named cannot be asked."), {}
    bare = replace(bare, evidence=(answer.id,))
    if check.column not in answer.rows.columns:
        return replace(bare, text="The answer has no such column."), answer.noted()
    cells = answer.rows.arrow.column(check.column).to_pylist()
    outcome: Outcome = "held" if any(_has(cell, check) for cell in cells) else "refuted"
    expected = _expected(check, names, cells)
    return replace(bare, outcome=outcome, text=_MET[outcome], expected=expected), answer.noted()


_MET: dict[Outcome, str] = {"held": "A row has it.", "refuted": "No row has it."}


def _expected(check: Check, names: Collection[str], cells: Iterable[Any]) -> str:
    """What the query was to show, in words that are not the model's."""
    is_ours = check.tool != "sql"  # of whose answer the model chose every word
    column = check.column if is_ours else "a column that it chose"
    row = f"a row of {check.tool} with {column}"
    if check.is_ == "there":
        return row
    relation = {"above": "above", "below": "below", "equal": "of"}[check.is_]
    return f"{row} {relation} {_value(check.value, names, cells if is_ours else ())}"


def _value(value: float | str | None, names: Collection[str], cells: Iterable[Any]) -> str:
    """A number, a name, or what stands in a cell; else it is a model's own words."""
    if isinstance(value, float):
        return f"{value:.15g}"
    if value and value in names:
        return named(value)
    return quoted(value) if value and value in map(str, cells) else "a value that it chose"


def _has(cell: Any, check: Check) -> bool:
    value = check.value
    if check.is_ == "there":
        return cell is not None
    if check.is_ == "equal":
        return str(cell) == str(value) or _number(cell) == _number(value)
    left, right = _number(cell), _number(value)
    return left > right if check.is_ == "above" else left < right


def _number(value: Any) -> float:
    """A value as a number; what is none compares with nothing."""
    if isinstance(value, bool) or value is None:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _known(one: Hypothesis, causes: Iterable[Cause]) -> Cause | None:
    """The engine's likeliest cause of the same resource, and of the change if one is named."""
    same = [c for c in causes if one.resource in (c.resource.name, c.object)]
    same = [c for c in same if not one.change or c.change == one.change]
    return max(same, key=lambda c: c.probability, default=None)


def _added(
    proposal: Proposal, posteriors: dict[str, float], causes: dict[str, Cause], facts: Facts
) -> Cause | None:
    """A cause of its own for a resource that the engine had none of, as probable as its measures.

    Not before the engine's first, and not more than all of its causes leave.
    """
    name = proposal.resource
    if proposal.known or proposal.change or proposal.outcome != "held":
        return None
    others = [cause.probability for cause in causes.values()]
    left = max(0.0, 1.0 - math.fsum(others))
    probability = min(posteriors.get(name, 0.0), left, max(others, default=0.0))
    anomalies = facts.anomalies.get(name, ())
    if probability < NEGLIGIBLE or not anomalies:
        return None
    first = anomalies[0]
    cause = Cause(
        rank=0,
        text=f"{name}: {departs(first)} at {facts.when(first.onset)}, as the model proposed",
        resource=Resource(facts.kind(name), name),
        indicator=first.indicator,
        mechanism="unknown",
        probability=0.0,
        status="likely",
        evidence_for=tuple(dict.fromkeys((first.evidence, *proposal.evidence))),
        proposed_by="model",
    )
    path = hops(name, facts)
    placed = replace(cause, path=path, grounded=is_grounded(path))
    return concluded_as(placed, probability, facts)
