"""The map: whatever calls whom, every resource is drawn once, inside the picture, and readable."""

import re
from dataclasses import replace
from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.report.html import html
from agent.report.topology_layout import lay_out
from agent.report.topology_map import Box, MapDrawing, called, draw, fared, rest, slowed
from agent.state import MapEdge, MapNode, NodeState, TopologyMap
from tests.agent.report import samples
from tests.agent.report.markup import Page

NAMES = [f"service-{number}" for number in range(12)]
calls = st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=40)
states = st.sampled_from(["cause", "path", "symptom", "deviates", "well"])
texts = st.text(max_size=60)
nodes = st.builds(
    MapNode,
    name=texts,
    kind=st.sampled_from(["service", "database", "unknown"]),
    state=states,
    text=texts,
    onset=st.none() | st.just(samples.NIGHT),
)


@st.composite
def maps(some: st.DrawFn) -> TopologyMap:
    drawn = some(st.lists(nodes, max_size=20, unique_by=lambda node: node.name))
    ends = st.sampled_from([node.name for node in drawn] or [""])
    edge = st.builds(MapEdge, ends, ends, st.integers(0), st.just(0), on_path=st.booleans())
    return TopologyMap(tuple(drawn), tuple(some(st.lists(edge, max_size=40))))


def map_of(*called: tuple[str, str], **states: NodeState) -> TopologyMap:
    names = dict.fromkeys(name for call in called for name in call) | dict.fromkeys(states)
    return TopologyMap(
        tuple(MapNode(name, "service", states.get(name, "well")) for name in names),
        tuple(MapEdge(caller, callee, 100, 0) for caller, callee in called),
    )


def boxes(drawing: MapDrawing) -> dict[str, Box]:
    return {box.names[0]: box for box in drawing.boxes}


def arrow(head: str) -> tuple[float, float]:
    """Where an arrow's tip is, and which way it points: 1 for right."""
    found = re.match(r"M([\d.]+) [\d.]+l(-?)", head)
    assert found
    return float(found[1]), 1 if found[2] else -1


@settings(deadline=None, max_examples=100)
@given(calls)
def test_every_call_runs_one_column_at_a_time_and_only_in_cycles_to_the_left(
    called: set[tuple[str, str]],
) -> None:
    layout = lay_out(NAMES, sorted(called))
    column = {slot: index for index, slots in enumerate(layout.columns) for slot in slots}
    assert sorted(slot for slot in column if isinstance(slot, str)) == sorted(NAMES)
    assert set(layout.routes) == {(a, b) for a, b in called if a != b}
    for (caller, callee), slots in layout.routes.items():
        assert (slots[0], slots[-1]) == (caller, callee)
        assert {column[b] - column[a] for a, b in pairwise(slots)} in ({1}, {-1})
        leftward = column[callee] < column[caller]
        assert not leftward or reaches(callee, caller, called)


def reaches(source: str, target: str, called: set[tuple[str, str]]) -> bool:
    seen = {source}
    while grown := {b for a, b in called if a in seen} - seen:
        seen |= grown
    return target in seen


def test_calls_that_need_not_cross_do_not() -> None:
    layout = lay_out(["a", "b", "c", "x", "y", "z"], [("a", "z"), ("b", "y"), ("c", "x")])
    assert layout.columns in (
        (("a", "b", "c"), ("z", "y", "x")),
        (("c", "b", "a"), ("x", "y", "z")),
    )


@settings(deadline=None, max_examples=100)
@given(maps())
def test_every_resource_is_drawn_once_inside_the_picture_and_apart(drawn: TopologyMap) -> None:
    drawing = draw(drawn)
    assert len(drawing.boxes) == len(drawn.nodes)
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height
    for one, other in combinations(drawing.boxes, 2):
        beside = one.x + one.width < other.x or other.x + other.width < one.x
        below = one.y + one.height < other.y or other.y + other.height < one.y
        assert beside or below
    for wire in drawing.wires:
        at = [float(number) for number in re.findall(r"-?[\d.]+", wire.line)]
        assert all(0 <= x <= drawing.width for x in at[::2])
        assert all(0 <= y <= drawing.height for y in at[1::2])


