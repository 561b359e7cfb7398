"""Which resource is to blame: a conditional logit over what is known of each, made probabilities.

McFadden (1974): the odds of a resource are the exponential of a weighted sum of what speaks for
and against it, and so are those of a cause that is not among them. A resource is to blame when
its own anomalies surprise and no callee explains them, calls lead to it from the symptom, it did
not begin later than the symptom, and what else deviates calls it.

Surprise is in nats, and what several looks see of one resource adds up, each up to `CEILING`. The
weights are judgement, rounded, looked at on recorded incidents of four systems: what a look says
was weighed by how often it says as much of resources that are well. None knows a system.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.analysis.amounts import Amounts, Harm
from agent.analysis.topology import Topology

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNKNOWN = "«unknown»"  # not a name that a resource has
LOOKS = ("requests", "calls", "traces", "metrics", "logs", "locks", "state", "alerts")
CEILING = 30.0  # nats: what a look can say at most
HALF_CONVINCING = 7.0  # nats that say half of the most: chance brings as much among a thousand
TINY = 1e-9
LEAST = 0.5  # nats: less is nothing
DECAY = 0.7  # of a cause's effect from one caller to the next
FARTHEST = 8  # calls through which an effect is followed
MOST_LOOKED_AT = 64  # suspects, a bit each, whose reach is followed: who has the most of its own
LAPSE = 0.02  # of incidents, in which all this is beside the point: nothing is certain
MOST_EXTRA = 8.0  # what the controls together can say

WEIGHTS: dict[str, float] = {
    **{f"own {look}": 5.0 for look in LOOKS},
    "own metrics": 2.5,  # they follow what requests do: many move in any incident
    "only metrics": 6.0,  # and more where there is nothing else to go by
    "own logs": 7.0,
    "own traces": 6.0,
    "own requests": 3.0,  # their shifts are not compared with calm time elsewhere
    "own calls": 3.0,
    "alone": 4.0,  # what it shows, if none that it calls shows as much
    "explained": -2.5,  # by a callee that deviates by itself
    "explains": 1.0,  # the share of all else that deviates which calls it
    "as much": 2.0,  # the share of the symptom's harm that it shows too, where measured alike
    "in vain": -0.5,  # the share of its callers that do not notice
    "unreachable": -1.5,  # the symptom does not call it
    "late": -1.0,  # it began after the symptom
    "nothing": -2.0,  # nothing of its own deviates
    "controls": 3.0,
    "unknown": 2.0,
}


@dataclass(frozen=True, slots=True)
class Suspect:
    """A resource that was looked at, deviating or not.

    `own` is what each look's strongest anomaly that callees have no part in says, in nats; `shown`
    that of its strongest of any kind. `onset` is when it first deviated, in epoch seconds.
    `log_odds` is evidence from elsewhere, the sum of the log likelihood ratios of controls. `harm`
    is how much worse it got in what is measured of others alike.
    """

    name: str
    own: Mapping[str, float] = field(default_factory=dict)
    shown: float = 0.0
    onset: float | None = None
    log_odds: float = 0.0
    harm: Harm = field(default_factory=dict)


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
    odds = features(listed, topology, symptoms, tolerance=tolerance) @ [
        weights[name] for name in WEIGHTS
    ]
    odds = np.append(odds, weights["unknown"])
    share = np.exp(odds - odds.max())
    share *= (1.0 - LAPSE) / share.sum()
    share[-1] += LAPSE
    return dict(zip((*(s.name for s in listed), UNKNOWN), share.tolist(), strict=True))


def features(
    suspects: Sequence[Suspect],
    topology: Topology,
    symptoms: Sequence[str],
    *,
    tolerance: float = 60.0,
) -> Floats:
    """What is known of each suspect: a row each, in the order of `WEIGHTS`, all about 0 to 1."""
    names = [s.name for s in suspects]
    said = _floats(s.own.get(look, 0.0) for s in suspects for look in LOOKS)
    said = np.minimum(said, CEILING).reshape(len(suspects), len(LOOKS))
    whole, log_odds = said.sum(axis=1), _floats(s.log_odds for s in suspects)
    own, guilty = conviction(whole), log_odds > 0  # who is guilty suffers from nobody
    shown = np.maximum(_floats(s.shown for s in suspects), said.max(axis=1, initial=0.0))
    shown = conviction(np.minimum(shown, CEILING))
    asked = {s for s in symptoms if s in topology.names}
    reached = asked.union(*(topology.dependencies(name) for name in asked))
    below = np.array([name in reached for name in names], dtype=np.bool_)
    showing = np.array([name in asked for name in names], dtype=np.bool_)
    amounts = Amounts.of([s.harm for s in suspects])
    effects = _effects(names, own, shown, topology, amounts)
    apart = np.array([bool(asked) and name in topology.names for name in names], dtype=np.bool_)
    onset = _floats(np.nan if s.onset is None else s.onset for s in suspects)
    known: dict[str, Floats] = {
        **{f"own {look}": column for look, column in zip(LOOKS, conviction(said.T), strict=True)},
        "only metrics": np.zeros(len(suspects)),
        "alone": shown * np.where(guilty, 1.0, 1.0 - effects.below),
        "explained": np.where(guilty, 0.0, effects.explained),
        "explains": own * effects.explains,
        "as much": own * below * amounts.covered_of_any(showing),
        "in vain": own * effects.in_vain,
        "unreachable": (apart & ~below).astype(np.float64),
        "late": _late(onset, onset[showing], tolerance),
        "nothing": ((whole < LEAST) & ~guilty).astype(np.float64),
        "controls": MOST_EXTRA * np.tanh(log_odds / MOST_EXTRA),
        "unknown": np.zeros(len(suspects)),
    }
    if not any(suspect.own.keys() - {"metrics"} for suspect in suspects):
        known["only metrics"] = known["own metrics"]
    return np.stack([known[name] for name in WEIGHTS], axis=1)


def conviction(nats: Floats) -> Floats:
    """How far surprises convince, from 0 to 1."""
    return np.asarray(nats / (HALF_CONVINCING + nats))


def _floats(values: Iterable[float]) -> Floats:
    return np.fromiter(values, np.float64)


def _late(onset: Floats, symptoms: Floats, tolerance: float) -> Floats:
    """How much too late each is to have caused what began with the first of the symptoms."""
    began = np.fmin.reduce(symptoms, initial=np.nan)
    late = np.nan_to_num(np.fmax(0.0, onset - began - tolerance))
    return np.asarray(late / np.maximum(late + tolerance, TINY))


@dataclass(frozen=True, slots=True)
class Effects:
    """What each suspect's trouble would do to the others, one entry a suspect, from 0 to 1.

    `below` is how surely one that it calls deviates by as much, `explained` how much of its trouble
    the own trouble of those below may explain, `explains` the share of all else that deviates which
    calls it and got no worse, `in_vain` of its callers that do not. What the topology does not hold
    has no effects.
    """

    below: Floats
    explained: Floats
    explains: Floats
    in_vain: Floats


def _effects(
    names: Sequence[str], own: Floats, shown: Floats, topology: Topology, amounts: Amounts
) -> Effects:
    """Follow the effects of the suspects with the most trouble of their own to all who call them.

    A word a resource, a bit a suspect whose effects reach it: one pass over the edges a hop.
    """
    below, explained, explains, in_vain = (np.zeros(len(names)) for _ in range(4))
    graph = _graph(topology)
    row = np.array([graph.number.get(name, -1) for name in names], dtype=np.int64)
    placed = row >= 0
    first = np.argsort(-np.where(placed, own, -1.0), kind="stable")[:MOST_LOOKED_AT]
    first = first[placed[first]]
    if not first.size:
        return Effects(below, explained, explains, in_vain)
    suspect = np.zeros(len(graph.number), dtype=np.int64)
    suspect[row[placed]] = np.flatnonzero(placed)
    deviates = np.zeros(len(graph.number))
    deviates[row[placed]] = shown[placed]
    total = np.maximum(1.0, deviates.sum() - shown[first])
    worst, said = np.zeros(len(deviates)), np.zeros(first.size)
    for hop, (who, of) in enumerate(_waves(row[first], graph)):
        share = DECAY**hop * amounts.covered(first[of], suspect[who], unknown=1.0)
        np.maximum.at(worst, who, share * own[first[of]])
        said += np.bincount(of, share * deviates[who], first.size)
        if hop == 0:
            noticed = np.bincount(of, deviates[who], first.size)
            asking = np.bincount(of, minlength=first.size)
            in_vain[first] = (asking - noticed) / np.maximum(asking, 1)
    explains[first] = said / total
    explained[placed] = worst[row[placed]]
    highest = np.zeros_like(deviates)
    of_edge = amounts.covered(suspect[graph.causes], suspect[graph.suffers], unknown=1.0)
    np.maximum.at(highest, graph.suffers, deviates[graph.causes] * of_edge)
    below[placed] = highest[row[placed]]
    return Effects(below, explained, explains, in_vain)


@dataclass(frozen=True, slots=True)
class _Graph:
    """Who suffers from whom, as numbers, in the order of those who suffer: callers, residents."""

    number: Mapping[str, int]
    suffers: Ints
    causes: Ints


def _graph(topology: Topology) -> _Graph:
    """A topology's calls, and its placements: what runs on a host suffers from it."""
    callers = np.repeat(np.arange(len(topology.ordered)), np.diff(topology.forward.start))
    if not topology.placements:
        return _Graph(topology.number, callers, topology.forward.others)
    number = dict(topology.number)
    for edge in topology.placements:
        number.setdefault(edge.caller, len(number))
        number.setdefault(edge.callee, len(number))
    hosted = np.array([(number[e.caller], number[e.callee]) for e in topology.placements])
    suffers = np.append(callers, hosted[:, 0])
    order = np.argsort(suffers, kind="stable")
    causes = np.append(topology.forward.others, hosted[:, 1])
    return _Graph(number, suffers[order], causes[order])


def _waves(starts: Ints, graph: _Graph) -> Iterator[tuple[Ints, Ints]]:
    """Whom each start reaches with one step, with two and so on: resources, and of which start."""
    if not graph.suffers.size:
        return
    begins = np.flatnonzero(np.diff(graph.suffers, prepend=-1))
    bits = np.left_shift(np.uint64(1), np.arange(starts.size, dtype=np.uint64))
    seen = np.zeros(len(graph.number), dtype=np.uint64)
    np.bitwise_or.at(seen, starts, bits)
    wave = seen.copy()
    for _ in range(FARTHEST):
        come = np.zeros_like(seen)
        come[graph.suffers[begins]] = np.bitwise_or.reduceat(wave[graph.causes], begins)
        wave = come & ~seen
        if not wave.any():
            return
        seen |= wave
        each = np.unpackbits(wave.astype("<u8").view(np.uint8), bitorder="little")
        yield np.divmod(np.flatnonzero(each), MOST_LOOKED_AT)
