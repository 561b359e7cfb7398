from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.analysis.ranking import UNKNOWN, Suspect, posteriors
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
    Suspect("web", 0.5, 1060.0, ("checkout",)),
    Suspect("checkout", 1.0, 1030.0, ("payment",)),
    Suspect("payment", 40.0, 1000.0),
    Suspect("catalog"),
    Suspect("db"),
)


def ranked(*suspects: Suspect, symptom: str = "web", unknown: float = 0.0) -> dict[str, float]:
    return posteriors(suspects, SHOP, symptom, unknown_log_odds=unknown)


def test_the_deepest_resource_whose_own_signals_deviate_is_to_blame() -> None:
    found = ranked(*FAULT)
    assert max(found, key=lambda name: found[name]) == "payment"
    assert found["payment"] > 0.6
    assert found["checkout"] < found["payment"] / 10


def test_the_symptom_itself_may_be_to_blame() -> None:
    found = ranked(Suspect("web", 40.0, 1000.0), Suspect("checkout"), Suspect("catalog"))
    assert max(found, key=lambda name: found[name]) == "web"


def test_when_nothing_deviates_the_cause_is_unknown() -> None:
    found = ranked(Suspect("web"), Suspect("payment"), Suspect("db"))
    assert max(found, key=lambda name: found[name]) == UNKNOWN


def test_no_suspects_leave_the_unknown() -> None:
    assert ranked() == {UNKNOWN: 1.0}


def test_what_the_symptom_does_not_call_is_hardly_to_blame() -> None:
    found = ranked(*FAULT, Suspect("batch", 40.0, 1000.0))
    assert found["batch"] < found["payment"] / 20


def test_what_began_after_the_symptom_is_hardly_to_blame() -> None:
    late = [replace(s, onset=3000.0) if s.name == "payment" else s for s in FAULT]
    assert ranked(*late)["payment"] < ranked(*FAULT)["payment"] / 2


def test_an_onset_within_one_bucket_of_the_symptoms_is_in_time() -> None:
    within = [replace(s, onset=1110.0) if s.name == "payment" else s for s in FAULT]
    assert ranked(*within) == ranked(*FAULT)


def test_a_callee_that_explains_takes_the_blame() -> None:
    slow_db = Suspect("db", 40.0, 990.0)
    found = ranked(*FAULT[:2], replace(FAULT[2], explained_by=("db",)), slow_db)
    assert found["db"] > 5 * found["payment"]


def test_one_that_leaves_deviations_unexplained_stands_behind() -> None:
    twins = (Suspect("payment", 20.0), Suspect("catalog", 20.0), Suspect("checkout", 10.0))
    found = ranked(Suspect("web", 0.0, None, ("checkout",)), *twins)
    assert found["payment"] > found["catalog"]


def test_one_whose_callers_do_not_notice_stands_behind() -> None:
    noticed = ranked(Suspect("payment", 20.0), Suspect("checkout", 0.0, None, ("payment",)))
    unnoticed = ranked(Suspect("payment", 20.0), Suspect("checkout"))
    assert unnoticed["payment"] < noticed["payment"]


def test_evidence_from_controls_moves_the_odds_both_ways() -> None:
    def payment(log_odds: float) -> float:
        moved = [replace(s, log_odds=log_odds) if s.name == "payment" else s for s in FAULT]
        return ranked(*moved)["payment"]

    assert payment(-3.0) < payment(0.0) < payment(3.0)


def test_no_deviation_however_large_is_certainty() -> None:
    assert ranked(Suspect("web", 1e6, log_odds=1e6))["web"] < 0.9999


def test_a_name_the_topology_does_not_hold_is_neither_cleared_nor_blamed_for_it() -> None:
    found = ranked(Suspect("stranger", 20.0), Suspect("batch", 20.0))
    assert found["stranger"] > found["batch"]


def test_two_suspects_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="suspects are db, db; expected distinct names"):
        ranked(Suspect("db"), Suspect("db"))


names = st.sampled_from(["web", "checkout", "catalog", "payment", "db", "batch", "stranger"])
suspects = st.builds(
    Suspect,
    name=names,
    own_deviation=st.floats(0, 1e9),
    onset=st.one_of(st.none(), st.floats(0, 1e10)),
    explained_by=st.lists(names, max_size=3).map(tuple),
    log_odds=st.floats(-1e9, 1e9),
)


@given(st.lists(suspects, max_size=7, unique_by=lambda s: s.name), names, st.floats(-50, 50))
def test_posteriors_are_probabilities(field: list[Suspect], symptom: str, unknown: float) -> None:
    found = ranked(*field, symptom=symptom, unknown=unknown)
    assert set(found) == {s.name for s in field} | {UNKNOWN}
    assert sum(found.values()) == pytest.approx(1.0)
    assert all(0.0 <= p <= 1.0 for p in found.values())


@given(suspects, st.floats(0, 1e6))
def test_more_own_deviation_never_lowers_the_blame(suspect: Suspect, more: float) -> None:
    others = [s for s in FAULT if s.name != suspect.name]
    worse = replace(suspect, own_deviation=suspect.own_deviation + more)
    before, after = ranked(*others, suspect), ranked(*others, worse)
    assert after[suspect.name] >= before[suspect.name] * (1 - 1e-9)
