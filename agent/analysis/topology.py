"""Who calls whom: reach, paths, common dependencies and blast radius. Cycles are fine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Neighbours = Mapping[str, tuple[str, ...]]

MOST_PATHS = 16


@dataclass(frozen=True, slots=True)
class Edge:
    """Calls seen from one resource to another, and how many of them failed."""

    caller: str
    callee: str
    calls: int = 0
    errors: int = 0


class Topology:
    """A directed graph of calls; a name it does not hold has no neighbours."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self.edges = tuple(edges)
        self._callees = _neighbours((edge.caller, edge.callee) for edge in self.edges)
        self._callers = _neighbours((edge.callee, edge.caller) for edge in self.edges)
        self.names = frozenset(self._callees) | frozenset(self._callers)

    def callees(self, name: str) -> tuple[str, ...]:
        """Whom `name` calls, in the order of their names."""
        return self._callees.get(name, ())

    def callers(self, name: str) -> tuple[str, ...]:
        """Who calls `name`, in the order of their names."""
        return self._callers.get(name, ())

    def reaches(self, source: str, target: str) -> bool:
        """Whether calls lead from `source` to `target`; everything reaches itself."""
        return source == target or target in self.dependencies(source)

    def dependencies(self, name: str) -> frozenset[str]:
        """All that `name` calls, directly or through others, without itself."""
        return _closure(self._callees, name)

    def blast_radius(self, name: str) -> frozenset[str]:
        """All that call `name`, directly or through others, without itself."""
        return _closure(self._callers, name)

    def shared(self, a: str, b: str) -> frozenset[str]:
        """The dependencies that `a` and `b` have in common."""
        return self.dependencies(a) & self.dependencies(b)

    def paths(self, source: str, target: str, *, most: int = MOST_PATHS) -> list[tuple[str, ...]]:
        """The shortest call paths from `source` to `target`, both included, `most` at most."""
        steps = self._distances_to(target, until=source)
        if source not in steps:
            return []
        paths: list[tuple[str, ...]] = [(source,)]
        for left in range(steps[source] - 1, -1, -1):
            paths = [
                (*path, callee)
                for path in paths
                for callee in self.callees(path[-1])
                if steps.get(callee) == left
            ][:most]
        return paths

    def _distances_to(self, target: str, until: str) -> dict[str, int]:
        """How many calls lead from each resource to `target`, as far out as `until`."""
        steps, wave = {target: 0}, [target]
        while wave and until not in steps:
            distance = steps[wave[0]] + 1
            wave = list({c for name in wave for c in self.callers(name) if c not in steps})
            steps.update(dict.fromkeys(wave, distance))
        return steps


def _neighbours(pairs: Iterable[tuple[str, str]]) -> Neighbours:
    """The distinct neighbours of each name, sorted; a call to oneself is none."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, other in pairs:
        if name != other:
            found[name].add(other)
    return {name: tuple(sorted(others)) for name, others in found.items()}


def _closure(neighbours: Neighbours, name: str) -> frozenset[str]:
    seen, wave = {name}, [name]
    while wave:
        for other in neighbours.get(wave.pop(), ()):
            if other not in seen:
                seen.add(other)
                wave.append(other)
    return frozenset(seen - {name})
