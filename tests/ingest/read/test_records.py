"""Lines become records: a stack trace belongs to the line that it follows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.read import lines, records, stream

NOW = datetime(2025, 1, 15, 12, tzinfo=UTC)

JAVA = """\
2025-01-15 10:00:00.123 [main] ERROR com.shop.Orders - no price
java.lang.IllegalStateException: no price for 7
\tat com.shop.Orders.place(Orders.java:42)
\tSuppressed: java.io.IOException: closed
Caused by: java.net.ConnectException: refused

\t... 12 more"""
PYTHON = """\
[2025-01-15 10:00:01,000] ERROR in app: failed
Traceback (most recent call last):
  File "/srv/app.py", line 3, in place
ValueError: 7"""
GO = """\
I0115 10:00:02.000000       1 main.go:9] starting
panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
main.main()
\t/src/main.go:12 +0x1d
exit status 2"""
NODE = """\
1736935203 error: cannot read
TypeError: Cannot read properties of undefined (reading 'id')
    at place (/srv/orders.js:3:7)"""


def read(path: Path) -> list[tuple[int, str]]:
    chunks = list(records.read(path, NOW))
    assert not [one for chunk in chunks for one in chunk.broken]
    return [(r["position"], r["line"]) for chunk in chunks for r in chunk.raw.to_pylist()]


def test_a_stack_trace_of_any_language_belongs_to_its_record(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("\n".join([JAVA, PYTHON, GO, NODE]) + "\n\n")
    assert read(tmp_path / "log") == [(1, JAVA), (8, PYTHON), (12, GO), (19, NODE)]


def test_a_time_within_the_line_begins_a_record_where_none_stands_in_front(tmp_path: Path) -> None:
    held = ["orders-1 2025-01-15T10:00:00Z a", "  b", "orders-1 2025-01-15T10:00:01Z c\nd"]
    (tmp_path / "log").write_text("\n".join(held))
    assert read(tmp_path / "log") == [(1, held[0] + "\n" + held[1]), (3, held[2])]


def test_a_time_in_a_continuation_begins_no_record(tmp_path: Path) -> None:
    text = "2025-01-15T10:00:00Z failed\nValueError: bad date 2025-01-15T10:00:00"
    (tmp_path / "log").write_text(text)
    assert read(tmp_path / "log") == [(1, text)]


def test_without_any_time_every_line_is_a_record_but_those_of_a_trace(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(
        "started\nlistening\nTraceback (most recent call last):\n  x\nend"
    )
    assert read(tmp_path / "log") == [
        (1, "started"),
        (2, "listening\nTraceback (most recent call last):\n  x"),
        (5, "end"),
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.text("aé 7", min_size=1, max_size=9)), max_size=40),
    st.integers(1, 300),
)
def test_where_a_file_is_cut_into_chunks_changes_nothing(
    tmp_path: Path, made: list[tuple[bool, str]], size: int
) -> None:
    texts = [f"2025-01-15 10:00:00 {text}." if begins else f"  {text}." for begins, text in made]
    (tmp_path / "log").write_text("2025-01-15 10:00:00 first\n" + "\n".join(texts))
    whole = read(tmp_path / "log")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "CHUNK_BYTES", 1000)
        patch.setattr(stream, "BLOCK_BYTES", size)
        assert read(tmp_path / "log") == whole


def test_a_record_without_end_is_set_aside_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 100)
    monkeypatch.setattr(stream, "BLOCK_BYTES", 10)
    monkeypatch.setattr(stream, "SAMPLE_BYTES", 10)
    (tmp_path / "log").write_text("2025-01-15 10:00:00 a\n" + " b\n" * 60 + "2025-01-15 10:00:01 c")
    chunks = list(records.read(tmp_path / "log", NOW))
    assert chunks[-1].raw["line"].to_pylist()[-1] == "2025-01-15 10:00:01 c"
    (broken, *_) = [one for chunk in chunks for one in chunk.broken]
    assert (broken.position, broken.reason) == (1, "the record is longer than 100 bytes")


def test_lines_that_are_no_utf8_are_set_aside_and_the_others_kept(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"2025-01-15 10:00:00 a\n\tat \xe9\n\tat b\n")
    (first, last) = records.read(tmp_path / "log", NOW)
    assert [one.position for one in first.broken] == [2]
    assert last.raw["line"].to_pylist() == ["2025-01-15 10:00:00 a\n\n\tat b"]
    assert last.raw.schema == lines.SCHEMA
