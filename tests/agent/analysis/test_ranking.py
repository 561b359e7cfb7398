from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.analysis.ranking import LOOKS, UNKNOWN, WEIGHTS, Suspect, features, posteriors
from agent.analysis.topology import Edge, Topology

SHOP = Topology(
    Edge(caller, callee)
    for caller, callee in (
        ("web", "checkout"),
        ("web", "catalog"),
        ("checkout", "payment"),
        ("payment", "db"),
        ("batch", "db"),
    )
)
FAULT = (
    Suspect("web", {"requests": 0.5}, 25.0, 1060.0),
    Suspect("checkout", {"requests": 1.0}, 25.0, 1030.0),
    Suspect("payment", {"requests": 25.0}, 25.0, 1000.0),
    Suspect("catalog"),
    Suspect("db"),
)


def ill(name: str, nats: float, *, log_odds: float = 0.0) -> Suspect:
    return Suspect(name, {"requests": nats}, nats, log_odds=log_odds)


def ranked(*suspects: Suspect, symptom: str = "web") -> dict[str, float]:
    return posteriors(suspects, SHOP, [symptom])


def best(found: dict[str, float]) -> str:
    return max(found, key=lambda name: found[name])


def test_the_deepest_resource_whose_own_signals_deviate_is_to_blame() -> None:
    found = ranked(*FAULT)
    assert best(found) == "payment"
    assert found["payment"] > 0.6
    assert found["checkout"] < found["payment"] / 10


def test_the_symptom_itself_may_be_to_blame() -> None:
    assert best(ranked(ill("web", 25.0), Suspect("checkout"), Suspect("catalog"))) == "web"


def test_when_nothing_deviates_the_cause_is_unknown() -> None:
    assert best(ranked(Suspect("web"), Suspect("payment"), Suspect("db"))) == UNKNOWN


def test_no_suspects_leave_the_unknown() -> None:
    assert ranked() == {UNKNOWN: 1.0}


def test_what_two_looks_see_convinces_more_than_what_one_sees() -> None:
    both = Suspect("catalog", {"requests": 10.0, "logs": 10.0}, 10.0)
    assert (
        best(ranked(both, ill("payment", 10.0), ill("db", 10.0), symptom="stranger")) == "catalog"
    )


def test_what_the_symptom_does_not_call_is_less_to_blame() -> None:
    found = ranked(*FAULT, ill("batch", 25.0))
    assert found["batch"] < found["payment"] / 3


def test_what_began_after_the_symptom_is_less_to_blame() -> None:
    late = [replace(s, onset=3000.0) if s.name == "payment" else s for s in FAULT]
    assert ranked(*late)["payment"] < ranked(*FAULT)["payment"]


def test_an_onset_within_one_bucket_of_the_symptoms_is_in_time() -> None:
    within = [replace(s, onset=1110.0) if s.name == "payment" else s for s in FAULT]
    assert ranked(*within) == ranked(*FAULT)


def test_a_callee_that_explains_takes_the_blame() -> None:
    found = ranked(*FAULT[:3], ill("db", 25.0))
    assert found["db"] > 2 * found["payment"]


def test_one_that_leaves_deviations_unexplained_stands_behind() -> None:
    found = ranked(Suspect("checkout", {}, 20.0), ill("payment", 20.0), ill("catalog", 20.0))
    assert found["payment"] > found["catalog"]


def test_one_whose_callers_do_not_notice_stands_behind() -> None:
    noticed = ranked(ill("payment", 20.0), Suspect("checkout", {}, 20.0))
    unnoticed = ranked(ill("payment", 20.0), Suspect("checkout"))
    assert unnoticed["payment"] < noticed["payment"]


def test_evidence_from_controls_moves_the_odds_both_ways() -> None:
    def payment(log_odds: float) -> float:
        moved = [replace(s, log_odds=log_odds) if s.name == "payment" else s for s in FAULT]
        return ranked(*moved)["payment"]

    assert payment(-3.0) < payment(0.0) < payment(3.0)


