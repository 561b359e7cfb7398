import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.analysis.object_graph import DEPTH, Edge, Ill, explained

POD, OTHER = "Pod/shop/cart-1", "Pod/shop/cart-2"
MAKER, SET = "Deployment/shop/cart", "ReplicaSet/shop/cart-7d9f"
MADE = [Edge(MAKER, "owns", SET), Edge(SET, "owns", POD), Edge(SET, "owns", OTHER)]
NODE = Edge(POD, "runs on", "Node/node-1")


def ends(edges: list[Edge], *ills: Ill) -> dict[str, str]:
    return {ill.object: chain.end.object for ill, chain in explained(edges, ills).items()}


def test_a_deployment_is_explained_by_its_pod_and_that_by_its_config_map() -> None:
    mounts = Edge(POD, "mounts", "ConfigMap/shop/prices")
    missing = Ill("ConfigMap/shop/prices", "root")
    waiting, short = Ill(POD, "symptom"), Ill(MAKER, "symptom")

    chains = explained([*MADE, mounts], [missing, waiting, short])

    assert chains.keys() == {waiting, short}
    assert chains[short].end == chains[waiting].end == missing
    assert chains[short].edges == (*MADE[:2], mounts)


def test_siblings_do_not_explain_each_other() -> None:
    assert ends(MADE, Ill(POD, "symptom"), Ill(OTHER, "proximate")) == {}


def test_what_is_wrong_with_the_maker_explains_its_pods() -> None:
    assert ends(MADE, Ill(POD, "symptom"), Ill(MAKER, "root")) == {POD: MAKER}


def test_a_maker_that_only_suffers_too_does_not_explain_its_pods() -> None:
    assert ends(MADE, Ill(POD, "symptom"), Ill(MAKER, "symptom")) == {MAKER: POD}


def test_a_node_explains_its_pods_but_no_pod_its_node() -> None:
    assert ends([NODE], Ill(POD, "proximate"), Ill("Node/node-1", "root")) == {POD: "Node/node-1"}
    assert ends([NODE], Ill(POD, "root"), Ill("Node/node-1", "symptom")) == {}


def test_the_deepest_is_taken_and_of_those_the_nearest() -> None:
    claim = Edge(POD, "mounts", "PersistentVolumeClaim/shop/data")
    volume = Edge("PersistentVolumeClaim/shop/data", "binds", "PersistentVolume/data")
    ills = [Ill(POD, "symptom"), Ill(claim.target, "proximate"), Ill(volume.target, "root")]
    assert ends([claim, volume], *ills) == {POD: volume.target, claim.target: volume.target}
    assert ends([claim, volume, NODE], *ills, Ill("Node/node-1", "root"))[POD] == "Node/node-1"


def test_a_secret_is_explained_by_who_writes_it() -> None:
    uses = Edge(POD, "uses", "Secret/shop/key")
    writes = Edge("ExternalSecret/shop/key", "creates", "Secret/shop/key")
    assert ends([uses, writes], Ill(POD, "proximate"), Ill(writes.source, "root")) == {
        POD: writes.source
    }


def test_a_pod_is_explained_by_the_policy_that_selects_it_but_not_by_its_service() -> None:
    policy = Edge("NetworkPolicy/shop/deny", "selects", POD)
    service = Edge("Service/shop/cart", "selects", POD)
    assert ends([policy], Ill(POD, "proximate"), Ill(policy.source, "root")) == {POD: policy.source}
    assert ends([service], Ill(POD, "proximate"), Ill(service.source, "root")) == {}


def test_of_one_object_the_deeper_finding_explains_the_other() -> None:
    killed, loop = Ill(POD, "proximate", playbook="oom"), Ill(POD, "symptom", playbook="loop")
    assert explained([], [loop, killed])[loop].end == killed


def test_a_playbook_may_say_what_it_explains() -> None:
    full = Ill("Node/node-1", "proximate", playbook="disk", explains=("gone",))
    gone = Ill(POD, "root", playbook="gone")
    assert ends([NODE], full, gone) == {POD: "Node/node-1"}


def test_two_that_call_each_other_do_not_explain_each_other_in_a_circle() -> None:
    ring = [Edge("Service/a", "calls", "Service/b"), Edge("Service/b", "calls", "Service/a")]
    assert ends(ring, Ill("Service/a", "symptom", 0.4), Ill("Service/b", "symptom", 0.6)) == {
        "Service/a": "Service/b"
    }


names = st.sampled_from(["Pod/a", "Pod/b", "Node/c", "Deployment/d", "Secret/e", "Service/f"])
relations = st.sampled_from(["owns", "mounts", "runs on", "selects", "creates", "calls"])
graphs = st.lists(st.builds(Edge, names, relations, names), max_size=20)
findings = st.lists(
    st.builds(Ill, names, st.sampled_from(list(DEPTH)), st.floats(0.1, 0.9)), max_size=8
)


@given(graphs, findings)
def test_every_chain_ends_at_what_nothing_explains_and_hangs_together(
    edges: list[Edge], ills: list[Ill]
) -> None:
    chains = explained(edges, ills)
    for ill, chain in chains.items():
        assert chain.end not in chains
        assert chain.end != ill
        ways = [{edge.source, edge.target} for edge in chain.edges]
        assert all(one & other for one, other in pairwise(ways))
        if ways:
            assert ill.object in ways[0]
            assert chain.end.object in ways[-1]


@given(graphs, findings)
def test_the_order_in_which_things_are_told_changes_nothing(
    edges: list[Edge], ills: list[Ill]
) -> None:
    assert explained(edges, ills) == explained(edges[::-1], ills[::-1])


def test_ten_thousand_objects_take_less_than_a_second() -> None:
    edges, ills = [], []
    for d in range(1000):
        maker = f"Deployment/shop/d{d}"
        ills.append(Ill(maker, "symptom"))
        for p in range(9):
            pod = f"Pod/shop/d{d}-{p}"
            edges += [Edge(maker, "owns", pod), Edge(pod, "runs on", f"Node/n{p}")]
            ills.append(Ill(pod, "symptom"))
    began = time.process_time()
    chains = explained(edges, [*ills, Ill("Node/n3", "root")])
    assert time.process_time() - began < 1
    assert len(chains) == 2000