def test_callers_stand_left_of_whom_they_call() -> None:
    found = boxes(draw(map_of(("web", "cart"), ("cart", "db"), ("web", "db"))))
    assert found["web"].x < found["cart"].x < found["db"].x


def test_trouble_points_back_from_callee_to_caller_and_a_call_does_not() -> None:
    plain = map_of(("web", "cart"))
    spread = replace(plain, edges=(replace(plain.edges[0], on_path=True),))
    web, cart = boxes(draw(plain))["web"], boxes(draw(plain))["cart"]
    assert arrow(draw(plain).wires[0].head) == (cart.x, 1)
    assert arrow(draw(spread).wires[0].head) == (web.x + web.width, -1)


def test_in_a_cycle_what_shows_the_symptom_is_leftmost() -> None:
    found = boxes(draw(map_of(("a", "b"), ("b", "c"), ("c", "a"), b="symptom", c="cause")))
    assert found["b"].x < found["c"].x < found["a"].x


def test_a_call_to_itself_is_told_in_the_box() -> None:
    drawing = draw(map_of(("web", "web"), ("web", "cart")))
    assert len(drawing.wires) == 1
    assert "↻ calls itself" in boxes(drawing)["web"].notes


def test_a_long_name_takes_two_lines_and_is_whole_in_the_title() -> None:
    name = "recommendation-service-production-eu-central-1-blue.shop.svc.cluster.local"
    box = draw(map_of((name, "db"))).boxes[0]
    assert box.names == ("recommendation-", "service-production-…")
    assert box.title == f"{name} · service · in its band"


def test_what_is_marked_is_marked_in_words_too() -> None:
    tags = {
        box.state: box.tag
        for box in draw(samples.cause_found().topology or TopologyMap((), ())).boxes
    }
    assert tags == {
        "cause": "✕ CAUSE",
        "symptom": "SYMPTOM",
        "deviates": "DEVIATES",
        "path": "",
        "well": "",
    }


def test_the_facts_of_the_picture_are_told_in_words() -> None:
    edge = MapEdge("a", "b", 1203, 742, 3004.2, 9.3)
    assert (called(edge), slowed(edge)) == ("1,203 calls, 61.7 % failed", "9.3 ms → 3 s")
    assert slowed(MapEdge("a", "b", 1, 0)) == ""
    node = MapNode("a", "service", "cause", "own failures", samples.at("21:12:40"))
    assert fared(node) == "the cause: own failures from 21:12:40"
    assert rest(TopologyMap((), ())) == ""
    assert rest(TopologyMap((), (), (), 3, 9954)) == (
        "3 that deviate too and 9,954 in their band are not drawn"
    )


def test_the_page_has_the_picture_and_its_facts_as_a_table() -> None:
    page = Page(html(samples.cause_found()))
    told = "".join(page.texts)
    assert "20,263 calls, 11.4 % failed" in told
    assert "1.06 s" in told
    assert "7 in their band are not drawn" in told
    paths = [a for tag, a in page.elements if tag == "g" and a.get("class") == "wire spread"]
    assert len(paths) == 2 + 1  # and the key


def test_a_report_without_a_map_says_nothing_of_one() -> None:
    assert 'class="map"' not in html(replace(samples.cause_found(), topology=None))


def test_only_a_map_that_a_phone_does_not_hold_says_that_it_is_scrolled() -> None:
    wide = map_of(("web", "cart"), ("cart", "stock"), ("stock", "store"))
    said = [
        "scroll it sideways" in html(replace(samples.cause_found(), topology=one))
        for one in (wide, map_of(cart="cause"))
    ]
    assert said == [True, False]
