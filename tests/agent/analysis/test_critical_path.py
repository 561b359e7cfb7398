"""Whom a trace waits for: one span at every moment, whatever the spans are like."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.analysis.critical_path import Timed, critical


def took(*spans: Timed) -> dict[str, int]:
    return {uid: sum(b - a for a, b in some) for uid, some in critical(spans).items()}


def test_a_span_waits_for_the_child_that_ends_last() -> None:
    root = Timed("root", "", 0, 100)
    quick, slow = Timed("quick", "root", 10, 40), Timed("slow", "root", 10, 90)
    assert took(root, quick, slow) == {"root": 20, "slow": 80}


def test_of_two_one_after_the_other_both_are_on_the_path() -> None:
    spans = Timed("root", "", 0, 100), Timed("a", "root", 0, 50), Timed("b", "root", 60, 100)
    assert critical(spans) == {"root": [(50, 60)], "a": [(0, 50)], "b": [(60, 100)]}


def test_a_child_that_outlives_its_parent_counts_as_long_as_that_is_waited_for() -> None:
    spans = Timed("root", "", 0, 100), Timed("a", "root", 0, 50), Timed("late", "a", 20, 80)
    assert took(*spans) == {"root": 50, "a": 20, "late": 30}


def test_of_spans_that_are_each_others_forefathers_one_is_a_root() -> None:
    ring = Timed("a", "c", 0, 100), Timed("b", "a", 0, 90), Timed("c", "b", 0, 80)
    beside = Timed("d", "b", 80, 85), Timed("self", "self", 100, 120)
    path = took(*ring, *beside)
    assert (sum(path.values()), path["self"]) == (120, 20)


def test_a_trace_of_any_depth_takes_no_longer_for_it() -> None:
    deep = [Timed(f"s{n}", f"s{n + 1}", 0, n + 1) for n in range(20_000)]
    assert sum(took(*deep).values()) == 20_000


def test_nothing_is_on_no_path() -> None:
    assert critical([]) == {}


spans = st.lists(
    st.builds(
        lambda uid, parent, start, length: Timed(f"s{uid}", f"s{parent}", start, start + length),
        *[st.integers(0, 12), st.integers(0, 14), st.integers(0, 60), st.integers(0, 60)],
    ),
    max_size=14,
)


@given(spans)
def test_at_every_moment_at_most_one_span_is_waited_for(some: list[Timed]) -> None:
    by_uid = {one.uid: one for one in some}
    path = critical(some)
    every = sorted(stretch for stretches in path.values() for stretch in stretches)
    assert all(a < b for a, b in every)
    assert all(before[1] <= after[0] for before, after in pairwise(every))
    for uid, stretches in path.items():
        assert all(by_uid[uid].start <= a and b <= by_uid[uid].end for a, b in stretches)
