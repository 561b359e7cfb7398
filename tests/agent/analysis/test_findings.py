"""A finding is likelier the deeper it lies, the more it explains, and if it was asked about."""

from dataclasses import replace

import pytest

from agent.analysis.findings import Sign, probability

PLAIN = Sign(certainty=0.7, role="proximate")


@pytest.mark.parametrize(
    "likelier",
    [
        replace(PLAIN, certainty=0.8),
        replace(PLAIN, role="root"),
        replace(PLAIN, relevance=1.0),
        replace(PLAIN, explains=1),
    ],
)
def test_what_makes_a_finding_likelier(likelier: Sign) -> None:
    assert probability(likelier) > probability(PLAIN)


@pytest.mark.parametrize(
    "unlikelier",
    [
        replace(PLAIN, role="symptom"),
        replace(PLAIN, relevance=-1.0),
        replace(PLAIN, explained=True),
    ],
)
def test_what_makes_a_finding_less_likely(unlikelier: Sign) -> None:
    assert probability(unlikelier) < probability(PLAIN)


def test_nothing_is_certain() -> None:
    sure = Sign(certainty=0.999, role="root", relevance=1.0, explains=9)
    assert 0.9 < probability(sure) < 1.0


def test_what_was_not_asked_about_is_no_cause_however_sure_it_is() -> None:
    assert probability(Sign(certainty=0.9, role="root", relevance=-1.0)) < 0.5


def test_what_something_else_explains_is_no_cause_however_sure_it_is() -> None:
    sure = Sign(certainty=0.95, role="root", relevance=1.0, explained=True, explains=2)
    assert probability(sure) < 0.5
