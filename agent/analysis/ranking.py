"""Which resource is to blame: log odds from a few saturating terms, made probabilities.

A resource is to blame when its own signals deviate and no callee explains them, calls lead to it
from the symptom, it did not deviate later than the symptom, and what else deviates calls it. The
weights are judgement and the probabilities not calibrated. More deviation of a resource's own never
makes it less to blame: no other term gains as much from it as `OWN` does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from agent.analysis.topology import Topology

UNKNOWN = "«unknown»"  # not a name that a resource has
OWN = 6.0  # the most that its own signals can say
NOTHING_OWN = 3.0  # against a resource none of whose own signals deviate
HALF_CONVINCING = 6.0  # the robust z that says half of the most
EXPLAINED = 4.0  # against a resource whose callees deviate as much as can be
UNREACHABLE = 4.0  # against a resource that the symptom does not call
LATE = 4.0  # against a resource that deviates long after the symptom
UNEXPLAINED = 2.0  # against one that leaves all else that deviates unexplained
IN_VAIN = 1.0  # against one whose callers do not notice
MOST_EXTRA = 6.0  # what the controls together can say


@dataclass(frozen=True, slots=True)
class Suspect:
    """A resource that was looked at, deviating or not.

    `own_deviation` is the largest robust z (at least 0) of signals that no callee has a part in:
    self time, own errors, saturation. `onset` is when it first deviated, in epoch seconds.
    `explained_by` are the callees that deviate too. `log_odds` is evidence from elsewhere, the sum
    of the log likelihood ratios of controls.
    """

    name: str
    own_deviation: float = 0.0
    onset: float | None = None
    explained_by: tuple[str, ...] = ()
    log_odds: float = 0.0


def posteriors(
    suspects: Iterable[Suspect],
    topology: Topology,
    symptom: str,
    *,
    unknown_log_odds: float = 0.0,
    tolerance: float = 60.0,
) -> dict[str, float]:
    """The probability that each suspect is the cause, and that it is `UNKNOWN`; they sum to 1.

    `symptom` names the resource where the incident showed; `tolerance` is the width of a bucket in
    seconds, by which an onset may be late. What is not known (no onset, a name that the topology
    does not hold) speaks neither way.
    """
    listed = tuple(suspects)
    field = {suspect.name: suspect for suspect in listed}
    if len(field) < len(listed) or UNKNOWN in field:
        names = ", ".join(sorted(suspect.name for suspect in listed))
        raise ValueError(f"suspects are {names}; expected distinct names, none of them {UNKNOWN!r}")
    odds = {
        name: _own(suspect, field)
        + _reach(name, topology, symptom)
        + _order(suspect, field.get(symptom), tolerance)
        + _fit(name, field, topology)
        + MOST_EXTRA * math.tanh(suspect.log_odds / MOST_EXTRA)
        for name, suspect in field.items()
    }
    odds[UNKNOWN] = unknown_log_odds
    highest = max(odds.values())
    weights = {name: math.exp(value - highest) for name, value in odds.items()}
    total = math.fsum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _conviction(z: float) -> float:
    """How far a robust z convinces, from 0 to 1."""
    return 1.0 - HALF_CONVINCING / (HALF_CONVINCING + z)


def _own(suspect: Suspect, field: dict[str, Suspect]) -> float:
    """What its own signals say, less what its callees explain of them."""
    callees = (field.get(name) for name in suspect.explained_by if name != suspect.name)
    explained = max((_conviction(callee.own_deviation) for callee in callees if callee), default=0)
    return OWN * _conviction(suspect.own_deviation) - NOTHING_OWN - EXPLAINED * explained


def _reach(name: str, topology: Topology, symptom: str) -> float:
    if not {name, symptom} <= topology.names or topology.reaches(symptom, name):
        return 0.0
    return -UNREACHABLE


def _order(suspect: Suspect, symptom: Suspect | None, tolerance: float) -> float:
    """Against an effect before its cause, the more the later the cause."""
    if suspect.onset is None or symptom is None or symptom.onset is None:
        return 0.0
    late = max(0.0, suspect.onset - symptom.onset - tolerance)
    return -LATE * late / (late + tolerance) if late else 0.0


def _fit(name: str, field: dict[str, Suspect], topology: Topology) -> float:
    """Against what it leaves unexplained of the other deviations, and what it predicts in vain."""
    if name not in topology.names:
        return 0.0
    callers = topology.blast_radius(name)
    others = {o: _deviation(s) for o, s in field.items() if o != name and o in topology.names}
    total = max(1.0, math.fsum(others.values()))
    missed = math.fsum(weight for other, weight in others.items() if other not in callers)
    seen = [others[caller] for caller in topology.callers(name) if caller in others]
    unmoved = math.fsum(1.0 - weight for weight in seen)
    return -UNEXPLAINED * missed / total - (IN_VAIN * unmoved / len(seen) if seen else 0.0)


def _deviation(suspect: Suspect) -> float:
    """How surely a resource deviates at all, by itself or through its callees, from 0 to 1."""
    return 1.0 if suspect.explained_by else _conviction(suspect.own_deviation)
