"""The map of a report: the way the trouble spread, what is next to it, and a count of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from agent.nodes.facts import Facts
from agent.nodes.survey.requests import ENTRANCE
from agent.state import Cause, MapEdge, MapNode, NodeState, Signal, TopologyMap
from agent.tools.notebook import Answer

_MOST = 20  # resources that a reader takes in at once

States = dict[str, NodeState]


def topology_map(facts: Facts, cause: Cause | None, edges: Answer) -> TopologyMap | None:
    """Who calls whom, from the answer to `edges`; None where no resource was seen at all."""
    states = _states(facts, cause)
    if not states:
        return None
    drawn = _drawn(states, facts)
    rest = Counter(states[name] for name in states.keys() - set(drawn))
    first = {name: _first(name, facts) for name in drawn if states[name] != "well"}
    return TopologyMap(
        nodes=tuple(_node(name, states[name], first.get(name), facts) for name in drawn),
        edges=tuple(_edges(edges.df, drawn, facts, cause)),
        evidence=tuple(dict.fromkeys([edges.id, *(s.evidence for s in first.values() if s)])),
        others_deviating=rest.total() - rest["well"],
        others_well=rest["well"],
    )


def _states(facts: Facts, cause: Cause | None) -> States:
    """How every resource fared, those that matter most first."""
    seen = (*facts.signals, *facts.elsewhere)
    path = [name for hop in (cause.path if cause else ()) for name in (hop.source, hop.target)]
    named: dict[NodeState, list[str]] = {
        "cause": [_place(cause)] if cause else [],
        "symptom": [name for name in facts.symptomatic if _bad(name, facts)],
        "path": path,
        "deviates": [name for name in dict.fromkeys(s.resource for s in seen) if _bad(name, facts)],
        "well": sorted(facts.services | facts.topology.names),
    }
    states: States = {}
    for state, names in named.items():
        for name in names:
            states.setdefault(name, state)
    first = dict.fromkeys([*named["cause"], *path, *states])
    return {name: states[name] for name in first if name != ENTRANCE}


def _place(cause: Cause) -> str:
    """Where a cause stands: as the object that its way begins with, or as its resource."""
    begins = {hop.source for hop in cause.path[:1]}
    return cause.object if cause.object in begins else cause.resource.name


def _bad(name: str, facts: Facts) -> list[Signal]:
    """What users would mind of a resource, the first that was seen first."""
    others = (s for s in (*facts.symptom, *facts.elsewhere) if s.resource == name)
    return sorted((*facts.of(name), *others), key=lambda s: (s.onset, not s.own, -abs(s.effect)))


def _drawn(states: States, facts: Facts) -> list[str]:
    """All where they are few, else the path, what deviates and the path's neighbours."""
    if len(states) <= _MOST:
        return list(states)
    calls: Counter[str] = Counter()
    for call in facts.calls:
        calls[call.caller] += call.calls
        calls[call.callee] += call.calls
    ill = [name for name, state in states.items() if state != "well"]
    path = [name for name in ill if states[name] != "deviates"]
    near = {n for p in path for n in (*facts.topology.callers(p), *facts.topology.callees(p))}
    well = sorted(
        (n for n in (near if ill else states) if states[n] == "well"), key=lambda n: (-calls[n], n)
    )
    return [*ill, *well][:_MOST]


def _first(name: str, facts: Facts) -> Signal | None:
    """What of a resource deviated first, as users see it or else as it says itself."""
    return next(iter(_bad(name, facts) or facts.saturation(name)), None)


def _node(name: str, state: NodeState, first: Signal | None, facts: Facts) -> MapNode:
    node = MapNode(name, facts.kind(name), state)
    return replace(node, text=first.subject, onset=first.onset) if first else node


def _edges(
    frame: pd.DataFrame, drawn: list[str], facts: Facts, cause: Cause | None
) -> Iterator[MapEdge]:
    """The calls among what is drawn, told apart before and during the incident."""
    incident, window = facts.incident, facts.window
    begun = window.bucket(incident.started_at) if incident.started_at else 0
    ended = window.bucket(incident.ended_at or window.end)
    path = _path(cause, facts) if cause else set()
    frame = frame[frame["caller"].isin(drawn) & frame["callee"].isin(drawn)]
    for (caller, callee), rows in frame.groupby(["caller", "callee"], sort=True):
        before = rows[rows["bucket"] < begun]
        during = rows[(rows["bucket"] >= begun) & (rows["bucket"] <= ended)]
        yield MapEdge(
            caller=str(caller),
            callee=str(callee),
            calls=int(during["calls"].sum()),
            failed=int(during["failed"].sum()),
            p95_ms=_median_ms(during["p95_ns"]),
            p95_before_ms=_median_ms(before["p95_ns"]),
            on_path=(caller, callee) in path,
        )


def _path(cause: Cause, facts: Facts) -> set[tuple[str, str]]:
    """The calls by which trouble spread from the cause, each as caller and callee.

    Besides the hops of the path, those of callers that deviated no sooner than their callee.
    """
    path = {(hop.target, hop.source) for hop in cause.path}
    reached = [cause.resource.name, *(hop.target for hop in cause.path)]
    for callee in reached:
        for caller in facts.topology.callers(callee):
            if (caller, callee) in path or _spread(callee, caller, facts):
                path.add((caller, callee))
                reached += [caller] if caller not in reached else []
    return path


def _spread(callee: str, caller: str, facts: Facts) -> bool:
    first, then = _bad(callee, facts)[:1], _bad(caller, facts)[:1]
    return bool(first and then) and first[0].onset <= then[0].onset + facts.slack


def _median_ms(durations: pd.Series[int]) -> float | None:
    known = durations.dropna()
    return None if known.empty else round(float(known.median()) / 1e6, 3)
