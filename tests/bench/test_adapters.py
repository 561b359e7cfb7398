"""Adapters know a layout by its shape, whatever its names, and leave in the lake what it says."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.store import Lake
from tests.bench.adapters import Case, adapter_for
from tests.bench.adapters.nodes import calls_of
from tests.bench.adapters.points import moments, told_apart

A_MINUTE = timedelta(minutes=1)


def write(path: Path, text: str) -> str:
    """Write a file of the pack, packed if its name says so; its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path.name


def taken_in(pack: Path, case: Case, tmp_path: Path) -> tuple[Any, list[dict[str, Any]]]:
    """What is asked about a case, and the points that are in its lake."""
    adapter = adapter_for(pack, case)
    assert adapter
    with Lake.create(tmp_path / "lake") as lake:
        request = adapter.take_in(lake, pack, case)
        rows = lake.at().ask(
            "SELECT workload.service AS service, metric_name AS metric, attributes, time, value "
            "FROM metric_point ORDER BY time, service, metric, attributes"
        )
    return request, rows.arrow.to_pylist()


def test_what_is_of_no_layout_has_no_adapter(tmp_path: Path) -> None:
    assert adapter_for(tmp_path, {"case": "x", "set": "y", "rank": "service"}) is None


def test_two_recordings_follow_each_other_whatever_their_clocks(tmp_path: Path) -> None:
    case = {
        "case": "x",
        "normal": write(
            tmp_path / "n.csv.gz", "time,a_cpu,b_cpu\n1700000000,1,2\n1700000001,1,2\n"
        ),
        "anomalous": write(
            tmp_path / "a.csv", "time,a_cpu,b_cpu\n1600000000,9,0.1234567890123456\n"
        ),
    }
    request, points = taken_in(tmp_path, case, tmp_path)
    assert request.calm[1] <= request.at < request.until
    assert [p["value"] for p in points if p["time"] >= request.at] == [9.0, 0.1234567890123456]
    assert all(request.calm[0] <= p["time"] < request.calm[1] for p in points[:4])
    assert {(p["service"], p["metric"]) for p in points} == {("a", "cpu"), ("b", "cpu")}


def test_service_and_metric_are_told_though_both_hold_the_separator() -> None:
    columns = [
        "my_cart_cpu",
        "my_cart_lat_50",
        "web_cpu",
        "web_lat_50",
        "web_lat_90",
        "db_cpu",
        "up",
    ]
    assert told_apart(columns) == {
        "my_cart_cpu": ("my_cart", "cpu"),
        "my_cart_lat_50": ("my_cart", "lat_50"),
        "web_cpu": ("web", "cpu"),
        "web_lat_50": ("web", "lat_50"),
        "web_lat_90": ("web", "lat_90"),
        "db_cpu": ("db", "cpu"),
        "up": ("up", "value"),
    }


def test_nodes_come_with_three_header_rows_an_alert_and_calls(tmp_path: Path) -> None:
    table = (
        "node,a,A,a\nmetric,latency,latency,requests\nstatistic,p90,p90,Sum\nunix_timestamp,,,\n"
    )
    case = {
        "case": "x",
        "at": "2026-03-01T12:05:00Z",
        "alert": {"node": "a", "metric": "latency", "timestamp": 1772366700},
        "metrics": write(tmp_path / "m.csv", f"{table}1772366400.0,1,2,3\n1772366700.0,4,,6\n"),
        "baseline": write(
            tmp_path / "b.csv.gz", f"{table}1762366400.0,1,2,3\n1762366700.0,1,2,3\n"
        ),
        "graph": write(tmp_path / "g.csv", ",a,A\na,0.0,1.0\nA,0.0,0.0\n"),
    }
    request, points = taken_in(tmp_path, case, tmp_path)
    at = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
    assert (request.at, request.service) == (at, "a")
    assert request.calm[0] == datetime.fromtimestamp(1762366400, UTC)
    late = [p for p in points if p["time"] == at]
    assert [(p["service"], p["metric"], p["value"]) for p in late] == [
        ("a", "latency", 4.0),
        ("a", "requests", 6.0),
    ]
    assert json.loads(late[0]["attributes"]) == {"statistic": "p90"}
    assert {p["service"] for p in points} == {"a", "A"}
    with Lake.open(tmp_path / "lake") as lake:
        (alert,) = (
            lake.at().ask("SELECT workload.service AS service FROM detection_finding").dicts()
        )
        edge = lake.at().ask(
            "SELECT workload.service AS caller, entity.name AS callee FROM entity_management"
        )
    assert alert == {"service": "a"}
    assert edge.dicts() == [{"caller": "a", "callee": "A"}]


def test_nodes_may_have_a_plain_header_no_baseline_and_a_list_of_calls(tmp_path: Path) -> None:
    case = {
        "case": "x",
        "at": "2023-11-14T22:14:00Z",
        "baseline": None,
        "metrics": write(tmp_path / "m.csv", "time,a_cpu,b_cpu\n1700000000,1,2\n1700000060,3,4\n"),
        "graph": write(tmp_path / "g.csv", "source,target\na,b\n"),
    }
    request, points = taken_in(tmp_path, case, tmp_path)
    assert (request.calm, request.service) == (None, None)
    assert {(p["service"], p["metric"]) for p in points} == {("a", "cpu"), ("b", "cpu")}
    assert list(calls_of(tmp_path / "g.csv")) == [("a", "b")]


