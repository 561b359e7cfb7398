"""A layered layout of calls: callers left of callees, few crossings, cycles and all.

Sugiyama's method, small: longest-path layers, bends where a call passes a layer, barycentre sweeps.
The libraries that do it are GPL (grandalf, igraph) or abort the process at a call to oneself
(fast-sugiyama).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_SWEEPS = 8

Call = tuple[str, str]
Bend = tuple[Call, int]
Slot = str | Bend  # what takes a place in a column: a node, or a call on its way past
Neighbours = Mapping[Slot, list[Slot]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of slots from left to right, and the slots that each call runs through.

    A call that closes a cycle runs from right to left; calls to oneself are not laid out.
    """

    columns: tuple[tuple[Slot, ...], ...]
    routes: dict[Call, tuple[Slot, ...]]


def lay_out(names: Sequence[str], calls: Sequence[Call]) -> Layout:
    """Place `names`; where all call each other, the first of them is leftmost."""
    others = sorted({call for call in calls if call[0] != call[1]})
    closing = _closing(names, others)
    forward = sorted({(b, a) if (a, b) in closing else (a, b) for a, b in others})
    layer = _layers(names, forward)
    chains = {call: _chain(call, layer) for call in forward}
    columns: list[list[Slot]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in names:
        columns[layer[name]].append(name)
    for (caller, _), slots in chains.items():
        for step, bend in enumerate(slots[1:-1], layer[caller] + 1):
            columns[step].append(bend)
    return Layout(
        columns=_untangled(columns, list(chains.values())),
        routes={
            (a, b): chains[b, a][::-1] if (a, b) in closing else chains[a, b] for a, b in others
        },
    )


def _closing(names: Sequence[str], calls: Sequence[Call]) -> set[Call]:
    """The calls that close a cycle, walking from those whom nobody calls."""
    callees = _beside(calls)
    called = {callee for _, callee in calls}
    done: set[str] = set()
    closing: set[Call] = set()
    for root in sorted(names, key=lambda name: name in called):
        way = [(root, iter(callees[root]))] if root not in done else []
        done.add(root)
        while way:
            name, left = way[-1]
            callee = next(left, None)
            if callee is None:
                way.pop()
            elif callee in {on_way for on_way, _ in way}:
                closing.add((name, callee))
            elif callee not in done:
                done.add(callee)
                way.append((callee, iter(callees[callee])))
    return closing


def _beside(calls: Sequence[Call]) -> defaultdict[str, list[str]]:
    callees: defaultdict[str, list[str]] = defaultdict(list)
    for caller, callee in calls:
        callees[caller].append(callee)
    return callees


def _layers(names: Sequence[str], forward: Sequence[Call]) -> dict[str, int]:
    """The longest way to each name from one that nobody calls; `forward` has no cycle."""
    layer = dict.fromkeys(names, 0)
    for _ in names:
        for caller, callee in forward:
            layer[callee] = max(layer[callee], layer[caller] + 1)
    return layer


def _chain(call: Call, layer: Mapping[str, int]) -> tuple[Slot, ...]:
    steps = range(layer[call[0]] + 1, layer[call[1]])
    return (call[0], *((call, step) for step in steps), call[1])


def _untangled(
    columns: Sequence[Sequence[Slot]], chains: Sequence[Sequence[Slot]]
) -> tuple[tuple[Slot, ...], ...]:
    """The order with the fewest crossings that sweeps to and fro come by."""
    left: defaultdict[Slot, list[Slot]] = defaultdict(list)
    right: defaultdict[Slot, list[Slot]] = defaultdict(list)
    for one, other in (pair for slots in chains for pair in pairwise(slots)):
        right[one].append(other)
        left[other].append(one)
    best = current = [list(column) for column in columns]
    fewest = _crossings(best, right)
    for sweep in range(_SWEEPS):
        current = _swept(current, left) if sweep % 2 == 0 else _swept(current[::-1], right)[::-1]
        if (count := _crossings(current, right)) < fewest:
            best, fewest = current, count
    return tuple(map(tuple, best))


def _swept(columns: list[list[Slot]], neighbours: Neighbours) -> list[list[Slot]]:
    """Each column in turn, ordered by the mean place of its neighbours in the one before."""
    swept = columns[:1]
    for column in columns[1:]:
        place = {slot: index for index, slot in enumerate(swept[-1])}
        mean = {}
        for index, slot in enumerate(column):
            known = [place[n] for n in neighbours[slot]]
            mean[slot] = sum(known) / len(known) if known else float(index)
        swept.append(sorted(column, key=mean.__getitem__))
    return swept


def _crossings(columns: Sequence[Sequence[Slot]], right: Neighbours) -> int:
    return sum(_crossed(a, b, right) for a, b in pairwise(columns))


def _crossed(one: Sequence[Slot], other: Sequence[Slot], right: Neighbours) -> int:
    place = {slot: index for index, slot in enumerate(other)}
    ends = [sorted(place[n] for n in right[slot]) for slot in one]
    passed: list[int] = []
    count = 0
    for run in ends:
        count += sum(before > end for end in run for before in passed)
        passed += run
    return count
