"""Which ill object explains which other: by the references between the objects of a cluster.

An object's trouble may come from what it needs, or from what it is made of: a pod's from its node,
its claim or its config map, a deployment's from its pods, a secret's from whoever writes it. What
is deeper explains what is not: a root a proximate cause, and that a symptom. A pod is explained by
its makers too, but never by its siblings.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

DEPTH: Mapping[str, int] = {"symptom": 0, "proximate": 1, "root": 2}
MOST_HOPS = 8
_BACK = frozenset({"creates", "grants to", "owned by"})
"""Relations whose target is explained by their source."""
_WIDE = frozenset({"owns", "selects", "manages"})
"""Relations from one to many; who came up from one of them goes down no such again."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A reference as the relation `refs` tells it, both objects as `Kind/namespace/name`."""

    source: str
    relation: str
    target: str


@dataclass(frozen=True, slots=True)
class Ill:
    """An object found ill: by which playbook, how deep it lies (`DEPTH`), how sure (0 to 1).

    `explains` names playbooks whose findings on connected objects are its doing, whatever role.
    """

    object: str
    role: str
    certainty: float = 0.5
    playbook: str = ""
    explains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """From an ill object to the one that explains it; without edges if it is the same object."""

    edges: tuple[Edge, ...]
    end: Ill


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walk stands: the edges so far, whether it went up to a maker, and only that."""

    object: str
    edges: tuple[Edge, ...] = ()
    is_up: bool = False


def explained(edges: Iterable[Edge], ills: Iterable[Ill]) -> dict[Ill, Chain]:
    """The chain from each ill object to the deepest that explains it; of those unexplained, none.

    Of the objects in reach the deepest is taken, then the nearest, then the surest. Cycles end.
    """
    near = _neighbours(edges)
    by_object: dict[str, list[Ill]] = defaultdict(list)
    for ill in sorted(set(ills), key=lambda one: (one.object, one.playbook, one.role)):
        by_object[ill.object].append(ill)
    steps: dict[Ill, Chain] = {}
    for found, group in by_object.items():
        places = [one for one in _walk(found, near) if one.object in by_object]
        for ill in group:
            if step := _best(ill, places, by_object):
                steps[ill] = step
    kept = _without_circles(steps)
    return {ill: _to_the_end(ill, kept) for ill in kept}


def _neighbours(edges: Iterable[Edge]) -> dict[str, list[Edge]]:
    """From each object to what may explain it; the way up to a maker is `owned by`."""
    near: dict[str, list[Edge]] = defaultdict(list)
    for edge in sorted(set(edges), key=lambda e: (e.source, e.relation, e.target)):
        is_back = edge.relation in _BACK or edge.source.startswith("NetworkPolicy/")
        near[edge.target if is_back else edge.source].append(edge)
        if edge.relation == "owns":
            near[edge.target].append(Edge(edge.target, "owned by", edge.source))
    return near


def _walk(start: str, near: Mapping[str, list[Edge]]) -> Iterator[_Place]:
    """The places in reach, the nearest first, the start among them."""
    seen = {start}
    waiting = deque([_Place(start)])
    while waiting:
        at = waiting.popleft()
        yield at
        for edge in near.get(at.object, ()) if len(at.edges) < MOST_HOPS else ():
            other = edge.target if edge.source == at.object else edge.source
            is_up = edge.relation == "owned by"
            if other in seen or (at.is_up and edge.relation in _WIDE):
                continue
            if is_up and at.edges and not at.is_up:
                continue
            seen.add(other)
            waiting.append(_Place(other, (*at.edges, edge), is_up or at.is_up))


def _best(ill: Ill, places: Iterable[_Place], by_object: Mapping[str, list[Ill]]) -> Chain | None:
    ranked = [
        ((DEPTH[other.role], -len(at.edges), other.certainty, other.playbook), at, other)
        for at in places
        for other in by_object[at.object]
        if _explains(other, ill, at)
    ]
    if not ranked:
        return None
    _, at, other = max(ranked, key=lambda one: one[0])
    return Chain(at.edges, other)


def _explains(other: Ill, ill: Ill, at: _Place) -> bool:
    """Whether one in reach is deeper; of the same depth, if it is needed and not the maker."""
    if other == ill:
        return False
    if ill.playbook in other.explains:
        return True
    if DEPTH[other.role] != DEPTH[ill.role]:
        return DEPTH[other.role] > DEPTH[ill.role]
    return ill.role != "root" and bool(at.edges) and not at.is_up


def _without_circles(steps: Mapping[Ill, Chain]) -> dict[Ill, Chain]:
    """The steps, but for that of the deepest and surest in each circle: nothing explains it."""
    kept = dict(steps)
    for start in steps:
        seen = [start]
        while (step := kept.get(seen[-1])) and step.end not in seen:
            seen.append(step.end)
        if step:
            circle = seen[seen.index(step.end) :]
            del kept[max(circle, key=lambda o: (DEPTH[o.role], o.certainty, o.object, o.playbook))]
    return kept


def _to_the_end(ill: Ill, steps: Mapping[Ill, Chain]) -> Chain:
    """The steps from one that is explained to what nothing explains."""
    edges: list[Edge] = []
    while step := steps.get(ill):
        edges += step.edges
        ill = step.end
    return Chain(tuple(edges), ill)