def test_rows_are_the_trouble_with_both_ends_in(tmp_path: Path) -> None:
    matrix = "m0,m1\n" + "1,2\n" * 10
    case = {
        "case": "x",
        "rank": "metric",
        "rows": [3, 5],
        "train": write(tmp_path / "train.csv.gz", matrix),
        "test": write(tmp_path / "test.csv", matrix),
    }
    request, points = taken_in(tmp_path, case, tmp_path)
    assert len(points) == 2 * 16, "what came after the trouble is not known yet"
    assert len({p["time"] for p in points if request.at <= p["time"] < request.until}) == 3
    assert {p["metric"] for p in points} == {"m0", "m1"}


def test_an_api_is_a_service_of_its_own(tmp_path: Path) -> None:
    matrix = "host/a;GET,host/b;PUT\n" + "1,2\n" * 100
    case = {
        "case": "x",
        "rank": "api",
        "rows": [80, 90],
        "alert": {"node": "host/a;GET", "metric": "latency"},
        "latency": write(tmp_path / "l.csv", matrix),
        "throughput": write(tmp_path / "t.csv", matrix),
    }
    request, points = taken_in(tmp_path, case, tmp_path)
    assert request.service == "host/a;GET"
    assert request.calm[1] < request.at < request.until
    assert {(p["service"], p["metric"]) for p in points} == {
        (api, metric)
        for api in ("host/a;GET", "host/b;PUT")
        for metric in ("latency", "throughput")
    }


def test_windows_of_minutes_come_with_the_calm_minute_of_the_day(tmp_path: Path) -> None:
    header = "Time,TimeStamp,PodName,CpuUsage(m)\n"
    row = "2026-03-01 12:00:00.1 +0000 UTC m=+1.1,1772366400,web-7d4b9c6f5-x2x9z,5\n"
    write(tmp_path / "s/x/metrics.csv.gz", header + row)
    write(tmp_path / "s/x/12_00_log.csv.gz", "Timestamp,TimeUnixNano,Node,PodName,Container,Log\n")
    write(tmp_path / "s/_fault_free/2026-03-01/09_30_log.csv.gz", "Timestamp,PodName,Log\n")
    case = {"case": "s/x", "set": "s", "at": "2026-03-01T12:00:00Z", "dir": "s/x"}
    request, points = taken_in(tmp_path, case, tmp_path)
    nine_thirty = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert request.calm is not None
    assert request.calm[0] < nine_thirty < nine_thirty + A_MINUTE < request.calm[1]
    assert [(p["service"], p["metric"], p["value"]) for p in points] == [("web", "CpuUsage", 5.0)]


def test_windows_tell_calls_by_pods_levels_of_json_lines_and_edges(tmp_path: Path) -> None:
    web, cart = "web-7d4b9c6f5-x2x9z", "cart-59dcc9f97-7h2qs"
    write(tmp_path / "s/x/metrics.csv", "Time,TimeStamp,PodName,CpuUsage(m)\n")
    spans = [
        ("root", "1", web, "shop.Web/Home"),
        ("1", "2", web, "ask"),
        ("2", "3", cart, "shop.Cart/Get"),
        ("3", "4", cart, "sum"),
    ]
    write(
        tmp_path / "s/x/12_00_trace.csv",
        "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano\n"
        + "".join(
            f"{'7' * 32},{span * 16},{parent if parent == 'root' else parent * 16},{pod},{name},"
            "1772366400000000000,1772366400000001000\n"
            for parent, span, pod, name in spans
        ),
    )
    inner = json.dumps({"severity": "error", "message": "no such cart"}) + "\n"
    quoted = json.dumps({"log": inner, "stream": "stdout"}).replace('"', '""')
    write(
        tmp_path / "s/x/12_00_log.csv",
        "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log\n"
        f'2026-03-01T12:00:01Z,1772366401000000000,n,{cart},server,t,3,"{quoted}"\n',
    )
    write(tmp_path / "s/x/source_50.csv", "time,timestamp,web_cart\n,1772366400,7.5\n")
    write(tmp_path / "s/x/dependency.csv", "Source,Target,Weight\nweb,cart,1\n")
    case = {"case": "s/x", "set": "s", "at": "2026-03-01T12:00:00Z", "dir": "s/x"}
    request, points = taken_in(tmp_path, case, tmp_path)
    assert request.calm is None
    assert [(p["service"], p["metric"], p["value"]) for p in points] == [
        ("web", "latency_p50", 7.5)
    ]
    assert json.loads(points[0]["attributes"])["destination_workload"] == "cart"
    with Lake.open(tmp_path / "lake") as lake:
        kinds = lake.at().ask("SELECT span_kind AS kind FROM trace_span ORDER BY span_uid").dicts()
        (log,) = lake.at().ask("SELECT severity, message FROM log_record").dicts()
        (edge,) = lake.at().ask("SELECT entity.name AS callee FROM entity_management").dicts()
    assert [row["kind"] for row in kinds] == ["internal", "client", "server", "internal"]
    assert log == {"severity": "ERROR", "message": "no such cart"}
    assert edge == {"callee": "cart"}


@pytest.mark.parametrize("scale", [1, 10**3, 10**6, 10**9])
def test_epochs_are_read_in_whatever_unit(scale: int) -> None:
    found = moments([1_700_000_000 * scale, 1_700_000_060 * scale])
    assert found.tolist() == [
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        datetime(2023, 11, 14, 22, 14, 20, tzinfo=UTC),
    ]
