import random
import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.analysis.topology import Edge, Topology


def graph(*calls: str) -> Topology:
    pairs = (call.split(">") for call in calls)
    return Topology(Edge(caller, callee) for caller, callee in pairs)


SHOP = graph(
    "web>checkout", "web>catalog", "checkout>payment", "checkout>cart", "payment>db", "catalog>db"
)


def test_neighbours_are_named_in_order() -> None:
    assert SHOP.callees("web") == ("catalog", "checkout")
    assert SHOP.callers("db") == ("catalog", "payment")
    assert SHOP.callees("db") == SHOP.callers("web") == SHOP.callees("nobody") == ()


def test_reach_follows_calls_and_not_their_answers() -> None:
    assert SHOP.reaches("web", "db")
    assert not SHOP.reaches("db", "web")
    assert not SHOP.reaches("catalog", "payment")
    assert SHOP.reaches("db", "db")
    assert not SHOP.reaches("nobody", "db")


def test_the_blast_radius_is_all_that_call_directly_or_not() -> None:
    assert SHOP.blast_radius("db") == {"payment", "catalog", "checkout", "web"}
    assert SHOP.blast_radius("web") == frozenset()


def test_common_dependencies_are_shared() -> None:
    assert SHOP.shared("checkout", "catalog") == {"db"}
    assert SHOP.shared("cart", "catalog") == frozenset()


def test_all_shortest_paths_are_given_and_no_longer_one() -> None:
    diamond = graph("a>b", "a>c", "b>d", "c>d", "a>e", "e>f", "f>d")
    assert diamond.paths("a", "d") == [("a", "b", "d"), ("a", "c", "d")]
    assert diamond.paths("a", "a") == [("a",)]
    assert diamond.paths("d", "a") == []
    assert diamond.paths("a", "d", most=1) == [("a", "b", "d")]


def test_cycles_and_calls_to_oneself_do_no_harm() -> None:
    ring = graph("a>b", "b>c", "c>a", "c>c", "c>d")
    assert ring.reaches("b", "a")
    assert ring.blast_radius("a") == {"b", "c"}
    assert ring.callees("c") == ("a", "d")
    assert ring.paths("b", "d") == [("b", "c", "d")]


def test_ten_thousand_resources_are_walked_fast() -> None:
    pick = random.Random(1)
    names = [f"s{i}" for i in range(10_000)]
    mesh = Topology(Edge(pick.choice(names), pick.choice(names)) for _ in range(60_000))
    took = []
    for name in names[:5]:
        started = time.process_time()
        assert len(mesh.blast_radius(name)) > 9_000
        took.append(time.process_time() - started)
    assert min(took) < 0.05


calls = st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg")), max_size=20)


@given(calls)
def test_reach_blast_radius_and_paths_agree(pairs: list[tuple[str, str]]) -> None:
    topology = Topology(Edge(caller, callee) for caller, callee in pairs)
    for a in "abcdefg":
        for b in "abcdefg":
            assert topology.reaches(a, b) == (a == b or a in topology.blast_radius(b))
            assert bool(topology.paths(a, b)) == topology.reaches(a, b)
            for path in topology.paths(a, b):
                assert all(y in topology.callees(x) for x, y in pairwise(path))
