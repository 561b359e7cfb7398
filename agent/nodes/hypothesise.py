"""Hypothesise: every resource with trouble of its own, and every change, might be the cause."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agent.errors import RequestError
from agent.nodes.context import Context
from agent.nodes.facts import Facts, gather
from agent.state import Cause, Change, Indicator, Investigation, Mechanism, Resource, Signal

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
    _check_service(runtime.context.request.service, facts)
    causes = {f"change {change.id}": _changed(change, facts) for change in facts.changes.values()}
    for name in sorted({s.resource for s in facts.signals}):
        if own := facts.own(name):
            causes[f"resource {name}"] = _ailing(name, own, facts)
        elif name and not facts.of(name) and (leads := facts.leads(name)):
            causes[f"resource {name}"] = _ailing(name, leads, facts)
    runtime.context.progress(
        f"hypothesise: {len(causes)} possible causes, {len(facts.changes)} of them changes"
    )
    return {"incident": facts.incident, "causes": causes}


def _ailing(name: str, signals: list[Signal], facts: Facts) -> Cause:
    """A resource as a cause, by what deviates of it."""
    first = signals[0]
    told = {
        "logs": f"{name} wrote {first.subject} from {facts.when(first.onset)}",
        "metrics": f"{first.subject} of {name} moved at {facts.when(first.onset)}",
    }
    return Cause(
        rank=0,
        text=told.get(first.look, f"{name} has trouble of its own that no change explains"),
        resource=Resource(facts.kind(name), name),
        indicator=first.indicator,
        mechanism="unknown",
        probability=0.0,
        status="untested",
        evidence_for=tuple(dict.fromkeys(s.evidence for s in signals)),
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
