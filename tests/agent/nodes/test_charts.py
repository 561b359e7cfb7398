"""Charts of cohorts: the new against the old on shared axes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd

from agent.analysis.topology import Topology
from agent.nodes.charts import Cohort, of_cohorts
from agent.nodes.facts import Facts
from agent.state import Change, Incident, Mark, Window

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FACTS = Facts(
    window=Window(START, START + timedelta(minutes=5), 60),
    incident=Incident(START, START, START + timedelta(minutes=5)),
    symptom=(),
    signals=(),
    calls=(),
    changes={
        "C1": Change("C1", "deploy", "payment 2.0", "payment"),
        "C2": Change("C2", "deploy", "search 7", "search"),
    },
    topology=Topology([]),
    services=frozenset({"payment", "search"}),
)
MARKS = (Mark(START, "payment 2.0", "implicated"), Mark(START, "search 7", "cleared"))
OLD = Cohort(
    "1.9",
    "good",
    pd.DataFrame(
        {
            "bucket": [0, 1, 4],
            "requests": [10, 10, 10],
            "own_failed": [0, 0, 1],
            "own_p95_ns": [9_000_000, 8_000_000, 9_000_000],
        }
    ),
)
NEW = Cohort(
    "2.0",
    "bad",
    pd.DataFrame(
        {"bucket": [1, 2], "requests": [4, 8], "own_failed": [1, 8], "own_p95_ns": [1e9, 2e9]}
    ),
)


def test_cohorts_share_a_chart_of_own_time_and_one_of_own_failures_drawn_side_by_side() -> None:
    time, failures = of_cohorts("payment", [OLD, NEW], FACTS, "by_version:payment", MARKS)
    assert {time.group, failures.group} == {"cohorts of payment"}
    assert [(s.name, s.role) for s in time.series] == [("1.9", "good"), ("2.0", "bad")]
    assert [value for _, value in time.series[1].points] == [1000.0, 2000.0]
    assert [value for _, value in failures.series[1].points] == [25.0, 100.0]


def test_a_cohort_that_did_not_serve_leaves_a_gap() -> None:
    time, _ = of_cohorts("payment", [OLD], FACTS, "e", MARKS)
    assert [value for _, value in time.series[0].points] == [9.0, 8.0, None, None, 9.0]


def test_only_the_changes_of_the_service_are_marked() -> None:
    for chart in of_cohorts("payment", [OLD, NEW], FACTS, "e", MARKS):
        assert [mark.label for mark in chart.marks] == ["payment 2.0"]


def test_the_incident_is_shaded_where_it_is_known() -> None:
    begun = replace(FACTS, incident=replace(FACTS.incident, started_at=START))
    assert of_cohorts("payment", [OLD], FACTS, "e", ())[0].shaded is None
    assert of_cohorts("payment", [OLD], begun, "e", ())[0].shaded == (START, FACTS.window.end)
