"""A TopologyMap as geometry: boxes and wires placed in an SVG view box, ready for a template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from agent.report.flags import width
from agent.report.topology_layout import Layout, Slot, lay_out
from agent.report.words import clock, line, listed, number, quantity, shorten
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
_PAGE = 832.0
_NARROWEST, _WIDEST = 124.0, 176.0
_APART, _BELOW, _EDGE, _TAG = 46.0, 20.0, 2.0, 9.0
_LINE, _PAD, _BEND = 15.0, 14.0, 2.0
_HEAD, _ASIDE = 8.0, 9.0  # an arrow's length; how far a call that closes a cycle keeps from others


@dataclass(frozen=True, slots=True)
class Box:
    """A resource: where it stands, its lines of text, and what a pointer reads."""

    x: float
    y: float
    width: float
    height: float
    state: NodeState
    tag: str
    lines: tuple[str, ...]
    title: str


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
    nodes = {node.name: node for node in sorted(drawn.nodes, key=_from_left)}
    edges = {(e.caller, e.callee): e for e in drawn.edges if {e.caller, e.callee} <= nodes.keys()}
    joined = {name for caller, callee in edges if caller != callee for name in (caller, callee)}
    layout = lay_out([name for name in nodes if name in joined], list(edges))
    wide = _box_width(len(layout.columns))
    places = _places(layout, nodes, wide)
    lowest = max(
        (y + _height(nodes[n]) / 2 for n, (_, y) in places.items() if n in nodes), default=0
    )
    places |= _rows([node for name, node in nodes.items() if name not in joined], lowest, wide)
    again = {caller for caller, callee in edges if caller == callee}
    boxes = [_box(n, *places[n.name], wide, again=n.name in again) for n in nodes.values()]
    return MapDrawing(
        width=max((box.x + box.width for box in boxes), default=0.0) + _EDGE,
        height=max((box.y + box.height for box in boxes), default=0.0) + _EDGE,
        boxes=tuple(boxes),
        wires=tuple(
            _wire(edges[call], [places[slot] for slot in slots], wide)
            for call, slots in sorted(layout.routes.items(), key=lambda r: edges[r[0]].on_path)
        ),
    )


def called(edge: MapEdge) -> str:
    """How often and how badly: `266 calls, 61.7 % failed`."""
    share = f", {number(100 * edge.failed / edge.calls)} % failed" if edge.failed else ""
    return f"{edge.calls:,} {'call' if edge.calls == 1 else 'calls'}{share}"


def slowed(edge: MapEdge) -> str:
    """The p95 before and during: `9.3 ms → 3 s`; what is not known is left out."""
    known = [v for v in (edge.p95_before_ms, edge.p95_ms) if v is not None]
    return " → ".join(quantity(value, "ms") for value in known)


def fared(node: MapNode) -> str:
    """A resource's state in words: `the cause: own failures from 23:43:39`."""
    return f"{STATES[node.state]}{f': {text}' if (text := ' '.join(_noted(node))) else ''}"


def rest(drawn: TopologyMap) -> str:
    """What the map leaves out: `3 that deviate too and 9,954 in their band are not drawn`."""
    counts = ((drawn.others_deviating, "that deviate too"), (drawn.others_well, "in their band"))
    told = [f"{count:,} {words}" for count, words in counts if count]
    return f"{listed(told)} are not drawn" if told else ""


def _from_left(node: MapNode) -> int:
    return _LEFTMOST.index(node.state)


def _box_width(columns: int) -> float:
    """As wide as the page lets it be; past five columns the picture is wider than the page."""
    free = (_PAGE - 2 * _EDGE + _APART) / max(columns, 4) - _APART
    return min(max(free, _NARROWEST), _WIDEST)


def _height(node: MapNode) -> float:
    return _PAD + _LINE * (1 + len(_notes(node)))


def _noted(node: MapNode) -> list[str]:
    """What deviated first, and since when."""
    return [
        *filter(None, [line(node.text)]),
        *([f"from {clock(node.onset)}"] if node.onset else []),
    ]


def _notes(node: MapNode) -> list[str]:
    """The lines under the name."""
    plain = node.kind in {"service", "unknown"}
    return _noted(node) if node.state != "well" else [] if plain else [node.kind]


