"""Test: put one hypothesis to its confirming and refuting checks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from langgraph.runtime import Runtime

from agent.nodes.context import Context
from agent.nodes.controls import CONTROLS, tried
from agent.nodes.facts import Facts, gather
from agent.nodes.trying import Trying
from agent.state import Cause, Change, Evidence, Hop, Investigation
from agent.tools.notebook import Answer


def test(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Try the hypothesis that `subject` names; a change is tried with every control."""
    key, facts = state["subject"], gather(state)
    cause = state["causes"][key]
    runtime.context.progress(f"test: {cause.text}")
    asked: dict[str, Evidence] = {}

    def ask(name: str, about: str = "", **params: Any) -> Answer:
        answer = runtime.context.notebook.ask(name, about, **params)
        asked.update(answer.noted())
        return answer

    found: Investigation = {"evidence": asked}
    if cause.change:
        trying = Trying(facts.changes[cause.change], facts, ask)
        change = tried(trying.change, tuple(control(trying) for control in CONTROLS))
        found["changes"] = {change.id: change}
        cause = _judged(cause, change)
    found["causes"] = {key: _placed(cause, facts)}
    return found


def _judged(cause: Cause, change: Change) -> Cause:
    """What the controls of its change say of a cause."""
    cited = {
        verdict: tuple(
            dict.fromkeys(e for c in change.controls if c.verdict == verdict for e in c.evidence)
        )
        for verdict in ("implicates", "clears")
    }
    return replace(
        cause,
        status={"implicated": "likely", "cleared": "refuted"}.get(change.verdict, "weakened"),  # type: ignore[arg-type]  # the three words are Status
        evidence_for=cited["implicates"],
        evidence_against=cited["clears"],
        reason=change.reason,
    )


def _placed(cause: Cause, facts: Facts) -> Cause:
    """The cause with its path to the symptom, each hop checked."""
    path = hops(cause.resource.name, facts)
    grounded = bool(path) and all(h.structure and h.deviation and h.order for h in path)
    status = "likely" if cause.status == "untested" else cause.status
    return replace(cause, path=path, grounded=grounded, status=status)


def hops(resource: str, facts: Facts) -> tuple[Hop, ...]:
    """The shortest way from a resource up to the symptom: who is called, then who calls."""
    ways = [way for symptom in facts.symptomatic for way in _ways(symptom, resource, facts)]
    if not ways:
        return ()
    up = list(reversed(min(ways, key=len)))
    if len(up) == 1:
        return (_hop(resource, resource, facts),)
    return tuple(_hop(source, target, facts) for source, target in pairwise(up))


def _ways(symptom: str, resource: str, facts: Facts) -> list[tuple[str, ...]]:
    """Call paths from the symptom to a resource; to a store by way of a caller that it holds up."""
    through = [c for c in facts.topology.callers(resource) if facts.own(c)]
    if facts.kind(resource) == "service" or not through:
        return facts.topology.paths(symptom, resource, most=1)
    return [
        (*way, resource)
        for caller in through
        for way in facts.topology.paths(symptom, caller, most=1)
    ]


def _hop(source: str, target: str, facts: Facts) -> Hop:
    """One step and its three checks: the call exists, both ends deviate, the source first."""
    ends = [facts.of(source), facts.of(target)]
    onsets = [min((s.onset for s in end), default=None) for end in ends]
    deviation = all(ends)
    structure = source == target or any(
        c.caller == target and c.callee == source for c in facts.calls
    )
    ordered = (
        onsets[0] is not None and onsets[1] is not None and onsets[0] <= onsets[1] + facts.slack
    )
    strongest = max(ends[1] or ends[0], key=lambda s: abs(s.effect), default=None)
    text = f"{strongest.subject} of {strongest.resource}" if strongest else "no deviation seen"
    cited = ["edges", *(s.evidence for end in ends for s in end)]
    return Hop(
        source=source,
        target=target,
        text=text,
        onset=onsets[1] if source != target else onsets[0],
        structure=structure,
        deviation=deviation,
        order=ordered,
        evidence=tuple(dict.fromkeys(cited)),
    )
