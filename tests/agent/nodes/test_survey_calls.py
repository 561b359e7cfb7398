"""Whose failure a failed call to a store is: the store's, or the queries' of one caller."""

from __future__ import annotations

import pandas as pd
import pytest

from agent.nodes.survey.calls import _per_callee, survey_calls
from agent.state import Window
from lake.store import Lake
from tests.agent.nodes.alone import alone
from tests.agent.tools.rows import Row, moment, put, span
from tests.agent.world import START


def failing(**failed_of_caller: int) -> float:
    """What percentage of its calls a store failed, each caller having made a hundred."""
    frame = pd.DataFrame(
        {"caller": caller, "callee": "db", "system": "postgresql", "bucket": 0, "calls": 100,
         "traces": 100, "failed": failed, "unanswered": 0, "p95_ns": 1e6}
        for caller, failed in failed_of_caller.items()
    )  # fmt: skip
    return float(_per_callee(frame)["failed_percent"].iloc[0])


@pytest.mark.parametrize(
    ("failed", "percent"),
    [
        ({"cart": 40, "stock": 40}, 40),
        ({"cart": 60, "stock": 0, "web": 0}, 0),
        ({"cart": 60}, 60),
    ],
    ids=["of all callers it is the store's", "of one it is its queries'", "alone it is not told"],
)
def test_failures_of_one_caller_beside_well_served_ones_are_its_own(
    failed: dict[str, int], percent: float
) -> None:
    assert failing(**failed) == percent


@pytest.mark.parametrize(("often", "own"), [(1, True), (4, False)])
def test_a_store_that_is_asked_much_more_than_before_is_not_slow_by_itself(
    lake: Lake, often: int, *, own: bool
) -> None:
    store = {"system": "postgresql", "namespace": "shop"}

    def asked(at: float, took: int) -> Row:
        return span(f"{at}", "client", "web", int(at * 1000), took, None, store, trace=f"t{at}")

    calm = [asked(at, 5) for at in range(0, 600, 5)]
    slow = [asked(at / often, 900) for at in range(600 * often, 900 * often, 5)]
    put(lake, "trace_span", calm + slow)
    found = alone(survey_calls, lake, {"window": Window(START, moment(900), 10)})["signals"]
    assert [(one.resource, one.own) for one in found] == [("postgresql/shop", own)]


@pytest.mark.parametrize(
    ("since", "until", "tries"),
    [(600, 900, 1), (600, 900, 3), (0, 300, 3)],
    ids=["asked once", "tried again", "in trouble from the first"],
)
def test_a_store_that_is_tried_again_because_it_fails_fails_by_itself(
    lake: Lake, since: int, until: int, tries: int
) -> None:
    store = {"system": "postgresql", "namespace": "shop"}

    def asked(at: int) -> list[Row]:
        failed = since <= at < until
        uids = [f"{at}-{n}" for n in range(tries if failed else 1)]
        return [
            span(uid, "client", "web", at * 1000, 5, None, store, trace=f"t{at}", failed=failed)
            for uid in uids
        ]

    put(lake, "trace_span", [call for at in range(0, 900, 5) for call in asked(at)])
    found = alone(survey_calls, lake, {"window": Window(START, moment(900), 10)})["signals"]
    assert [(one.resource, one.own) for one in found] == [("postgresql/shop", True)]
