"""Weigh: how probable each cause is, whether its path is grounded, and what the verdict is."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from langgraph.runtime import Runtime

from agent.analysis.calibration import Scaling, apply
from agent.analysis.ranking import UNKNOWN, Suspect, posteriors
from agent.analysis.topology import Edge, Topology
from agent.nodes.context import Context
from agent.nodes.controls import weight
from agent.nodes.facts import Facts, gather
from agent.nodes.found import PREFIX
from agent.nodes.scope import BY_ITSELF
from agent.nodes.survey.requests import ENTRANCE
from agent.state import Cause, Investigation, Mechanism, Signal, Status

CONFIRMED, LIKELY, NEGLIGIBLE = 0.8, 0.5, 0.05
NAMED = 0.7  # of a resource, with all its causes: as sure an answer is right in seven of ten
_CALIBRATION = Scaling(0.5, 0.8)  # docs/bench.md: what the first causes of four systems teach
_MACHINE = re.compile(r"\d+(\.\d+){3}(?!\d)|localhost$|\[?::1\b", re.ASCII)
_HOST = re.compile(  # in a domain
    r"([\w-]+\.){2,}(com|net|org|io|cloud|local|internal|[a-z]{2})(?![a-z0-9.-])", re.ASCII
)
_MOST_BESIDE = 8  # services that may answer under one address
_COINCIDENCE = 1.5  # log-odds against a change that nothing but timing speaks for
_CLEARED = 0.02  # what is left of a change that a control cleared
_UNDECIDED = 0.4  # the most for one that the controls did not implicate
_REAL_IF_ALARMED, _REAL = 0.75, 0.45  # an incident that no request shows
_ELSEWHERE = 0.5  # of what is left: that what no measure shows is the cause all the same
_DARK = 0.75  # that the cause is not where nobody could look


def weigh(state: Investigation, runtime: Runtime[Context]) -> Investigation:
    """Give every cause its probability: its resource's, times its share of that resource."""
    facts = gather(state)
    found = {k: c for k, c in state["causes"].items() if k.startswith(PREFIX)}
    weighed = _measured({k: c for k, c in state["causes"].items() if k not in found}, facts)
    signs = (facts.felt, facts.watched)
    located = all(signs) if runtime.context.request.whole else any(signs)
    weighed = together(weighed, found, located=located)
    best = max(weighed.values(), key=lambda c: c.probability, default=None)
    runtime.context.progress(f"weigh: {best.text} at {best.probability:.2f}" if best else "weigh")
    return {"causes": weighed}


def _measured(causes: dict[str, Cause], facts: Facts) -> dict[str, Cause]:
    """What deviates, and what was changed, by how much each is to blame."""
    of_resource = resource_posteriors(facts)
    if not (facts.felt or of_resource):
        return {k: replace(c, status="refuted") for k, c in causes.items()}
    shares = _shares(causes, facts)
    weighed = {}
    for key, cause in causes.items():
        probability = shares[key] * of_resource.get(cause.resource.name, 0.0)
        weighed[key] = concluded_as(cause, probability, facts)
    return weighed


def resource_posteriors(facts: Facts) -> dict[str, float]:
    """How probable it is of each resource that the trouble is its own, whatever did it there."""
    suspects = suspected(facts)
    if not suspects:
        return {}
    found = posteriors(
        suspects, resolved(facts), facts.symptomatic, tolerance=facts.window.bucket_s
    )
    sure = _sure(facts)
    return {name: p * sure for name, p in calibrated(found).items()}


def together(
    measured: dict[str, Cause], found: dict[str, Cause], *, located: bool
) -> dict[str, Cause]:
    """What was measured and what playbooks found, weighed with each other.

    Where what was measured says where the trouble is (`located`), what is found there says how, and
    takes its part of what no change explains; what is found elsewhere shares what that leaves.
    Else, as in a bundle that holds states and logs, what was found goes first, and a resource whose
    trouble it names has none beside it.
    """
    if not found:
        return measured
    if located:
        return _located(measured, found)
    surest = max(c.probability for c in found.values())
    named = {c.resource.name for c in found.values() if c.probability >= LIKELY}
    open_ = {k: c for k, c in measured.items() if c.change or c.resource.name not in named}
    left = {k: _lessened(c, 1.0 - surest) for k, c in open_.items()}
    return left | {k: _judged(c) for k, c in found.items()}


