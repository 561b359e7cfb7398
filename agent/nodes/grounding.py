"""Whether a cause is grounded: the way from it to the symptom, and three checks of every hop."""

from __future__ import annotations

from itertools import pairwise

from agent.nodes.facts import Facts
from agent.state import Hop


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
