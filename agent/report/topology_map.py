"""A TopologyMap as geometry: boxes and wires placed in an SVG view box, ready for a template."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from agent.report.flags import width
from agent.report.topology_layout import Call, Layout, Slot, lay_out
from agent.report.words import clock, line, listed, number, plural, quantity, shorten
from agent.state import MapEdge, MapNode, NodeState, TopologyMap

STATES: dict[NodeState, str] = {
    "cause": "the cause",
    "path": "on the path",
    "symptom": "shows the symptom",
    "deviates": "deviates too",
    "well": "in its band",
}
_TAGS = {"cause": "✕ CAUSE", "symptom": "SYMPTOM", "deviates": "DEVIATES"}
_LEFTMOST: tuple[NodeState, ...] = ("symptom", "path", "cause", "deviates", "well")  # in a cycle
PHONE = 360.0
"""Pixels that a narrow screen has for the picture; what is wider is scrolled, and says so."""

_PAGE = 832.0
_NARROWEST, _WIDEST = 124.0, 176.0
_APART, _BELOW, _EDGE, _TAG = 46.0, 20.0, 2.0, 9.0
_LINE, _PAD, _BEND = 15.0, 14.0, 10.0
_BOLD = 1.12  # how much wider a name is than a note of as many letters
_HEAD, _ASIDE = 8.0, 9.0  # an arrow's length; how far a call that closes a cycle keeps from others
_JOINTS = "-_/.: "
_PULL = 6  # how much harder the path draws its ends together than another call does

Place = tuple[float, float]  # the left side and the middle


@dataclass(frozen=True, slots=True)
class Box:
    """A resource: where it stands, its lines of text, and what a pointer reads."""

    width: float
    height: float
    state: NodeState
    tag: str
    names: tuple[str, ...]
    notes: tuple[str, ...]
    title: str
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Wire:
    """Calls between two boxes: the line, its arrow head, and what a pointer reads."""

    line: str
    head: str
    on_path: bool
    title: str


@dataclass(frozen=True, slots=True)
class MapDrawing:
    """Everything an SVG template prints, in CSS pixels; the path's wires lie on top."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]


def draw(drawn: TopologyMap) -> MapDrawing:
    """Place `drawn` with callers left of callees, and what no call connects below in rows."""
    nodes = {n.name: n for n in sorted(drawn.nodes, key=lambda n: _LEFTMOST.index(n.state))}
    edges = {(e.caller, e.callee): e for e in drawn.edges if {e.caller, e.callee} <= nodes.keys()}
    joined = {name for caller, callee in edges if caller != callee for name in (caller, callee)}
    layout = lay_out([name for name in nodes if name in joined], list(edges))
    wide = _box_width(len(layout.columns))
    boxes = {n.name: _box(n, wide, again=(n.name, n.name) in edges) for n in nodes.values()}
    places = _places(layout, boxes, wide, {call for call, e in edges.items() if e.on_path})
    places |= _rows({n: box for n, box in boxes.items() if n not in joined}, _below(places, boxes))
    placed = [_placed(box, places[name]) for name, box in boxes.items()]
    return MapDrawing(
        width=max((box.x + box.width for box in placed), default=0.0) + _EDGE,
        height=max(
            [box.y + box.height for box in placed] + [y + _ASIDE for _, y in places.values()],
            default=0.0,
        )
        + _EDGE,
        boxes=tuple(placed),
        wires=tuple(
            _wire(edges[call], [places[slot] for slot in slots], wide)
            for call, slots in sorted(layout.routes.items(), key=lambda r: edges[r[0]].on_path)
        ),
    )


def called(edge: MapEdge) -> str:
    """How often and how badly: `266 calls, 61.7 % failed`."""
    share = f", {number(100 * edge.failed / edge.calls)} % failed" if edge.failed else ""
    return f"{plural(edge.calls, 'call')}{share}"


def slowed(edge: MapEdge) -> str:
    """The p95 before and during: `9.3 ms → 3 s`; what is not known is left out."""
    known = [v for v in (edge.p95_before_ms, edge.p95_ms) if v is not None]
    return " → ".join(quantity(value, "ms") for value in known)


def fared(node: MapNode) -> str:
    """A resource's state in words: `the cause: own failures from 23:43:39`."""
    return ": ".join(filter(None, [STATES[node.state], " ".join(_deviation(node))]))


def rest(drawn: TopologyMap) -> str:
    """What the map leaves out: `9,954 in their band are not drawn`."""
    counts = ((drawn.others_deviating, "that deviate too"), (drawn.others_well, "in their band"))
    told = [f"{count:,} {words}" for count, words in counts if count]
    return f"{listed(told)} are not drawn" if told else ""


def _box_width(columns: int) -> float:
    """As wide as the page lets it be; past five columns the picture is wider than the page."""
    free = (_PAGE - 2 * _EDGE + _APART) / max(columns, 4) - _APART
    return round(min(max(free, _NARROWEST), _WIDEST), 1)


def _box(node: MapNode, wide: float, *, again: bool) -> Box:
    """The box of a resource, not placed yet; `again` says that it calls itself."""
    room = wide - _PAD
    names = _named(line(node.name), room / _BOLD)
    itself = ["↻ calls itself"] if again else []
    plain = node.state == "well" and node.kind in {"service", "unknown"}
    kind = [node.kind] if node.state == "well" and not plain else []
    notes = [_fitted(note, room) for note in (*kind, *_deviation(node), *itself)]
    return Box(
        width=wide,
        height=_PAD + _LINE * (len(names) + len(notes)),
        state=node.state,
        tag=_TAGS.get(node.state, ""),
        names=names,
        notes=tuple(notes),
        title=" · ".join([line(node.name), node.kind, fared(node), *itself]),
    )