def test_a_resource_whose_change_is_guilty_is_not_explained_by_what_it_calls() -> None:
    found = ranked(ill("db", 25.0), ill("payment", 25.0, log_odds=4.0))
    assert best(found) == "payment"


def test_no_deviation_however_large_is_certainty() -> None:
    assert ranked(ill("web", 1e6, log_odds=1e6))["web"] <= 0.98


def test_a_name_the_topology_does_not_hold_is_neither_cleared_nor_blamed_for_it() -> None:
    found = ranked(ill("stranger", 20.0), ill("batch", 20.0))
    assert found["stranger"] > found["batch"]


def waiting(name: str, nats: float, ms: float) -> Suspect:
    return Suspect(name, {"metrics": nats}, nats, harm={("p95", "ms"): ms})


def test_a_callee_that_got_a_little_slower_does_not_explain_a_caller_that_got_much_slower() -> None:
    little = ranked(waiting("payment", 20.0, 1000.0), waiting("db", 20.0, 10.0))
    much = ranked(waiting("payment", 20.0, 1000.0), waiting("db", 20.0, 990.0))
    assert little["payment"] > 2 * much["payment"]


@pytest.mark.parametrize("feature", ["explained", "alone", "explains"])
def test_each_effect_is_weighed_by_how_much_worse_it_got(feature: str) -> None:
    def known(ms: float) -> float:
        both = [waiting("payment", 20.0, 1000.0), waiting("db", 20.0, ms)]
        rows = features(both, SHOP, ["web"])
        return float(rows[1 if feature == "explains" else 0, list(WEIGHTS).index(feature)])

    assert abs(known(990.0) - known(10.0)) > 0.1


def test_who_shows_as_much_of_the_symptoms_harm_is_to_blame_before_who_shows_little() -> None:
    web = Suspect("web", {}, 20.0, harm={("p95", "ms"): 1000.0})
    found = ranked(web, waiting("catalog", 15.0, 950.0), waiting("payment", 15.0, 10.0))
    assert found["catalog"] > 2 * found["payment"]


def test_as_much_harm_where_the_symptom_does_not_call_says_nothing() -> None:
    web = Suspect("web", {}, 20.0, harm={("p95", "ms"): 1000.0})
    bare = Suspect("batch", {"metrics": 15.0}, 15.0)
    alike = ranked(web, waiting("batch", 15.0, 1000.0), waiting("payment", 15.0, 10.0))
    assert alike["batch"] == pytest.approx(
        ranked(web, bare, waiting("payment", 15.0, 10.0))["batch"]
    )


def test_two_suspects_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="suspects are db, db; expected distinct names"):
        ranked(Suspect("db"), Suspect("db"))


names = st.sampled_from(["web", "checkout", "catalog", "payment", "db", "batch", "stranger"])
suspects = st.builds(
    Suspect,
    name=names,
    own=st.dictionaries(st.sampled_from(LOOKS), st.floats(0, 1e9), max_size=3),
    shown=st.floats(0, 1e9),
    onset=st.one_of(st.none(), st.floats(0, 1e10)),
    harm=st.dictionaries(
        st.sampled_from([("p95",), ("errors",)]), st.floats(1e-9, 1e9), max_size=2
    ),
    log_odds=st.floats(-1e9, 1e9),
)


@given(st.lists(suspects, max_size=7, unique_by=lambda s: s.name), names)
def test_posteriors_are_probabilities(field: list[Suspect], symptom: str) -> None:
    found = ranked(*field, symptom=symptom)
    assert set(found) == {s.name for s in field} | {UNKNOWN}
    assert sum(found.values()) == pytest.approx(1.0)
    assert all(0.0 <= p <= 1.0 for p in found.values())


@given(names, st.sampled_from(LOOKS), st.floats(0, 30), st.floats(0, 1e6))
def test_more_own_deviation_never_lowers_the_blame(
    name: str, look: str, nats: float, more: float
) -> None:
    others = [s for s in FAULT if s.name != name]
    before = ranked(*others, Suspect(name, {look: nats}, nats))
    after = ranked(*others, Suspect(name, {look: nats + more}, nats + more))
    assert after[name] >= before[name] * (1 - 1e-9)
