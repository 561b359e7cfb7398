"""Sentences that their evidence does not carry go; what stays is numbered as it is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.nodes.verify import carries, numbered, numbers_in, verify
from agent.report.words import cited
from agent.state import Drilldown, Evidence, Incident, Report, Statement
from lake.store import Lake
from tests.agent.nodes.alone import alone

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ROWS = [{"failed": 34, "requests": 1203, "failed_percent": 2.83, "during": True, "levels": [7.125]}]
EVIDENCE = {
    name: Evidence(name, "?", "impact", "SELECT 1", {}, 1, "sha256:00") for name in ("a", "b", "c")
}

REPORT = Report("r", "t", "inconclusive", 0.0, NOW, Incident(NOW, NOW, NOW))


def cells(_ids: Iterable[str]) -> list[float]:
    return list(numbers_in(ROWS))


@pytest.mark.parametrize(
    "text",
    [
        "34 of 1203 requests failed (2.83 %).",
        "34 of 1,203 requests failed, 2.8 %.",
        "7.12 connections were in use from 12:00:10 on 2.8.0, by p95 and C3.",
        "cart began to write the log “took <num> of 99 tries”.",
        "No number at all.",
    ],
)
def test_a_sentence_whose_numbers_stand_in_its_rows_is_carried(text: str) -> None:
    assert carries(Statement(text, ("a",)), EVIDENCE, cells)


@pytest.mark.parametrize(
    "text", ["35 of 1203 requests failed.", "2.9 % failed.", "It took 412 ms.", "1,204 requests."]
)
def test_a_sentence_with_a_number_of_its_own_is_not(text: str) -> None:
    assert not carries(Statement(text, ("a",)), EVIDENCE, cells)


def test_a_sentence_that_cites_nothing_or_nothing_there_is_not() -> None:
    assert not carries(Statement("Well."), EVIDENCE, cells)
    assert not carries(Statement("Well.", ("a", "z")), EVIDENCE, cells)


def test_evidence_is_numbered_in_reading_order_and_the_uncited_follows() -> None:
    summary = (Statement("one", ("c",)), Statement("two", ("a", "c")))
    report = replace(REPORT, summary=summary, evidence=EVIDENCE)
    done = numbered(report)
    assert [s.evidence for s in done.summary] == [("E1",), ("E2", "E1")]
    assert list(done.evidence) == ["E1", "E2", "E3"]
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
    assert "not carried by evidence: 1." in done.gaps[-1].text