def _located(measured: dict[str, Cause], found: dict[str, Cause]) -> dict[str, Cause]:
    """Causes where the measures say where: all of a resource have together what they had before."""
    weighed = dict(measured)
    of_resource: defaultdict[str, list[str]] = defaultdict(list)
    for key, cause in found.items():
        of_resource[cause.resource.name].append(key)
    strangers = {
        name: max(found[key].probability for key in keys)
        for name, keys in of_resource.items()
        if f"resource {name}" not in measured
    }
    all_of_them = sum(strangers.values())
    beside = max(0.0, 1.0 - sum(c.probability for c in measured.values()))
    for name, keys in of_resource.items():
        own = measured.get(f"resource {name}")
        share = strangers.get(name, 0.0) / all_of_them if all_of_them else 0.0
        left = own.probability if own else _ELSEWHERE * beside * share
        for key in sorted(keys, key=lambda k: (-found[k].probability, k)):
            taken = left * found[key].probability
            weighed[key] = _judged(_where(found[key], taken, own))
            left -= taken
        if own and own.probability:
            weighed[f"resource {name}"] = _lessened(own, left / own.probability)
    return weighed


def _where(cause: Cause, probability: float, own: Cause | None) -> Cause:
    """A finding's cause with the way to the symptom that its resource was measured to have."""
    path, grounded = (own.path, own.grounded) if own else (cause.path, False)
    return replace(cause, probability=probability, path=path, grounded=grounded)


def _lessened(cause: Cause, left: float) -> Cause:
    """A cause with a part of its probability, no longer surer than that says."""
    probability = cause.probability * left
    return replace(cause, probability=probability, status=_lower(cause.status, probability))


def _lower(status: Status, probability: float) -> Status:
    if status == "refuted" or probability < NEGLIGIBLE:
        return "refuted"
    return status if probability >= LIKELY else "weakened"


def _judged(cause: Cause) -> Cause:
    """A finding's cause with its status."""
    explained = cause.mechanism != "unknown"
    return replace(cause, status=_status(cause, cause.probability, explained=explained))


def _sure(facts: Facts) -> float:
    """How sure the survey is to have seen what there was to see."""
    sure = _DARK if facts.unseen else 1.0
    if facts.felt:
        return sure
    return sure * (_REAL if facts.incident.trigger == BY_ITSELF else _REAL_IF_ALARMED)


def suspected(facts: Facts) -> list[Suspect]:
    """Every resource that deviates, by itself or through others, or whose change is implicated."""
    guilty = {c.service for c in facts.changes.values() if c.verdict == "implicated"}
    names = dict.fromkeys([*facts.anomalies, *sorted(guilty)])
    return [_suspect(name, facts) for name in names]


def calibrated(of_resource: Mapping[str, float]) -> dict[str, float]:
    """Posteriors of which the highest says how often such a first cause was right.

    The others, and what is unknown, share what is left as they did; those that tie for the first
    share what it says.
    """
    highest = max((p for name, p in of_resource.items() if name != UNKNOWN), default=0.0)
    first = [name for name, p in of_resource.items() if p == highest and name != UNKNOWN]
    if not 0.0 < highest < 1.0:
        return dict(of_resource)
    told = float(apply(_CALIBRATION, [highest])[0])
    rest = (1.0 - told) / (1.0 - highest * len(first))
    others = {name: p * rest for name, p in of_resource.items()}
    return others | dict.fromkeys(first, told / len(first))


def resolved(facts: Facts) -> Topology:
    """The topology, with a call from each bare address that deviates to who may answer under it.

    Who is called by the address of a balancer, and does not carry the trace on, is seen there only
    by its callers. It may be any of the services that they call, unless that one calls the address
    itself; an address that may be any of many tells nothing.
    """
    topology = facts.topology
    ways = [Edge(name, service) for name in facts.anomalies for service in _beside(name, facts)]
    return Topology([*topology.edges, *topology.placements, *ways]) if ways else topology


