"""Sentences that their evidence does not carry go; what stays is numbered as it is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.nodes.resolving import Grounds, Said
from agent.nodes.standing import Place
from agent.nodes.verify import numbered, verify
from agent.report.words import cited
from agent.state import (
    Cause,
    Change,
    Control,
    Drilldown,
    Evidence,
    Incident,
    NextStep,
    Report,
    Resource,
    Statement,
    TimelineEntry,
)
from lake.store import Lake
from tests.agent.nodes.alone import alone

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CALLS = """
SELECT * FROM (VALUES
  ('cart', 'during', 34, 1203, 2.83, 812.4, TIMESTAMPTZ '2026-03-01 11:40:07.25+00', '2.8.0'),
  ('cart', 'before', 1, 640, 0.16, 9.75, TIMESTAMPTZ '2026-03-01 11:20:00+00', '2.7.9'),
  ('web', 'during', 5, 99, 5.05, 44.5, TIMESTAMPTZ '2026-03-01 11:41:30+00', '1.0.3'))
  AS t(service, phase, failed, requests, failed_percent, p95_ms, first_at, version)
WHERE service <> 'ledger'
ORDER BY ALL"""
LINES = "SELECT 'Took <num> of 99 tries' AS template, 'PoolTimeout' AS exception, 12 AS lines"
SERIES = """
SELECT * FROM (VALUES
  ('cart', 5, 60, 8646, 5432, 31, 927, 812, '1 s of 7 ms', 0.5, 'By'),
  ('web', 4, 61, 8647, 5433, 2, 88, 19, 'took 40 %', 2.25, 's'))
  AS t(service, bucket, rank, pid, port, failed, requests, other, text, value, unit)"""
EVIDENCE = {
    name: Evidence(name, "?", tool, sql, {}, 1, "sha256:00")
    for name, tool, sql in (
        ("a", "impact", CALLS),
        ("b", "templates", LINES),
        ("c", "x", LINES),
        ("s", "x", SERIES),
    )
}
COUNTED = Statement("34 of 1203 requests to cart failed.", ("a",))
REPORT = Report(
    "r", "t", "inconclusive", 0.0, NOW, Incident(NOW, NOW, NOW), evidence=EVIDENCE,
    changes=(Change("C1", "deploy", "cart 2.8.0", "cart", version="2.8.0"),),
)  # fmt: skip


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Grounds:
    with Lake.create(tmp_path_factory.mktemp("grounds") / "lake") as lake:
        rows = {name: lake.at().ask(one.sql).arrow for name, one in EVIDENCE.items()}
    return Grounds(REPORT, lambda evidence: rows[evidence.id])


@pytest.mark.parametrize(
    "text",
    [
        "34 of 1203 requests to cart failed (2.83 %), 2.8.0 is C1.",
        "34 of 1,203 requests failed, 2.8 %.",
        "cart took 812 ms (p95) from 11:40:07, before 9.75 ms.",
        "5.1 % of web's 99 requests failed: 5 of 99, from 1 Mar 11:41:30.",
        "There are 3 rows; cart has 2.",
        "It left cart 83 s before 11:41:30.",
        "ledger is left out.",
        "No number at all.",
    ],
)
def test_a_sentence_whose_claims_stand_in_its_rows_is_carried(text: str, grounds: Grounds) -> None:
    assert grounds.carries(Statement(text, ("a",)))


@pytest.mark.parametrize(
    "text",
    [
        "35 of 1203 requests failed.",
        "2.9 % failed.",
        "cart took 812 s.",
        "1,204 requests.",
        "web failed 34 of 1203 requests.",
        "ledger-2 failed.",
        "It was 2.8.1.",
        "C2 did it.",
        "From 11:40:08.",
        "From 2 Mar 11:40:07.",
        "It left cart 85 s before 11:41:30.",
        "It said “no such thing”.",
    ],
)
def test_a_sentence_with_a_claim_of_its_own_is_not(text: str, grounds: Grounds) -> None:
    assert not grounds.carries(Statement(text, ("a",)))


@pytest.mark.parametrize(
    "text",
    [
        "31 of 927 requests to cart failed, that is 3.3 % in 1 s.",
        "Process 8646 listens on port 5432.",
        "web took 40 % and 2.25 s.",
    ],
)
def test_a_number_stands_in_a_column_of_its_kind(text: str, grounds: Grounds) -> None:
    assert grounds.carries(Statement(text, ("s",)))


@pytest.mark.parametrize(
    "text",
    [
        "5 of 927 requests failed.",
        "31 of 88 requests failed.",
        "5 times.",
        "60 lines.",
        "8646 requests of cart.",
        "It took 5432 ms.",
        "It was 60 %.",
        "It took 31 s.",
        "cart took 812 ms.",
        "web took 2.25 ms.",
        "Some 19 % failed.",
        "Session 60 did.",
    ],
)
def test_a_number_of_another_kind_proves_nothing(text: str, grounds: Grounds) -> None:
    assert not grounds.carries(Statement(text, ("s",)))


@pytest.mark.parametrize(
    "quote", ["Took <num> of 99 tries", "PoolTimeout: Took <num> of 99 tries", "of 99"]
)
def test_a_quotation_is_a_part_of_a_cell_or_parts_of_one_row(quote: str, grounds: Grounds) -> None:
    assert grounds.carries(Statement(f"It wrote 12 lines “{quote}”.", ("b",)))


def test_a_sentence_that_cites_nothing_or_nothing_there_is_not(grounds: Grounds) -> None:
    assert not grounds.carries(Statement("Well."))
    assert not grounds.carries(Statement("Well.", ("a", "z")))


def test_a_cause_is_called_by_its_rank(grounds: Grounds) -> None:
    found = replace(grounds, report=replace(REPORT, causes=(CAUSE,)))
    assert found.carries(Statement("Cause 1 is a release.", ("s",)))
    assert not found.carries(Statement("Cause 2 is a release.", ("s",)))


def test_every_claim_is_told_with_its_place(grounds: Grounds) -> None:
    said = Said("summary.0", "cart took 812 ms from 11:40:07, by 2.8.1.", ("a",))
    told = [(claim.kind, claim.text, place) for claim, place in grounds.resolve(said)]
    assert told == [
        ("time", "11:40:07", Place("a", 2, "first_at", "2026-03-01 11:40:07.250000+00:00")),
        ("name", "cart", Place("a", 1, "service", "cart")),
        ("name", "2.8.1", None),
        ("number", "812", Place("a", 2, "p95_ms", "812.4", "rounds to 812")),
    ]


CAUSE = Cause(
    1, "cart 2.8.0 fails", Resource("service", "cart", "2.8.0"), "errors", "deploy", 0.9,
    "confirmed", evidence_for=("a",), change="C1",
)  # fmt: skip
FOUND = replace(
    REPORT, title="cart fails", verdict="cause_found", confidence=0.9, causes=(CAUSE,),
    summary=(COUNTED,), next_steps=(NextStep("Roll cart back from 2.8.0.", reversible=True),),
)  # fmt: skip


def published(report: Report, lake: Lake) -> Report:
    """The report as it leaves the graph."""
    return alone(verify, lake, {"report": report})["report"]


def test_an_honest_report_stays_as_it_is(lake: Lake) -> None:
    done = published(FOUND, lake)
    assert (done.verdict, done.title, done.gaps) == ("cause_found", "cart fails", ())
    assert [one.text for one in done.summary] == [COUNTED.text]
    assert done.next_steps == FOUND.next_steps


def test_what_is_not_carried_goes_and_is_counted_by_kind(lake: Lake) -> None:
    bad = (
        COUNTED,
        Statement("web failed 34 times at 10:00:00.", ("a",)),
        Statement("All is well.", ("gone",)),
    )
    at = TimelineEntry(NOW, "cart departs", "signal", ("gone",))
    step = NextStep("Roll ledger-2 back.", reversible=True)
    done = published(replace(FOUND, summary=bad, timeline=(at,), next_steps=(step,)), lake)
    assert [one.text for one in done.summary] == [COUNTED.text]
    assert (done.timeline, done.next_steps, done.verdict) == ((), (), "cause_found")
    assert done.gaps[-1].text == (
        "Sentences removed, not carried by evidence: 4 "
        "(2 citations, 1 number, 1 name and 1 time not found)."
    )
    assert set(cited(done)) <= done.evidence.keys()


def test_a_cause_whose_words_do_not_hold_is_called_by_its_resource(lake: Lake) -> None:
    wrong = replace(CAUSE, text="cart 2.8.0 fails 77 times", reason="It follows from ledger-2.")
    (cause,) = published(replace(FOUND, causes=(wrong,)), lake).causes
    assert (cause.text, cause.reason) == ("service cart 2.8.0", "")


def test_a_verdict_whose_cause_cites_what_is_not_there_is_no_verdict(lake: Lake) -> None:
    done = published(replace(FOUND, causes=(replace(CAUSE, evidence_for=("gone",)),)), lake)
    assert (done.verdict, done.causes[0].status) == ("inconclusive", "weakened")
    assert done.confidence < 0.5
    assert "Roll" not in done.next_steps[0].text
    assert done.gaps[-1].text == (
        "The verdict was cause found, but its cause cites no evidence that is there."
    )
    assert set(cited(done)) <= done.evidence.keys()


def test_a_verdict_of_which_no_sentence_is_left_that_names_the_cause_is_none(lake: Lake) -> None:
    unsaid = replace(CAUSE, text="cart 2.8.0 fails 77 times")
    done = published(replace(FOUND, causes=(unsaid,), summary=()), lake)
    assert (done.verdict, done.title) == ("inconclusive", "No cause could be named")


def test_a_change_is_not_blamed_for_what_its_control_does_not_carry(lake: Lake) -> None:
    control = Control("old_against_new", "implicates", "2.8.0 failed 77 times.", ("a",))
    blamed = replace(REPORT.changes[0], verdict="implicated", controls=(control,))
    done = published(replace(FOUND, changes=(blamed,)), lake)
    assert done.changes[0].controls[0].verdict == "not_assessable"
    assert done.verdict == "inconclusive"


def test_that_all_is_well_rests_on_a_sentence(lake: Lake) -> None:
    well = replace(REPORT, verdict="no_incident", summary=(Statement("web is well.", ("gone",)),))
    assert published(well, lake).verdict == "inconclusive"


def test_evidence_is_numbered_in_reading_order_and_the_uncited_follows() -> None:
    summary = (Statement("one", ("c",)), Statement("two", ("a", "c")))
    report = replace(REPORT, summary=summary, evidence=EVIDENCE)
    done = numbered(report)
    assert [s.evidence for s in done.summary] == [("E1",), ("E2", "E1")]
    assert list(done.evidence) == ["E1", "E2", "E3", "E4"]
    assert all(name == evidence.id for name, evidence in done.evidence.items())
    assert set(cited(done)) <= done.evidence.keys()


def test_a_drill_down_whose_sentence_its_evidence_does_not_hold_goes_and_is_counted(
    lake: Lake,
) -> None:
    held = Evidence("drill", "?", "drill_cells", "SELECT 71 AS bad, 74 AS requests", {}, 1, "")
    said = "Of 74 requests to payment, 71 failed."
    true = Drilldown("payment", "errors", said, NOW, NOW, 74, 71, evidence=("drill",))
    false = replace(true, text="Of 74 requests to payment, 72 failed.")
    report = replace(REPORT, evidence={"drill": held}, drilldowns=(true, false))
    done = alone(verify, lake, {"report": report})["report"]
    assert [one.text for one in done.drilldowns] == [said]
    assert "not carried by evidence: 1 (1 number not found)." in done.gaps[-1].text
