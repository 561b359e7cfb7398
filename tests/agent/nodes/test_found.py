"""Findings become causes: what several playbooks tell of one trouble is one cause."""

from dataclasses import replace
from datetime import UTC, datetime

from agent.nodes.found import findings_as_causes
from agent.state import Finding, Resource

LINE = "dial tcp 10.0.0.7:5432: connect: connection refused"
ENDED = Finding(
    playbook="kubernetes/dependency_unreachable",
    title="",
    role="proximate",
    object="Deployment/shop/cart",
    resource=Resource("service", "cart"),
    text="cart cannot connect",
    said=LINE,
    mechanism="dependency",
    indicator="errors",
    certainty=0.8,
    seen_at=datetime(2026, 1, 1, tzinfo=UTC),
    evidence_for=("E1",),
)
REFUSED = replace(
    ENDED, playbook="service/dependency_refused", certainty=0.7, evidence_for=("E2",), relevance=1.0
)
FAILS = replace(
    ENDED, playbook="service/unhandled_exception", mechanism="unknown", certainty=0.3, said="ours"
)


def test_what_two_playbooks_tell_is_one_cause_with_the_evidence_of_both() -> None:
    (cause,) = findings_as_causes([REFUSED, ENDED]).values()
    assert cause.playbook == ENDED.playbook
    assert cause.evidence_for == ("E1", "E2")


def test_a_cause_is_about_whatever_those_are_that_tell_the_same() -> None:
    (alone,) = findings_as_causes([ENDED]).values()
    (both,) = findings_as_causes([REFUSED, ENDED]).values()
    assert both.probability > alone.probability


def test_what_is_refuted_tells_nothing_for_another() -> None:
    refuted = replace(ENDED, refuted="No.")
    causes = findings_as_causes([REFUSED, refuted])
    assert [c.status for c in causes.values()] == ["likely", "refuted"]


def test_that_something_failed_follows_from_how_it_failed() -> None:
    how, that = findings_as_causes([ENDED, FAILS]).values()
    assert not how.reason
    assert that.reason == "It follows from Deployment/shop/cart."
    assert that.probability < 0.2 < how.probability


def test_who_is_explained_gets_no_credit_for_what_is_explained_beside_it() -> None:
    other = replace(FAILS, playbook="service/route_failing", said="else")
    alone = findings_as_causes([ENDED, FAILS])[f"finding {FAILS.playbook} {FAILS.object}"]
    beside = findings_as_causes([ENDED, FAILS, other])[f"finding {FAILS.playbook} {FAILS.object}"]
    assert alone.probability == beside.probability
