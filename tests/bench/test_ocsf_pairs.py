"""Vendors' records against the OCSF that others made of them."""

from __future__ import annotations

from statistics import fmean

import pytest

from tests.bench.ocsf_pairs import CASES, answers, printed, scored

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(not CASES.is_dir(), reason=f"the recorded pairs are not here: {CASES}"),
]

REACH = 0.95


def test_what_vendors_wrote_becomes_the_events_that_others_made_of_it() -> None:
    found = list(answers(CASES))
    print(*printed(CASES, found, verbose=False), sep="\n")  # noqa: T201  # what was measured
    scores = [scored(CASES, answer) for answer in found]
    assert fmean(score["partial"] for score in scores) >= REACH
    assert fmean(score["precision"] for score in scores if "precision" in score) >= REACH
    assert not [answer.case for answer in found if answer.invalid]
