"""Whether a cause is grounded: the way from it to the symptom, and three checks of every hop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from agent.nodes.facts import Facts
from agent.state import Hop

_MOST_WAYS = 8
_HARDLY_CHANCE = 4.0  # nats: one in fifty, and only those who may be on the way are asked


def hops(resource: str, facts: Facts) -> tuple[Hop, ...]:
    """A way from a resource up to the symptom: the shortest that is grounded, or the shortest.

    Where nothing tells the symptom's place the trouble shows where it is: the way is one hop.
    """
    shown = facts.symptomatic or (resource,)
    ways = [way for symptom in shown for way in _ways(symptom, resource, facts)]
    tried = [_climbed(way, facts) for way in sorted(ways, key=len)[:_MOST_WAYS]]
    return next((way for way in tried if is_grounded(way)), tried[0] if tried else ())


def is_grounded(path: tuple[Hop, ...]) -> bool:
    """Whether there is a path, and each hop of it exists, deviates and is in order."""
    return bool(path) and all(hop.structure and hop.deviation and hop.order for hop in path)


def _climbed(way: tuple[str, ...], facts: Facts) -> tuple[Hop, ...]:
    """A way of calls as hops, from who is called to who calls."""
    up = list(reversed(way))
    if len(up) == 1:
        return (_hop(up[0], up[0], facts),)
    return tuple(_hop(source, target, facts) for source, target in pairwise(up))


def _ways(symptom: str, resource: str, facts: Facts) -> list[tuple[str, ...]]:
    """Call paths from the symptom to a resource.

    To a store by way of a caller that it holds up, to a node by way of what runs on it.
    """
    through = [c for c in facts.topology.callers(resource) if facts.own(c)]
    through += facts.topology.residents(resource)
    if facts.kind(resource) == "service" or not through:
        return facts.topology.paths(symptom, resource, most=_MOST_WAYS)
    return [
        (*way, resource)
        for caller in through
        for way in facts.topology.paths(symptom, caller, most=_MOST_WAYS)
    ]


@dataclass(frozen=True, slots=True)
class _Deviation:
    """That an end of a hop deviates: what of it, since when, how far, and where that is seen."""

    text: str
    onset: datetime
    effect: float
    evidence: str


def _deviations(name: str, facts: Facts) -> list[_Deviation]:
    """How a resource deviates: what is sure of its requests first, then what is hardly chance."""
    signals = [
        _Deviation(f"{s.subject} of {name}", s.onset, abs(s.effect), s.evidence)
        for s in facts.of(name)
    ]
    return signals + [
        _Deviation(f"{a.subject} of {name}", a.onset, a.surprise, a.evidence)
        for a in facts.anomalies.get(name, ())
        if a.surprise >= _HARDLY_CHANCE
    ]


def _hop(source: str, target: str, facts: Facts) -> Hop:
    """One step and its three checks: it exists, both ends deviate, in an order that can be.

    It exists if the target calls the source, or runs on it. The order is possible if the source
    deviates no later than some deviation of the target.
    """
    ends = [_deviations(source, facts), _deviations(target, facts)]
    first = min((d.onset for d in ends[0]), default=None)
    onsets = [d.onset for d in ends[1]]
    strongest = max(ends[1] or ends[0], key=lambda d: d.effect, default=None)
    return Hop(
        source=source,
        target=target,
        text=strongest.text if strongest else "no deviation seen",
        onset=min(onsets, default=None),
        structure=source
        in {target, *facts.topology.callees(target), *facts.topology.hosts(target)},
        deviation=all(ends),
        order=first is not None and any(first <= at + facts.slack for at in onsets),
        evidence=tuple(dict.fromkeys(["edges", *(d.evidence for end in ends for d in end)])),
    )