def _beside(name: str, facts: Facts) -> list[str]:
    """The services that may answer under a bare address; none if it is no address."""
    topology, is_store = facts.topology, facts.kind(name) not in ("external", "service")
    if not (_HOST.match(name) or _MACHINE.match(name)) or is_store or topology.callees(name):
        return []
    called = {s for caller in topology.callers(name) for s in topology.callees(caller)}
    services = sorted(s for s in called - {name} if topology.callees(s))
    if len(services) > _MOST_BESIDE:
        return []
    return [s for s in services if not topology.reaches(s, name)]


def _suspect(name: str, facts: Facts) -> Suspect:
    """A resource and what speaks for it: the looks' anomalies, and the trial of its changes."""
    implicated = [
        c for c in facts.changes.values() if c.service == name and c.verdict == "implicated"
    ]
    log_odds = max((weight(c.controls) for c in implicated), default=0.0)
    onset, trouble = facts.onset(name), facts.window.trouble
    if onset and trouble:
        onset = max(onset, trouble[0])  # before which most looks see nothing
    return Suspect(
        name=name,
        own=facts.own_nats(name),
        shown=max(map(facts.says, facts.anomalies.get(name, ())), default=0.0),
        onset=onset.timestamp() if onset else None,
        log_odds=log_odds,
        harm=facts.harm(name),
    )


def _shares(causes: dict[str, Cause], facts: Facts) -> dict[str, float]:
    """How a resource's trouble is shared out among its changes, and what no change explains.

    However many changes nothing decides on, they have no more together than one alone; several that
    are implicated share what the surest of them has.
    """
    shares = {key: _share(cause, facts) for key, cause in causes.items() if cause.change}
    for name in {cause.resource.name for cause in causes.values()}:
        of_name = [k for k in shares if causes[k].resource.name == name]
        open_ = [k for k in of_name if facts.changes[causes[k].change].verdict != "implicated"]
        guilty = [k for k in of_name if k not in open_]
        most, whole = max((shares[k] for k in guilty), default=0), sum(shares[k] for k in guilty)
        shares |= {k: shares[k] * most / whole for k in guilty}
        total = sum(shares[k] for k in open_)
        for key in open_:
            shares[key] *= min(1.0, _UNDECIDED / total) if total else 1.0
        left = (1 - sum(shares[k] for k in guilty)) * (1 - sum(shares[k] for k in open_))
        alone = (k for k, c in causes.items() if c.resource.name == name and not c.change)
        shares |= dict.fromkeys(alone, left)
    return shares


def _share(cause: Cause, facts: Facts) -> float:
    """How probable it is that a resource's trouble is this change's doing."""
    change = facts.changes[cause.change]
    if change.verdict == "cleared":
        return _CLEARED
    share = 1 / (1 + math.exp(_COINCIDENCE - weight(change.controls)))
    return share if change.verdict == "implicated" else min(share, _UNDECIDED)


def concluded_as(cause: Cause, probability: float, facts: Facts) -> Cause:
    """The cause with its probability, its status, and how it failed."""
    mechanism = cause.mechanism if cause.change else _mechanism(cause, facts)
    is_known = mechanism not in ("unknown", "resource_exhaustion", "infrastructure")
    explained = is_known and not _MACHINE.match(cause.resource.name)  # whoever answers there
    return replace(
        cause,
        probability=probability,
        status=_status(cause, probability, explained=explained),
        mechanism=mechanism,
    )


def _status(cause: Cause, probability: float, *, explained: bool) -> Status:
    """How sure a cause is; where nothing says how it failed, its place is likely at most."""
    if cause.status == "refuted" or probability < NEGLIGIBLE:
        return "refuted"
    if probability >= CONFIRMED and cause.grounded and (cause.change or explained):
        return "confirmed"
    return "likely" if probability >= LIKELY else "weakened"


def _rises(signal: Signal, name: str) -> bool:
    """Whether more requests come in, to a resource or to all of it."""
    of_it = signal.look == "requests" and signal.resource in (name, ENTRANCE)
    return of_it and signal.indicator == "traffic" and signal.during > signal.before


def _mechanism(cause: Cause, facts: Facts) -> Mechanism:
    """What the signals say of a cause that no change explains."""
    name = cause.resource.name
    if facts.lock_waits(name):
        return "contention"
    if any(_rises(s, name) for s in facts.signals):
        return "traffic"
    if cause.resource.kind == "node":
        return "infrastructure"
    if cause.resource.kind != "service":
        return "dependency"
    return "resource_exhaustion" if facts.saturation(name) else "unknown"
