"""Hypothesise: every resource with trouble of its own, and every change, might be the cause."""

from __future__ import annotations

import math

from langgraph.runtime import Runtime

from agent.errors import RequestError
from agent.nodes.context import Context
from agent.nodes.facts import Facts, gather
from agent.nodes.found import findings_as_causes
from agent.nodes.prose import departs
from agent.nodes.survey.requests import ENTRANCE
from agent.state import Cause, Change, Indicator, Investigation, Mechanism, Resource

_MOST = 20  # resources that are looked at though nothing of them is sure
_CITED = 3
_MECHANISMS: dict[str, Mechanism] = {
    "deploy": "deploy",
    "config": "config",
    "flag": "flag",
    "scale": "scale",
    "node": "infrastructure",
    "schema": "deploy",
    "infrastructure": "infrastructure",
}


def hypothesise(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Write down what might explain the symptom, each as a cause that is still untested."""
    facts = gather(state)
    if not (state.get("missed") or state.get("cut")):
        _check_service(runtime.context.request.service, facts)
    causes = {f"change {change.id}": _changed(change, facts) for change in facts.changes.values()}
    for name in _suspicious(facts):
        causes[f"resource {name}"] = _ailing(name, facts)
    causes |= findings_as_causes(state.get("findings", []))
    runtime.context.progress(
        f"hypothesise: {len(causes)} possible causes, {len(facts.changes)} of them changes"
    )
    return {"incident": facts.incident, "causes": causes}


def _suspicious(facts: Facts) -> list[str]:
    """The resources with trouble of their own: those it is sure of, and the most surprising."""
    sure = {s.resource for s in facts.signals if facts.own(s.resource)} - {"", ENTRANCE}
    graded = {name: math.fsum(facts.own_nats(name).values()) for name in facts.anomalies}
    most = sorted((n for n in graded if graded[n] > 0), key=lambda n: (-graded[n], n))[:_MOST]
    return sorted(sure.union(most))


def _ailing(name: str, facts: Facts) -> Cause:
    """A resource as a cause, by what deviates of it."""
    found = [a for a in facts.anomalies[name] if a.own]
    unexplained = (
        "which no change explains" if facts.changes_read else "and no change was looked at"
    )
    first = found[0]
    trouble = f"{name}: {departs(first)} at {facts.when(first.onset)}, {unexplained}"
    cited = [s.evidence for s in facts.own(name)] or [a.evidence for a in found[:_CITED]]
    cited.append(first.evidence)  # which the sentence is about
    return Cause(
        rank=0,
        text=trouble,
        resource=Resource(facts.kind(name), name),
        indicator=first.indicator,
        mechanism="unknown",
        probability=0.0,
        status="untested",
        evidence_for=tuple(dict.fromkeys(cited)),
    )


def _check_service(name: str | None, facts: Facts) -> None:
    if name and facts.services and name not in facts.services:
        seen = ", ".join(sorted(facts.services))
        raise RequestError(f"There is no service {name!r} in the window; seen were {seen}.")


def _changed(change: Change, facts: Facts) -> Cause:
    own = facts.own(change.service)
    indicator: Indicator = own[0].indicator if own else "none"
    return Cause(
        rank=0,
        text=f"{change.kind} of {change.what}",
        resource=Resource("service", change.service, change.version),
        indicator=indicator,
        mechanism=_MECHANISMS[change.kind],
        probability=0.0,
        status="untested",
        change=change.id,
    )


def untested(state: Investigation) -> list[str]:
    """The hypotheses whose checks have not run."""
    return [key for key, cause in state["causes"].items() if cause.status == "untested"]
