"""A report as an OCSF Incident Finding: valid, complete, and no surer than the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ocsf_json_schema import get_ocsf_schema  # type: ignore[import-untyped]  # has no types

from agent.report.finding import finding
from agent.state import Report
from lake import schema
from lake.store import Lake
from tests.agent.report import samples

Row = dict[str, Any]
REPORTS: tuple[Callable[[], Report], ...] = (
    samples.cause_found,
    samples.no_incident,
    samples.inconclusive,
)
CORE = get_ocsf_schema(schema.OCSF_VERSION)
OURS = {"workload", "cause", "change", "impacted_services", "ocsf_rest", "ingested_at"}
TYPES = {"string_t": str, "boolean_t": bool, "float_t": float, "integer_t": int, "long_t": int}


def row(report: Report) -> Row:
    (only,) = finding(report, f"reports/{report.id}/report.html").to_pylist()
    return dict(only)


def event(of: Row) -> Row:
    """The row as an export gives it: rest and columns together, times in milliseconds."""
    columns = {key: value for key, value in of.items() if key not in OURS and value is not None}
    times = {k: int(v.timestamp() * 1000) for k, v in columns.items() if isinstance(v, datetime)}
    rest = json.loads(of["ocsf_rest"])
    uids = {"class_uid": 2005, "category_uid": 2, "type_uid": 200500 + of["activity_id"]}
    metadata = {key: value for key, value in of["metadata"].items() if value is not None}
    return {**uids, **columns, **times, **rest, "metadata": {**metadata, **rest["metadata"]}}


def faults(value: Row, shape: Row, place: str) -> Iterator[str]:
    """Where an object departs from OCSF: what it lacks, what is unknown, types and enums."""
    attributes = shape["attributes"]
    for name, attribute in attributes.items():
        if attribute["requirement"] == "required" and not attribute.get("profiles"):
            yield from () if name in value else (f"{place} lacks {name}",)
    one_of = (shape.get("constraints") or {}).get("at_least_one", value)
    if value and not set(one_of) & value.keys():
        yield f"{place} has none of {one_of}"
    for name, one in value.items():
        if name not in attributes:
            yield f"{place} has an unknown {name}"
            continue
        for member in one if attributes[name].get("is_array") else [one]:
            yield from _member_faults(member, attributes[name], f"{place}.{name}")


def _member_faults(value: Any, attribute: Row, place: str) -> Iterator[str]:
    if attribute["type"] == "object_t":
        yield from faults(value, CORE["objects"][attribute["object_type"]], place)
        return
    types = CORE["dictionary"]["types"]["attributes"]
    kind = types[attribute["type"]].get("type", attribute["type"])
    if type(value) is not TYPES[kind]:
        yield f"{place} is {value!r}, not of {kind}"
    if attribute.get("enum") and str(value) not in attribute["enum"]:
        yield f"{place} is {value!r}, none of its enum"


@pytest.mark.parametrize("report", REPORTS, ids=lambda sample: sample.__name__)
def test_a_finding_is_valid_ocsf(report: Callable[[], Report]) -> None:
    found = list(faults(event(row(report())), CORE["classes"]["incident_finding"], "finding"))
    assert found == []


def test_the_validator_of_this_file_sees_what_is_wrong() -> None:
    broken = event(row(samples.cause_found())) | {"verdict_id": 77, "time": "noon", "colour": "red"}
    del broken["assignee"], broken["metadata"]["product"]
    found = list(faults(broken, CORE["classes"]["incident_finding"], "finding"))
    assert sorted(fault.split()[1] for fault in found) == ["has", "has", "is", "is", "lacks"]


def test_a_cause_is_kept_with_the_change_that_is_to_blame() -> None:
    found = row(samples.cause_found())
    assert found["workload"]["service"] == "pricing"
    assert found["workload"]["version"] == "4.2.0"
    assert found["cause"] == {
        "kind": "service",
        "indicator": "saturation",
        "mechanism": "deploy",
        "probability": 0.93,
    }
    assert (found["change"]["kind"], found["change"]["revision"]) == ("deploy", "a1f9c3e")
    assert found["impacted_services"] == ["orders", "storefront"]
    assert found["src_url"] == "reports/inq-20260309-2118-orders/report.html"
    assert (found["verdict_id"], found["confidence_id"], found["confidence_score"]) == (2, 3, 93)
    assert found["start_time"] == samples.at("21:12:40")


def test_a_candidate_that_was_not_found_guilty_is_not_named() -> None:
    report = samples.inconclusive()
    assert report.causes
    found = row(report)
    assert (found["workload"], found["cause"], found["change"]) == (None, None, None)
    assert (found["verdict_id"], found["confidence_id"], found["confidence_score"]) == (7, 1, 41)


def test_a_change_that_was_not_implicated_is_not_blamed() -> None:
    report = samples.cause_found()
    changes = tuple(replace(change, verdict="cleared") for change in report.changes)
    assert row(replace(report, changes=changes))["change"] is None


def test_an_alert_about_nothing_is_a_false_positive_and_a_question_about_nothing_is_not() -> None:
    asked = samples.no_incident()
    alarmed = replace(asked, incident=replace(asked.incident, alerts=("SearchSlow",)))
    assert [row(asked)["verdict_id"], row(alarmed)["verdict_id"]] == [5, 1]
    assert row(asked)["start_time"] == asked.incident.detected_at


def test_what_still_hurts_is_more_severe_than_what_is_over() -> None:
    report = samples.cause_found()
    over = replace(report, incident=replace(report.incident, ended_at=samples.at("21:25:00")))
    calm = samples.no_incident()
    assert [row(one)["severity_id"] for one in (calm, over, report)] == [1, 3, 4]


def test_text_that_would_command_a_terminal_is_stored_without_its_power() -> None:
    found = row(replace(samples.cause_found(), title="bad\x1b[2J \u202ename\nof a service"))
    assert found["desc"] == "bad name of a service"


def test_a_finding_reads_back_from_the_lake_once_however_often_it_is_given(tmp_path: Path) -> None:
    report = samples.cause_found()
    with Lake.create(tmp_path / "lake") as lake:
        for _ in range(2):
            lake.append("incident_finding", finding(report, "page"), report.id)
        rows = lake.at().ask("SELECT * EXCLUDE (ingested_at) FROM incident_finding").dicts()
    expected = row(report) | {"src_url": "page"}
    del expected["ingested_at"]
    assert rows == [expected]
