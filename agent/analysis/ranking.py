"""Which resource is to blame: a conditional logit over what is known of each, made probabilities.

McFadden (1974): the odds of a resource are the exponential of a weighted sum of what speaks for and
against it, and so are those of a cause that is not among them. A resource is to blame when its own
anomalies surprise and no callee explains them, calls lead to it from the symptom, it did not begin
later than the symptom, and what else deviates calls it.

Surprise is in nats, and what several looks see of one resource adds up, each up to `CEILING`. The
weights were fitted on recorded incidents of several systems, each system left out in turn to see
what they are worth on one that they were not fitted on (`tests/bench/fit.py`, docs/bench.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.analysis.topology import Topology

Floats = NDArray[np.float64]

UNKNOWN = "«unknown»"  # not a name that a resource has
LOOKS = ("requests", "calls", "traces", "metrics", "logs", "locks", "state", "alerts")
CEILING = 30.0  # nats: what a look can say at most
HALF_CONVINCING = 7.0  # nats that say half of the most: chance brings as much among a thousand
DECAY = 0.7  # of a cause's effect from one caller to the next
FARTHEST = 8  # calls through which an effect is followed
MOST_LOOKED_AT = 64  # suspects whose reach is followed: those with the most of their own
MOST_EXTRA = 6.0  # what the controls together can say

WEIGHTS: dict[str, float] = {
    **{f"own {look}": 5.0 for look in LOOKS},
    "explained": -4.0,  # by a callee that deviates by itself
    "explains": 2.0,  # the share of all else that deviates which calls it
    "in vain": -1.0,  # the share of its callers that do not notice
    "unreachable": -3.0,  # the symptom does not call it
    "late": -3.0,  # it began after the symptom
    "nothing": -4.0,  # nothing of its own deviates
    "controls": 1.0,
    "unknown": 0.0,
}


@dataclass(frozen=True, slots=True)
class Suspect:
    """A resource that was looked at, deviating or not.

    `own` is what each look's strongest anomaly that callees have no part in says, in nats; `shown`
    that of its strongest of any kind. `onset` is when it first deviated, in epoch seconds.
    `log_odds` is evidence from elsewhere, the sum of the log likelihood ratios of controls.
    """

    name: str
    own: Mapping[str, float] = field(default_factory=dict)
    shown: float = 0.0
    onset: float | None = None
    log_odds: float = 0.0

    @property
    def whole(self) -> float:
        """What all looks say of its own, in nats."""
        return math.fsum(min(nats, CEILING) for nats in self.own.values())


def posteriors(
    suspects: Iterable[Suspect],
    topology: Topology,
    symptoms: Sequence[str],
    *,
    tolerance: float = 60.0,
    weights: Mapping[str, float] = WEIGHTS,
) -> dict[str, float]:
    """The probability that each suspect is the cause, and that it is `UNKNOWN`; they sum to 1.

    `symptoms` name the resources where the incident showed; `tolerance` is the width of a bucket in
    seconds, by which an onset may be late. What is not known (no onset, a name that the topology
    does not hold) speaks neither way.
    """
    listed = tuple(suspects)
    known = {suspect.name for suspect in listed}
    if len(known) < len(listed) or UNKNOWN in known:
        names = ", ".join(sorted(suspect.name for suspect in listed))
        raise ValueError(f"suspects are {names}; expected distinct names, none of them {UNKNOWN!r}")
    odds = features(listed, topology, symptoms, tolerance=tolerance) @ [*weights.values()]
    odds = np.append(odds, weights["unknown"])
    share = np.exp(odds - odds.max())
    share /= share.sum()
    return dict(zip((*(s.name for s in listed), UNKNOWN), share.tolist(), strict=True))


def features(
    suspects: Sequence[Suspect],
    topology: Topology,
    symptoms: Sequence[str],
    *,
    tolerance: float = 60.0,
) -> Floats:
    """What is known of each suspect: a row each, in the order of `WEIGHTS`, all about 0 to 1."""
    own = {s.name: conviction(s.whole) for s in suspects}
    shown = {s.name: conviction(min(max(s.shown, *s.own.values(), 0.0), CEILING)) for s in suspects}
    looked_at = sorted((s.name for s in suspects), key=lambda name: -own[name])[:MOST_LOOKED_AT]
    explained = _explained(looked_at, own, topology)
    asked = [s for s in symptoms if s in topology.names]
    reached = set(asked).union(*(topology.dependencies(name) for name in asked))
    began = min(
        (s.onset for s in suspects if s.name in asked and s.onset is not None), default=None
    )
    rows = np.zeros((len(suspects), len(WEIGHTS)))
    at = {name: column for column, name in enumerate(WEIGHTS)}
    seen = {*looked_at}
    for row, suspect in zip(rows, suspects, strict=True):
        name = suspect.name
        for look, nats in suspect.own.items():
            row[at[f"own {look}"]] = conviction(min(nats, CEILING))
        row[at["nothing"]] = not suspect.own
        row[at["controls"]] = MOST_EXTRA * math.tanh(suspect.log_odds / MOST_EXTRA)
        row[at["late"]] = _late(suspect.onset, began, tolerance)
        row[at["explained"]] = 0.0 if suspect.log_odds > 0 else explained.get(name, 0.0)
        row[at["unreachable"]] = bool(asked) and name in topology.names and name not in reached
        if name in seen:
            row[at["explains"]], row[at["in vain"]] = _effects(name, own, shown, topology)
    return rows


def conviction(nats: float) -> float:
    """How far a surprise convinces, from 0 to 1."""
    return nats / (HALF_CONVINCING + nats)


def _explained(
    names: Iterable[str], own: Mapping[str, float], topology: Topology
) -> dict[str, float]:
    """How much of each caller's trouble the own trouble of those that it calls may explain."""
    explained: dict[str, float] = {}
    for name in names:
        for caller, hops in _callers(name, topology).items():
            says = own[name] * DECAY ** (hops - 1)
            explained[caller] = max(explained.get(caller, 0.0), says)
    return explained


def _effects(
    name: str, own: Mapping[str, float], shown: Mapping[str, float], topology: Topology
) -> tuple[float, float]:
    """The share of all else that deviates which a cause explains, and of callers that are well.

    What a resource says of itself is no cause's effect where that has nothing of its own.
    """
    if name not in topology.names:
        return 0.0, 0.0
    far = _callers(name, topology)
    others = {o: v for o, v in shown.items() if o != name and o in topology.names}
    total = max(1.0, math.fsum(others.values()))
    said = math.fsum(v * DECAY ** (far[o] - 1) for o, v in others.items() if o in far)
    callers = [shown.get(caller, 0.0) for caller in topology.callers(name)]
    unmoved = math.fsum(1.0 - v for v in callers) / len(callers) if callers else 0.0
    return own[name] * said / total, own[name] * unmoved


def _callers(name: str, topology: Topology) -> dict[str, int]:
    """Who calls a resource, directly or through others, and through how many calls."""
    hops, wave, far = {name: 0}, [name], 0
    while wave and far < FARTHEST:
        far += 1
        wave = list({c for one in wave for c in topology.callers(one) if c not in hops})
        hops.update(dict.fromkeys(wave, far))
    del hops[name]
    return hops


def _late(onset: float | None, began: float | None, tolerance: float) -> float:
    """How much too late a suspect is to have caused the symptom, from 0 to 1."""
    if onset is None or began is None:
        return 0.0
    late = max(0.0, onset - began - tolerance)
    return late / (late + tolerance) if late else 0.0
