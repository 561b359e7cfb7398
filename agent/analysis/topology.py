"""Who calls whom, and who runs on what: reach, paths, common dependencies and blast radius.

Names are numbers and neighbours are slices of two arrays (compressed sparse rows), so that walks
take one step of numpy for each call that they go further. Cycles are fine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from agent.state import Relation

Ints = NDArray[np.int64]

MOST_PATHS = 16


@dataclass(frozen=True, slots=True)
class Edge:
    """What one resource has to do with another: calls seen, and how many of them failed.

    `caller` calls `callee`, keeps data in it (`stores`: a database, a cache, a queue), or runs on
    it (`runs_on`: an instance, a node, a zone).
    """

    caller: str
    callee: str
    calls: int = 0
    errors: int = 0
    kind: Relation = "calls"


@dataclass(frozen=True, slots=True)
class Adjacency:
    """The neighbours of each number: of `n` those at `start[n]` to `start[n + 1]` in `others`."""

    start: Ints
    others: Ints

    def of(self, number: int) -> Ints:
        """The neighbours of one."""
        return self.others[self.start[number] : self.start[number + 1]]

    def hops(self, source: int, until: int = -1) -> Ints:
        """How many steps lead from `source` to each number, -1 where none do.

        What lies farther than `until` is not looked at.
        """
        found = np.full(len(self.start) - 1, -1, dtype=np.int64)
        found[source] = distance = 0
        wave = np.array([source])
        while len(wave) and (until < 0 or found[until] < 0):
            distance += 1
            begin, many = self.start[wave], self.start[wave + 1] - self.start[wave]
            inside = np.arange(many.sum()) - np.repeat(many.cumsum() - many, many)
            reached = self.others[np.repeat(begin, many) + inside]
            found[reached[found[reached] < 0]] = distance
            wave = np.flatnonzero(found == distance)
        return found


class Topology:
    """A directed graph of calls, stores counted as called; a name it does not hold has no edges.

    `ordered` is its names by their number; `forward` and `backward` lead from callers to callees
    and back. What runs on what, the `placements`, is kept apart from the calls.
    """

    def __init__(self, edges: Iterable[Edge]) -> None:
        given = tuple(edges)
        self.edges = tuple([edge for edge in given if edge.kind != "runs_on"])
        self.placements = tuple([edge for edge in given if edge.kind == "runs_on"])
        others = [edge for edge in self.edges if edge.caller != edge.callee]
        callers, callees = [edge.caller for edge in others], [edge.callee for edge in others]
        self.names = frozenset({*callers, *callees})
        self.ordered = sorted(self.names)
        self.number = {name: number for number, name in enumerate(self.ordered)}
        of, size = self.number.__getitem__, len(self.ordered)
        a = np.fromiter(map(of, callers), np.int64, len(others))
        b = np.fromiter(map(of, callees), np.int64, len(others))
        self.forward, self.backward = _adjacency(a, b, size), _adjacency(b, a, size)
        self._hosts = _gathered((e.caller, e.callee) for e in self.placements)
        self._residents = _gathered((e.callee, e.caller) for e in self.placements)

    def callees(self, name: str) -> tuple[str, ...]:
        """Whom `name` calls, in the order of their names."""
        return self._beside(self.forward, name)

    def callers(self, name: str) -> tuple[str, ...]:
        """Who calls `name`, in the order of their names."""
        return self._beside(self.backward, name)

    def hosts(self, name: str) -> tuple[str, ...]:
        """What `name` runs on, directly, in the order of their names."""
        return self._hosts.get(name, ())

    def residents(self, host: str) -> tuple[str, ...]:
        """Who runs on `host`, directly, in the order of their names."""
        return self._residents.get(host, ())

    def reaches(self, source: str, target: str) -> bool:
        """Whether calls lead from `source` to `target`; everything reaches itself."""
        if source == target:
            return True
        a, b = self.number.get(source), self.number.get(target)
        return a is not None and b is not None and bool(self.forward.hops(a, until=b)[b] >= 0)

    def distances(self, source: str) -> dict[str, int]:
        """How many calls lead from `source` to each that it reaches; 0 to itself, if it is held."""
        return self._walked(self.forward, source)

    def distances_to(self, target: str) -> dict[str, int]:
        """How many calls lead to `target` from each that reaches it."""
        return self._walked(self.backward, target)

    def dependencies(self, name: str) -> frozenset[str]:
        """All that `name` calls, directly or through others, without itself."""
        return frozenset(self.distances(name)) - {name}

    def blast_radius(self, name: str) -> frozenset[str]:
        """All that call `name`, directly or through others, without itself.

        Of a host, those that run on it and all that call them.
        """
        touched = [name, *self._above(name)]
        found = frozenset(chain(touched, *(self.distances_to(one) for one in touched)))
        return found - {name}

    def shared(self, a: str, b: str) -> frozenset[str]:
        """The dependencies that `a` and `b` have in common."""
        return self.dependencies(a) & self.dependencies(b)

    def paths(self, source: str, target: str, *, most: int = MOST_PATHS) -> list[tuple[str, ...]]:
        """The shortest call paths from `source` to `target`, both included, `most` at most."""
        a, b = self.number.get(source), self.number.get(target)
        if a is None or b is None:
            return [(source,)] if source == target else []
        steps = self.backward.hops(b, until=a)
        paths: list[tuple[int, ...]] = [(a,)]
        for left in range(int(steps[a]) - 1, -1, -1):
            paths = [
                (*path, callee)
                for path in paths
                for callee in self.forward.of(path[-1]).tolist()
                if steps[callee] == left
            ][:most]
        found = paths if steps[a] >= 0 else []
        return [tuple([self.ordered[number] for number in path]) for path in found]

    def _beside(self, adjacency: Adjacency, name: str) -> tuple[str, ...]:
        number = self.number.get(name)
        found = [] if number is None else adjacency.of(number).tolist()
        return tuple([self.ordered[other] for other in found])

    def _walked(self, adjacency: Adjacency, name: str) -> dict[str, int]:
        number = self.number.get(name)
        if number is None:
            return {}
        hops = adjacency.hops(number)
        reached = np.flatnonzero(hops >= 0).tolist()
        return {
            self.ordered[n]: steps for n, steps in zip(reached, hops[reached].tolist(), strict=True)
        }

    def _above(self, host: str) -> list[str]:
        """All that run on a host: the instances of a node, the nodes of a zone and theirs."""
        found, wave = {host: True}, [host]
        while wave:
            wave = [r for name in wave for r in self.residents(name) if r not in found]
            found |= dict.fromkeys(wave, True)
        return [name for name in found if name != host]


def _adjacency(ones: Ints, others: Ints, size: int) -> Adjacency:
    """The neighbours of each number in their order, none twice."""
    pairs = np.sort(ones * size + others)
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    start = np.searchsorted(pairs, np.arange(size + 1) * size)
    return Adjacency(start, pairs % max(size, 1))


def _gathered(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    """The distinct neighbours of each name, sorted; nothing runs on itself."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, other in pairs:
        if name != other:
            found[name].add(other)
    return {name: tuple(sorted(others)) for name, others in found.items()}