def _deviation(node: MapNode) -> list[str]:
    """What deviated first, and since when."""
    since = f"from {clock(node.onset)}" if node.onset else ""
    return [part for part in (line(node.text), since) if part]


def _named(name: str, room: float) -> tuple[str, ...]:
    """A name on one line or two, broken where it has a joint."""
    most = _fitting(name, room)
    if most == len(name):
        return (name,)
    joints = [at for at, char in enumerate(name[:most], 1) if char in _JOINTS and at > most / 3]
    end = min(joints or [most], key=lambda at: max(at, len(name) - at))
    return name[:end], _fitted(name[end:], room)


def _fitted(text: str, room: float) -> str:
    """`text` cut to what `room` pixels hold."""
    return shorten(text, _fitting(text, room))


def _fitting(text: str, room: float) -> int:
    """How many characters of `text` fit into `room` pixels, never none."""
    return next((n for n in range(len(text), 1, -1) if width(text[:n]) <= room), 1)


def _places(
    layout: Layout, boxes: Mapping[str, Box], wide: float, path: Container[Call]
) -> dict[Slot, Place]:
    """Where every slot lies, columns drawn towards their neighbours and those of `path` hardest."""
    sizes = {
        slot: boxes[slot].height + _BELOW if isinstance(slot, str) else _BEND
        for column in layout.columns
        for slot in column
    }
    near: dict[Slot, list[Slot]] = {slot: [] for slot in sizes}
    for call, slots in layout.routes.items():
        for one, other in pairwise(slots):
            near[one] += [other] * (_PULL if call in path else 1)
            near[other] += [one] * (_PULL if call in path else 1)
    y = dict.fromkeys(sizes, 0.0)
    for columns in (layout.columns, layout.columns[::-1], layout.columns):
        beside: Sequence[Slot] = ()
        for column in columns:
            pulls = [[y[n] for n in near[slot] if n in beside] or [y[slot]] for slot in column]
            wanted = [sum(pull) / len(pull) for pull in pulls]
            y.update(zip(column, _apart(wanted, [sizes[s] for s in column]), strict=True))
            beside = column
    top = min((y[slot] - sizes[slot] / 2 for slot in y), default=0.0) + _BELOW / 2 - _TAG
    return {
        slot: (_EDGE + index * (wide + _APART), y[slot] - top)
        for index, column in enumerate(layout.columns)
        for slot in column
    }


def _apart(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Places near the wanted ones, in their order, that keep their distance."""
    found: list[float] = []
    floor = float("-inf")
    for middle, size in zip(wanted, sizes, strict=True):
        found.append(max(middle, floor + size / 2))
        floor = found[-1] + size / 2
    back = sum(a - b for a, b in zip(found, wanted, strict=True)) / len(found)
    return [place - back for place in found]


def _below(places: Mapping[Slot, Place], boxes: Mapping[str, Box]) -> float:
    """Where the next row of boxes begins."""
    ends = [places[name][1] + box.height / 2 for name, box in boxes.items() if name in places]
    return max(ends) + _BELOW if ends else _TAG


def _rows(boxes: Mapping[str, Box], top: float) -> dict[Slot, Place]:
    """Places for what no call connects, side by side in rows from `top` on."""
    places: dict[Slot, Place] = {}
    left, tallest = _EDGE, 0.0
    for name, box in boxes.items():
        if left + box.width > _PAGE:
            left, top, tallest = _EDGE, top + tallest + _BELOW, 0.0
        places[name] = left, top + box.height / 2
        left, tallest = left + box.width + _APART, max(tallest, box.height)
    return places


def _placed(box: Box, place: Place) -> Box:
    return replace(box, x=round(place[0], 1), y=round(place[1] - box.height / 2, 1))


def _wire(edge: MapEdge, places: Sequence[Place], wide: float) -> Wire:
    """A line from caller to callee; on the path its arrow points back at the caller."""
    rightward = places[0][0] < places[-1][0]
    out, into = (wide, 0.0) if rightward else (0.0, wide)
    way = 1 if rightward else -1
    aside = 0.0 if rightward else _ASIDE
    ends = [
        (left + side, middle + aside)
        for one, other in pairwise(places)
        for (left, middle), side in ((one, out), (other, into))
    ]
    at, pointing = (0, -way) if edge.on_path else (-1, way)
    tip = ends[at]
    ends[at] = tip[0] - pointing * (_HEAD - 1), tip[1]
    p95 = slowed(edge)
    told = [f"{line(edge.caller)} calls {line(edge.callee)}", called(edge)]
    return Wire(
        line=" ".join(_curves(ends)),
        head=f"M{tip[0]:.1f} {tip[1]:.1f}l{-pointing * _HEAD:.0f} -5v10z",
        on_path=edge.on_path,
        title=" · ".join([*told, f"p95 {p95}"] if p95 else told),
    )


def _curves(ends: Sequence[Place]) -> Iterator[str]:
    """From box to box by curves, straight where a column is passed."""
    yield f"M{ends[0][0]:.1f} {ends[0][1]:.1f}"
    for index, ((x, y), (to, down)) in enumerate(pairwise(ends)):
        half = (x + to) / 2
        yield (
            f"L{to:.1f} {down:.1f}"
            if index % 2
            else f"C{half:.1f} {y:.1f} {half:.1f} {down:.1f} {to:.1f} {down:.1f}"
        )
