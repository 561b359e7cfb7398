"""Every tool keeps the rules that let its answer be run again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import agent.tools.catalogue as catalogue
from agent.tools.catalogue import TOOLS, tool
from lake.store import Lake
from tests.agent.tools.rows import VALUES, Row, counter, moment, point, put, span, sql
from tests.agent.world import Release, record

FOLDER = Path(catalogue.__file__).parent


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Every kind of telemetry, each in two data files whose rows share times, series and keys."""
    with Lake.create(tmp_path_factory.mktemp("tools") / "lake") as lake:
        releases = (Release("payment", "2.8.0", "2.7.9", (300.0, 390.0)),)
        record(lake, releases=releases, held_s=(400.0, 560.0))
        for part in range(2):
            for table, rows in _more(part).items():
                put(lake, table, rows, f"part {part}")
        yield lake


def _more(part: int) -> dict[str, list[Row]]:
    seconds = range(part, 700, 2)
    return {
        "trace_span": [
            span(f"m{s}", "server", "app", s * 1000, s, trace=f"m{s}")
            | {"workload": {"service": "app", "node": f"node-{s % 3}"}}
            for s in seconds
        ],
        "http_activity": [
            {"time": moment(s), "duration": s, "http_response": {"code": 500 if s % 9 else 200}}
            for s in seconds
        ],
        "log_record": [
            {
                "time": moment(s // 10),
                "severity_id": s % 5,
                "message": f"took {s} ms" if s % 3 else None,
                "workload": {"service": "payment", "version": f"2.{s % 4}.0"},
            }
            for s in seconds
        ],
        "metric_point": [row for s in seconds for row in _points(s)],
        "application_lifecycle": [
            {
                "time": moment(s // 10),
                "activity_id": 3 + s % 2,
                "workload": {"service": "payment", "instance": f"payment-{s % 3}"},
                "change": {"uid": f"{s % 7}", "state": f"{s % 5}"},
            }
            for s in seconds
        ]
        + [
            {
                "time": moment(-3600 - 300 * (s // 3)),
                "app": {"name": f"s{s % 3}", "version": f"{s // 3 % 2}"},
                "change": {"uid": f"past {s}", "kind": "deploy"},
            }
            for s in seconds
        ],
        "detection_finding": [
            {"time": moment(s // 10), "finding_info": {"uid": f"{s % 3}", "desc": f"{s}"}}
            for s in seconds
        ]
        + [
            {
                "time": moment(-7000 * (s // 9)),
                "workload": {"service": f"s{s % 4}" if s % 4 else None},
            }
            for s in seconds
        ],
        "incident_finding": [
            {"time": moment(s), "start_time": moment(s // 10), "impacted_services": ["payment"]}
            for s in seconds
        ],
        "network_activity": [
            {
                "time": moment(s),
                "src_endpoint": {"ip": f"10.0.0.{s % 5}", "port": 40000 + s},
                "dst_endpoint": {"ip": f"10.0.0.{s % 3}", "port": 5432 if s % 2 else 80},
            }
            for s in seconds
        ],
        "entity_management": [
            {
                "time": moment(s // 10),
                "activity_id": 4 if s % 11 == 0 else 2,
                "metadata": {"log_name": "topology"},
                "workload": {"service": f"s{s % 7}"},
                "entity": {"name": f"s{s % 5}", "type": "service"},
            }
            for s in seconds
        ],
        "kubernetes_object": [_object(s) for s in seconds],
        "kubernetes_event": [
            {
                "time": moment(s),
                "object": {"kind": "Pod", "name": f"pod-{s % 7}"},
                "reason": "BackOff" if s % 2 else "Unhealthy",
                "severity_id": 3,
                "count": s,
            }
            for s in seconds
        ],
        "quarantine": [
            {"time": moment(s), "source": "nginx", "reason": f"{s % 3}"} for s in seconds
        ],
    }


def _object(s: int) -> Row:
    """A pod that is well or not, and where it runs."""
    return {
        "time": moment(s // 10),
        "workload": {"service": f"s{s % 3}", "node": f"n{s % 2}"},
        "object": {"kind": "Pod", "name": f"pod-{s % 5}"},
        "severity_id": 4 if s % 3 else 1,
        "reason": f"reason {s % 4}",
        "restart_count": s % 7 if s % 2 else None,
        "unmapped": f'{{"row": {{"IP": "10.0.0.{s % 5}"}}}}',
    }


def _points(s: int) -> Iterator[Row]:
    """Series that share instance and version, a reset, a delta, a histogram."""
    for series in range(8):
        yield point(s, s * series % 11 / 7, VALUES["metric"], f"used {series}")
        yield point(s, 10.0 + series, VALUES["ceiling"], f"max {series}")
        yield counter(s, s * series % 300 / 7, f"requests {series}")
        delta = {"temporality": "delta", "start_time": moment(s - 1)}
        yield counter(s, s / 7, f"delta {series}", metric_name="sent", **delta)
        histogram = {"metric_type": "histogram", "temporality": "cumulative", "count": s * s}
        yield point(s, None, "duration", f"duration {series}", **histogram)
    other = {"service": "payment", "version": "2.8.0", "instance": "payment-1"}
    yield point(s, s % 7, "heap", "heap of the other", workload=other)
    labels = f'{{"source_workload": "s{s % 5}", "destination_workload": "s{s % 3}"}}'
    yield point(s, s, "mesh", f"mesh {s % 15}", attributes=labels)


def test_every_file_is_listed_once_and_in_order() -> None:
    assert list(TOOLS) == sorted(path.stem for path in FOLDER.glob("*.sql"))


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_asks_a_question_whose_values_its_sql_has(name: str) -> None:
    asked = tool(name)
    assert asked.question.endswith("?")
    assert set(re.findall(r"\$(\w+)", asked.question)) <= set(re.findall(r"\$(\w+)", asked.sql))


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_uses_nothing_that_differs_from_run_to_run(name: str) -> None:
    text = tool(name).sql.lower()
    assert not re.search(r"\b(now|random|any_value|first|last|avg|stddev|approx_\w+)\s*\(", text)
    assert re.search(r"\norder by .+(\nlimit \d+)?\Z", text)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_gives_the_same_answer_with_any_number_of_threads(name: str, lake: Lake) -> None:
    one, four = (lake.at(threads=threads).ask(sql(name)) for threads in (1, 4))
    assert len(one) > 0
    assert one.digest == four.digest
    assert one.columns == four.columns


def test_own_time_is_what_no_call_covers_and_own_failures_are_no_callees(lake: Lake) -> None:
    rows = lake.at().ask(sql("levels")).dicts()
    web = [row for row in rows if row["service"] == "web"]
    assert len(web) == 3
    assert all(row["own_p95_ms"] < row["p95_ms"] / 2 for row in web)
    assert sum(row["own_failed"] for row in web) < sum(row["failed"] for row in web)
