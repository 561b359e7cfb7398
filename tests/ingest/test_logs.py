"""What sources of logs make of times without a year, of pieces, and of ids in several spellings."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from ingest.source import connect, load

SOURCES = load()
JANUARY = datetime(2025, 1, 20, 12, tzinfo=UTC)


def mapped(
    name: str, texts: list[str], path: str = "app.log", arrival: datetime = JANUARY
) -> list[dict[str, Any]]:
    """The rows that a source makes of lines or documents, in their order."""
    source = SOURCES[name]
    raw = source.reader.empty().schema.names
    columns: list[Any] = [range(1, len(texts) + 1), texts, [path] * len(texts)]
    table = pa.table(dict(zip(raw, [*columns, [arrival] * len(texts)], strict=True)))
    with connect(source.folder) as connection:
        connection.register("raw", table)
        rows = connection.sql(f"FROM ({source.sql}) ORDER BY position").to_arrow_table().to_pylist()
    return [row for row in rows if row["problem"] != ""]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("syslog_rfc3164", "<13>Dec 31 23:59:59 web-1 app[7]: the year ends"),
        ("syslog_rfc3164", "Dec 31 23:59:59 web-1 app: the year ends"),
        ("text_log", "Dec 31 23:59:59 the year ends"),
        ("text_log", "I1231 23:59:59.000000       1 main.go:9] the year ends"),
        ("haproxy", "Dec 31 23:59:59 lb-1 haproxy[7]: the year ends"),
    ],
)
def test_a_time_without_a_year_is_the_last_before_it_arrived(name: str, line: str) -> None:
    for arrival, year in ((JANUARY, 2024), (datetime(2025, 12, 31, 20, tzinfo=UTC), 2025)):
        (row,) = mapped(name, [line], arrival=arrival)
        assert row["time"] == datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
        assert row["message"] == "the year ends"
        assert json.loads(row["unmapped"])["year_from_arrival"] is True


def test_the_29th_of_february_without_a_year_is_of_the_last_leap_year_that_arrival_allows() -> None:
    (row,) = mapped("text_log", ["Feb 29 10:00:00 leap"])
    assert row["time"] == datetime(2024, 2, 29, 10, tzinfo=UTC)


def test_klogs_levels_are_letters() -> None:
    lines = [f"{letter}0115 10:00:00.123456       1 main.go:9] text" for letter in "IWEF"]
    rows = mapped("text_log", lines)
    assert [row["severity_id"] for row in rows] == [1, 3, 4, 6]
    assert {row["message"] for row in rows} == {"text"}


@pytest.mark.parametrize(
    ("path", "service", "pod", "container"),
    [
        (
            "/var/log/pods/shop_cart-5d8c7b9f6d-x2k4j_9c1d8e7f-0000-4000-8000-000000000001/app/3.log",
            "shop",
            "cart-5d8c7b9f6d-x2k4j",
            "app",
        ),
        (f"containers/web-0_prod_nginx-{'0a' * 32}.log", "prod", "web-0", "nginx"),
    ],
)
@pytest.mark.parametrize("name", ["cri", "docker_json"])
def test_the_path_of_a_log_names_pod_and_container(
    name: str, path: str, service: str, pod: str, container: str
) -> None:
    line = {
        "cri": "2025-01-15T10:00:00Z stdout F text",
        "docker_json": '{"log":"text\\n","stream":"stdout","time":"2025-01-15T10:00:00Z"}',
    }[name]
    (row,) = mapped(name, [line], path)
    assert (row["workload"]["namespace"], row["workload"]["pod"]) == (service, pod)
    assert json.loads(row["attributes"])["container.name"] == container


def test_pieces_of_two_streams_are_joined_each_by_itself() -> None:
    at = "2025-01-15T10:00:00Z"
    lines = [f"{at} stdout P a", f"{at} stderr P 1", f"{at} stdout F b", f"{at} stderr F 2"]
    assert [row["message"] for row in mapped("cri", lines)] == ["ab", "12"]


@pytest.mark.parametrize("name", ["cri", "docker_json"])
def test_a_line_of_very_many_pieces_is_joined_in_one_go(name: str) -> None:
    piece = {
        "cri": "2025-01-15T10:00:00Z stdout P text",
        "docker_json": '{"log":"text","stream":"stdout","time":"2025-01-15T10:00:00Z"}',
    }[name]
    started = time.process_time()
    (row,) = mapped(name, [piece] * 30_000)
    assert row["message"] == "text" * 30_000
    assert time.process_time() - started < 15, "it once took the square of the pieces"


@pytest.mark.parametrize(
    ("ids", "trace", "span"),
    [
        (
            {"dd.trace_id": "18446744073709551615", "dd.span_id": "1"},
            f"{'f' * 16:0>32}",
            f"{1:016}",
        ),
        ({"trace_id": "A" * 32, "span_id": "B" * 16}, "a" * 32, "b" * 16),
        ({"traceId": "c" * 16}, "0" * 16 + "c" * 16, None),
        ({"trace_id": "0" * 32, "span_id": "0" * 16}, None, None),
        ({"trace_id": "1e5", "span_id": "00123"}, None, None),
    ],
)
def test_ids_of_traces_are_told_in_one_form_and_others_stay_attributes(
    ids: dict[str, str], trace: str | None, span: str | None
) -> None:
    (row,) = mapped("json_log", [json.dumps({"time": "2025-01-15T10:00:00Z", "msg": "m"} | ids)])
    assert (row["trace_uid"], row["span_uid"]) == (trace, span)
    if not trace:
        assert json.loads(row["attributes"]) == ids


def test_a_document_with_a_key_twice_is_kept_as_it_was() -> None:
    twice = '{"time":"2025-01-15T10:00:00Z","msg":"a","msg":"b"}'
    once = '{"time":"2025-01-15T10:00:00Z","msg":"a"}'
    assert [row["raw_data"] for row in mapped("json_log", [twice, once])] == [twice, None]
