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


def test_hops_are_counted_down_the_calls_and_up_to_who_called() -> None:
    assert SHOP.distances("web") == {
        "web": 0, "checkout": 1, "catalog": 1, "payment": 2, "cart": 2, "db": 2,
    }  # fmt: skip
    assert SHOP.distances_to("payment") == {"payment": 0, "checkout": 1, "web": 2}
    assert SHOP.distances("nobody") == {}


def test_what_something_runs_on_is_no_call_of_it() -> None:
    placed = Topology(
        [
            Edge("web", "cart"),
            Edge("cart", "carts", kind="stores"),
            Edge("cart", "n1", kind="runs_on"),
            Edge("cart", "n2", kind="runs_on"),
            Edge("carts", "n2", kind="runs_on"),
            Edge("n2", "zone a", kind="runs_on"),
        ]
    )
    assert placed.callees("cart") == ("carts",)
    assert placed.hosts("cart") == ("n1", "n2")
    assert placed.residents("n2") == ("cart", "carts")
    assert placed.names == {"web", "cart", "carts"}
    assert placed.dependencies("web") == {"cart", "carts"}


def test_a_host_reaches_all_that_run_on_it_and_their_callers() -> None:
    placed = Topology(
        [
            Edge("web", "cart"),
            Edge("cart", "n1", kind="runs_on"),
            Edge("mail", "n1", kind="runs_on"),
            Edge("n1", "zone a", kind="runs_on"),
        ]
    )
    assert placed.blast_radius("n1") == {"cart", "mail", "web"}
    assert placed.blast_radius("zone a") == {"n1", "cart", "mail", "web"}


def test_an_edge_that_is_given_twice_is_one() -> None:
    twice = Topology([Edge("a", "b", 3), Edge("a", "b", 4), Edge("a", "b", kind="stores")])
    assert twice.callees("a") == ("b",)
    assert twice.callers("b") == ("a",)


def test_nothing_at_all_has_no_topology() -> None:
    assert Topology([]).names == frozenset()
    assert Topology([]).paths("a", "b") == []
    assert Topology([Edge("a", "a")]).callees("a") == ()


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
