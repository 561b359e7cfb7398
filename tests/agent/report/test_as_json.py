"""JSON: what is written is read back, and what cannot be read is named in one sentence."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import agent.report
from agent.report.as_json import ReportError, dump, load, schema
from agent.state import Evidence, Report
from tests.agent.conftest import Golden
from tests.agent.report import samples

REPORTS = [samples.cause_found(), samples.no_incident(), samples.inconclusive()]
each = pytest.mark.parametrize("report", REPORTS, ids=lambda report: str(report.verdict))


def plain(report: Report) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(dump(report))
    return read


def fault(changed: dict[str, Any]) -> str:
    with pytest.raises(ReportError) as caught:
        load(json.dumps(changed))
    return str(caught.value)


@each
def test_a_report_survives_the_journey(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(dump(report), encoding="utf-8")
    assert load(path) == load(dump(report)) == report


def test_a_hop_is_written_from_and_to() -> None:
    hop = plain(samples.cause_found())["causes"][0]["path"][0]
    assert (hop["from"], hop["to"]) == ("pricing 4.2.0", "orders")


def test_evidence_is_in_the_order_of_its_ids_whatever_the_order_of_finding() -> None:
    report = samples.cause_found()
    shuffled = replace(report, evidence=dict(sorted(report.evidence.items(), reverse=True)))
    assert dump(shuffled) == dump(report)
    assert list(plain(shuffled)["evidence"]) == [f"E{number}" for number in range(1, 11)]


def test_a_point_of_a_chart_stays_on_one_line() -> None:
    assert '["2026-03-09T20:00:00Z", null]' in dump(
        replace(
            samples.no_incident(),
            charts=(
                replace(
                    (chart := samples.no_incident().charts[0]),
                    series=(
                        replace(chart.series[0], points=((samples.at("20:00:00"), math.nan),)),
                    ),
                ),
            ),
        )
    )


def test_the_committed_schema_is_current(golden: Golden) -> None:
    path = Path(agent.report.__path__[0]) / "report.schema.json"
    golden(path, json.dumps(schema(), indent=2) + "\n")


@each
def test_the_schema_names_every_field_that_is_written(report: Report) -> None:
    definitions = schema()["$defs"]
    written = plain(report)
    assert set(written) == set(schema()["properties"])
    assert set(written["incident"]) == set(definitions["Incident"]["properties"])
    for one in written["evidence"].values():
        assert set(one) == set(definitions["Evidence"]["properties"])


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        ("verdict", "guilty", "verdict is 'guilty', expected 'cause_found', 'no_incident',"),
        ("confidence", "high", "confidence is 'high', expected a valid number"),
        ("created_at", "yesterday", "created_at is 'yesterday', expected a valid datetime"),
        ("created_at", "2026-03-09T20:00:00", "created_at has no time zone, expected UTC"),
        ("charts", {}, "charts is {}, expected a valid"),
        ("mood", "good", "mood is not a field of the schema"),
        ("schema_version", "2", "schema_version is '2', expected '1'"),
        ("schema_version", [], "schema_version is [], expected '1'"),
    ],
)
def test_a_fault_names_its_place_and_what_was_expected(
    place: str, value: object, sentence: str
) -> None:
    assert fault({**plain(samples.no_incident()), place: value}).startswith(
        f"the report: {sentence}"
    )


def test_a_fault_deep_inside_is_found() -> None:
    changed = plain(samples.cause_found())
    changed["causes"][0]["indicator"] = "slowness"
    assert "causes.0.indicator is 'slowness', expected 'latency', 'errors'" in fault(changed)


def test_several_faults_are_counted_in_one_sentence() -> None:
    assert fault({"id": "x"}) == "the report: title is missing (4 more faults)."


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"id": "\\ud800"', "\ud800", "NaN"])
def test_what_is_not_json_is_told_in_a_sentence(text: str) -> None:
    with pytest.raises(ReportError, match=r"^the report: .*expected"):
        load(text)


def test_a_long_wrong_value_is_cut_short() -> None:
    assert len(fault({**plain(samples.no_incident()), "verdict": "x" * 10_000})) < 250


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"nowhere\.json: cannot be read"):
        load(tmp_path / "nowhere.json")
    (tmp_path / "latin.json").write_bytes(b'{"id": "\xe9"}')
    with pytest.raises(ReportError, match=r"latin\.json: byte 8 is not UTF-8"):
        load(tmp_path / "latin.json")


def test_a_sample_cell_that_json_cannot_write_becomes_null() -> None:
    one = Evidence("E1", "q", "t", "SELECT 1", {}, 1, "d", ("x",), ({"x": math.inf},))
    written = plain(replace(samples.no_incident(), evidence={"E1": one}))
    assert written["evidence"]["E1"]["sample"] == [{"x": None}]