def _places(
    layout: Layout, nodes: Mapping[str, MapNode], wide: float
) -> dict[Slot, tuple[float, float]]:
    """The left side and the middle of every slot, columns drawn towards their neighbours."""
    sizes = {
        slot: _height(nodes[slot]) if isinstance(slot, str) else _BEND
        for column in layout.columns
        for slot in column
    }
    pairs = [pair for slots in layout.routes.values() for pair in pairwise(slots)]
    near: dict[Slot, set[Slot]] = {slot: set() for slot in sizes}
    for one, other in pairs:
        near[one].add(other)
        near[other].add(one)
    y = dict.fromkeys(sizes, 0.0)
    for columns in (layout.columns, layout.columns[::-1], layout.columns):
        beside: Sequence[Slot] = ()
        for column in columns:
            wanted = [
                sum(y[n] for n in known) / len(known)
                if (known := near[slot] & set(beside))
                else y[slot]
                for slot in column
            ]
            y.update(zip(column, _apart(wanted, [sizes[s] for s in column]), strict=True))
            beside = column
    top = min((y[slot] - sizes[slot] / 2 for slot in y), default=0.0) - _TAG - _EDGE
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
        floor = found[-1] + size / 2 + _BELOW
    back = sum(a - b for a, b in zip(found, wanted, strict=True)) / len(found)
    return [place - back for place in found]


def _rows(nodes: Sequence[MapNode], lowest: float, wide: float) -> dict[Slot, tuple[float, float]]:
    """Places for what no call connects, side by side under everything else."""
    pitch = wide + _APART
    most = int((_PAGE - 2 * _EDGE + _APART) // pitch)
    places: dict[Slot, tuple[float, float]] = {}
    for start in range(0, len(nodes), most):
        row = nodes[start : start + most]
        tall = max(map(_height, row))
        middle = lowest + (_BELOW if lowest else _TAG + _EDGE) + tall / 2
        places |= {node.name: (_EDGE + i * pitch, middle) for i, node in enumerate(row)}
        lowest = middle + tall / 2
    return places


def _box(node: MapNode, x: float, middle: float, wide: float, *, again: bool) -> Box:
    tall = _height(node)
    room = wide - _PAD
    name = _fitted(node.name, room - (14 if again else 0), 12.5)
    return Box(
        x=round(x, 1),
        y=round(middle - tall / 2, 1),
        width=round(wide, 1),
        height=tall,
        state=node.state,
        tag=_TAGS.get(node.state, ""),
        lines=(f"{name} ↻" if again else name, *(_fitted(note, room, 11) for note in _notes(node))),
        title=" · ".join(
            [line(node.name), node.kind, fared(node), *(["calls itself"] if again else [])]
        ),
    )


def _fitted(text: str, room: float, size: float) -> str:
    """`text` cut to what `room` pixels hold."""
    most = next((n for n in range(len(text), 0, -1) if width(text[:n]) * size / 11 <= room), 1)
    return shorten(text, most)


def _wire(edge: MapEdge, places: Sequence[tuple[float, float]], wide: float) -> Wire:
    """A line from caller to callee; on the path its arrow points back at the caller."""
    rightward = places[0][0] < places[-1][0]
    out, into = (wide, 0.0) if rightward else (0.0, wide)
    way = 1 if rightward else -1
    aside = 0.0 if rightward else _ASIDE
    ends = [
        (left + side, middle + aside)
        for (a, ya), (b, yb) in pairwise(places)
        for left, side, middle in ((a, out, ya), (b, into, yb))
    ]
    tip = ends[0] if edge.on_path else ends[-1]
    pointing = -way if edge.on_path else way
    short = (tip[0] - pointing * (_HEAD - 1), tip[1])
    ends[0 if edge.on_path else -1] = short
    told = " · ".join(filter(None, [called(edge), f"p95 {p95}" if (p95 := slowed(edge)) else ""]))
    return Wire(
        line=" ".join(_curves(ends)),
        head=_arrow(tip, pointing),
        on_path=edge.on_path,
        title=f"{line(edge.caller)} calls {line(edge.callee)} · {told}",
    )


def _curves(ends: Sequence[tuple[float, float]]) -> Iterator[str]:
    """From box to box by curves, straight where a column is passed."""
    yield f"M{ends[0][0]:.1f} {ends[0][1]:.1f}"
    for index, ((x, y), (to, down)) in enumerate(pairwise(ends)):
        half = (x + to) / 2
        yield (
            f"L{to:.1f} {down:.1f}"
            if index % 2
            else f"C{half:.1f} {y:.1f} {half:.1f} {down:.1f} {to:.1f} {down:.1f}"
        )


def _arrow(tip: tuple[float, float], way: int) -> str:
    return f"M{tip[0]:.1f} {tip[1]:.1f}l{-way * _HEAD:.0f} -5v10z"
