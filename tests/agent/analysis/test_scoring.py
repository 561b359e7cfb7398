"""A ranking is worth what it says of the right cause, and nothing by luck."""

from __future__ import annotations

import math
from typing import Any

import pytest

from agent.analysis.scoring import NEVER, Judged, Truth, accuracy, of_changed, place


def ranked(**scores: float) -> dict[str, Any]:
    return {"ranking": list(scores), "scores": list(scores.values())}


def test_ties_count_against_the_answer() -> None:
    truth = Truth(("right",))
    assert place(truth, ranked(right=2, a=1, b=1)) == 1
    assert place(truth, ranked(right=1, a=1, b=1)) == 3
    assert place(truth, ranked(right=math.nan, a=0.0)) == 2
    assert place(truth, ranked(a=1)) == place(truth, {}) == NEVER
    assert place(truth, {"ranking": ["a", "right"]}) == 2


def test_changes_that_score_alike_count_against_the_answer() -> None:
    truth = Truth(("right",), judged="change")
    told = {"ranked_changes": ["right", "a", "b"], "change_scores": [1.0, 1.0, 0.5]}
    assert place(truth, told) == 2


def test_a_ranking_of_anything_is_judged_by_what_was_changed() -> None:
    truth = Truth(("cart",), judged="change")
    told = of_changed(ranked(db=9, cart=2, web=2), ["web", "cart"])
    assert told == {"ranked_changes": ["cart", "web"], "change_scores": [2, 2]}
    assert place(truth, told) == 2
    assert place(truth, of_changed({"ranking": ["db", "cart"]}, ["cart"])) == 1
    pods = of_changed(ranked(**{"cart-7d4b9c6f5-x2x9z": 1.0}), ["cart"])
    assert place(truth, pods) == 1


def test_one_of_several_causes_is_enough_and_none_stands_in_anothers_way() -> None:
    assert place(Truth(("right", "too")), ranked(too=3, right=3, a=1)) == 1


def test_a_pod_counts_as_its_workload_and_a_short_hash_as_its_commit() -> None:
    pod = "cart-7d4b9c6f5-x2x9z"
    assert place(Truth(("cart",)), {"ranking": [pod]}) == 1
    commit = "0123456789" * 4
    assert place(Truth((commit,)), {"ranking": [commit[:9]]}) == 1
    assert place(Truth((commit,)), {"ranking": [commit[:5]]}) == NEVER


@pytest.mark.parametrize(
    ("judged", "right", "wrong"),
    [
        ("healthy", {"verdict": "healthy"}, {"verdict": "insufficient"}),
        ("change", {"ranked_changes": ["a", "b"]}, {"ranked_changes": ["b"]}),
        ("words", {"causes": [{"text": "a killed pod: OOM"}]}, {"causes": [{"text": "zoom pod"}]}),
    ],
)
def test_an_answer_is_judged_by_what_its_case_asks(
    judged: Judged, right: dict[str, Any], wrong: dict[str, Any]
) -> None:
    truth = Truth(("a",), judged=judged, words=(("oom", "memory"), ("pod",)))
    assert place(truth, right) == 1
    assert place(truth, wrong) == NEVER


def test_a_cause_that_says_what_it_must_not_is_not_first() -> None:
    truth = Truth((), judged="words", words=(("disk",),), banned=("cpu",))
    assert place(truth, {"causes": [{"text": "disk or CPU"}]}) == 2


def test_the_figures_are_shares_of_all_cases() -> None:
    found = accuracy([1, 2, 4, NEVER])
    assert (found.n, found.ac_1, found.ac_3) == (4, 0.25, 0.5)
    assert found.avg_5 == pytest.approx((0.25 + 0.5 + 0.5 + 0.75 + 0.75) / 5)
    assert math.isnan(accuracy([]).ac_1)
