"""The critical path of a trace: of each moment of it, the one span that everybody waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Timed:
    """A span's id, that of its parent ("" for none), and from when to when it ran in ns."""

    uid: str
    parent: str
    start: int
    end: int


def critical(spans: Iterable[Timed]) -> dict[str, list[Stretch]]:
    """When each span is on the critical path with work of its own; stretches do not overlap.

    From the end backwards: a span waits for the child that ends last, before that for the one that
    ended last before it began, and so on; what no child covers is its own. A span whose parent is
    missing, or that is its own forefather, is a root.
    """
    known = {span.uid: span for span in spans}
    above = _without_rings(
        {uid: span.parent if span.parent in known else "" for uid, span in known.items()}
    )
    children: Mapping[str, list[Timed]] = _by_parent(known, above)
    if not known:
        return {}
    start = min(span.start for span in known.values())
    end = max(span.end for span in known.values())
    found: dict[str, list[Stretch]] = defaultdict(list)
    waiting = [(Timed("", "", start, end), start, end)]
    while waiting:
        one, since, at = waiting.pop()
        for child in children.get(one.uid, ()):
            begun, ended = max(child.start, since), min(child.end, at)
            if begun >= ended:
                continue
            if one.uid and ended < at:
                found[one.uid].append((ended, at))
            waiting.append((child, begun, ended))
            at = begun
        if one.uid and since < at:
            found[one.uid].append((since, at))
    return dict(found)


def _without_rings(above: dict[str, str]) -> dict[str, str]:
    """The same parents, with one span of each ring of forefathers made a root."""
    roots = dict(above)
    passed: set[str] = set()
    for uid in above:
        line, at = set[str](), uid
        while at and at not in passed:
            passed.add(at)
            line.add(at)
            at = above[at]
        if at in line:
            roots[at] = ""
    return roots


def _by_parent(known: Mapping[str, Timed], above: Mapping[str, str]) -> dict[str, list[Timed]]:
    """The children of each span, the one that ends last first."""
    found: dict[str, list[Timed]] = defaultdict(list)
    for uid, span in known.items():
        found[above[uid]].append(span)
    for some in found.values():
        some.sort(key=lambda span: (-span.end, -span.start, span.uid))
    return found
