"""CSV as it is found: quoted, damaged, compressed, and read to the last digit."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ingest.read import READERS
from ingest.read.csv import SCHEMA, read
from ingest.read.stream import Broken

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
Row = dict[str, str]


def parsed(path: Path, text: bytes) -> tuple[dict[int, Row], list[Broken]]:
    """The rows of a file by their position, and what is broken."""
    path.write_bytes(text)
    chunks = list(read(path, NOW))
    raw = pa.concat_tables([SCHEMA.empty_table(), *(chunk.raw for chunk in chunks)])
    assert raw.schema == READERS["csv"].empty().schema
    rows = {row["position"]: dict(row["fields"]) for row in raw.to_pylist()}
    return rows, sorted(one for chunk in chunks for one in chunk.broken)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "it.csv"


def test_a_field_is_the_text_that_stood_there_to_the_last_digit(file: Path) -> None:
    rows, broken = parsed(
        file,
        b"id,value,empty,\xc3\xa9\n007,.004799999999999999,,x\n1e5, 0.0048 ,"
        b'"",12345678901234567890\n',
    )
    assert rows == {
        2: {"id": "007", "value": ".004799999999999999", "empty": "", "é": "x"},
        3: {"id": "1e5", "value": " 0.0048 ", "empty": "", "é": "12345678901234567890"},
    }
    assert not broken


def test_quotes_hold_commas_line_ends_quotes_and_json(file: Path) -> None:
    rows, broken = parsed(file, b'a,b\n"1,5","{""log"":""one\\n"",\n""n"":2}"\n"",5" disk\n')
    assert rows == {2: {"a": "1,5", "b": '{"log":"one\\n",\n"n":2}'}, 3: {"a": "", "b": '5" disk'}}
    assert not broken


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_line_ends_encoding_and_compression_make_no_difference(
    file: Path, end: bytes, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    text = end.join([b"a,b", b"1,2", b"", b'"3","4"']).decode().encode(encoding)
    assert parsed(file, pack(text)) == ({2: {"a": "1", "b": "2"}, 3: {"a": "3", "b": "4"}}, [])


def test_a_row_of_another_width_is_set_aside_alone_with_its_place(file: Path) -> None:
    rows, broken = parsed(file, b"a,b\n1,2\n1,2,3\n4\n5,6\n")
    assert rows == {2: {"a": "1", "b": "2"}, 5: {"a": "5", "b": "6"}}
    assert broken == [
        Broken(3, "the row has 3 fields, the header 2", "1,2,3"),
        Broken(4, "the row has 1 fields, the header 2", "4"),
    ]


def test_positions_hold_over_many_blocks_with_broken_rows_between(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.read.stream.CHUNK_BYTES", 256)
    monkeypatch.setattr("ingest.read.stream.BLOCK_BYTES", 7)
    lines = [f"{n},x,y" if n % 3 == 0 else f"{n},x" for n in range(2, 500)]
    rows, broken = parsed(file, "\n".join(["n,x", *lines]).encode())
    assert {at: row["n"] for at, row in rows.items()} == {n: str(n) for n in range(2, 500) if n % 3}
    assert [one.position for one in broken] == list(range(3, 500, 3))


def test_rows_that_are_all_broken_are_all_told(file: Path) -> None:
    rows, broken = parsed(file, b"a,b\n" + b"1\n" * 50)
    assert not rows
    assert [one.position for one in broken] == list(range(2, 52))


def test_bytes_that_are_no_utf8_can_still_be_read_wherever_they_stand(file: Path) -> None:
    rows, broken = parsed(file, b"a,\xe9\n1,2\n\xff,\xc3\xa9\n\xff\n4,\xc3")
    assert rows == {
        2: {"a": "1", "\\xe9": "2"},
        3: {"a": "\\xff", "\\xe9": "é"},
        5: {"a": "4", "\\xe9": "\\xc3"},
    }
    assert broken == [Broken(4, "the row has 1 fields, the header 2", "\\xff")]


def test_a_header_without_end_is_said(file: Path) -> None:
    rows, broken = parsed(file, b'a,"b\n' + b"1,2\n" * 50_000)
    assert not rows
    assert [one.position for one in broken] == [1]
    assert broken[0].reason.startswith("the header cannot be read: ")


def test_a_name_that_comes_again_is_numbered(file: Path) -> None:
    rows, _ = parsed(file, b'm,m_1,m,,"q\nr"\n1,2,3,4,5\n')
    assert rows == {2: {"m": "1", "m_1": "2", "m_2": "3", "": "4", "q\nr": "5"}}


def test_a_quote_that_is_never_closed_hides_no_rows(file: Path) -> None:
    rows, broken = parsed(file, b'a,b\n1,2\n3,"four\n5,6\n7,8\n')
    assert rows == {2: {"a": "1", "b": "2"}}
    assert [(one.position, one.raw) for one in broken] == [(3, "3,four\n5,6\n7,8\n")]
    assert "never closed" in broken[0].reason


def test_a_closed_quote_at_the_end_may_hold_line_ends(file: Path) -> None:
    assert parsed(file, b'a,b\n3,"four\n5"\r\n') == ({2: {"a": "3", "b": "four\n5"}}, [])


def test_a_row_of_ten_megabytes_is_read_and_one_beyond_the_limit_is_said(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, broken = parsed(file, b"a,b\n1,2\n3," + b"x" * 10_000_000 + b"\n5,6\n")
    assert [len(row["b"]) for row in rows.values()] == [1, 10_000_000, 1]
    assert not broken
    monkeypatch.setattr("ingest.read.stream.CHUNK_BYTES", 1 << 10)
    rows, broken = parsed(file, b"a,b\n1,2\n3," + b"x" * 5000 + b"\n5,6\n")
    assert rows == {2: {"a": "1", "b": "2"}}
    assert broken == [Broken(3, "the row is longer than 1,024 bytes: reading stops here")]


def test_a_cut_file_gives_what_it_has_and_says_where_it_breaks_off(file: Path) -> None:
    rows, broken = parsed(file, gzip.compress(b"a,b\n1,2\n3,4\n")[:-6])
    assert rows == {2: {"a": "1", "b": "2"}, 3: {"a": "3", "b": "4"}}
    assert broken == [Broken(4, "the compressed stream breaks off here")]


@pytest.mark.parametrize("text", [b"", b"\n\n", b"a,b", b"\na,b\n\n\n"])
def test_without_rows_there_is_nothing(file: Path, text: bytes) -> None:
    assert parsed(file, text) == ({}, [])


FIELDS = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=8)


@given(table=st.lists(st.tuples(FIELDS, FIELDS, FIELDS), max_size=9))
def test_what_another_writer_wrote_comes_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str, str]]
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *table])
    rows, broken = parsed(tmp_path_factory.getbasetemp() / "any.csv", text.getvalue().encode())
    assert [tuple(row.values()) for row in rows.values()] == table
    assert not broken


@given(text=st.binary(max_size=60))
def test_no_bytes_are_too_odd_to_be_read_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    rows, broken = parsed(tmp_path_factory.getbasetemp() / "odd.csv", b"a,b\n" + text)
    positions = [*rows, *(one.position for one in broken)]
    assert len(set(positions)) == len(positions)
    assert all(row.keys() == {"a", "b"} for row in rows.values())


@pytest.mark.parametrize(
    "text",
    [
        b"a;b\n1,5;2\n",
        b"a\tb\n1,5\t2\n",
        b"a|b\n1,5|2\n",
        b'a,b\n"1,5",2\n',
        b"sep=;\r\na;b\n1,5;2\n",
    ],
)
def test_what_is_between_fields_is_told_by_the_header(file: Path, text: bytes) -> None:
    rows, broken = parsed(file, text)
    assert list(rows.values()) == [{"a": "1,5", "b": "2"}]
    assert not broken


def test_what_the_row_below_has_not_is_not_between_fields(file: Path) -> None:
    rows, _ = parsed(file, b"api/a;GET,api/b;PUT\n1,2\n")
    assert rows == {2: {"api/a;GET": "1", "api/b;PUT": "2"}}


def test_what_quotes_or_braces_hold_together_is_not_between_fields(file: Path) -> None:
    rows, _ = parsed(file, b'Time;up{a="1",b="2",c="3"};"x,y,z"\n1;2;3\n')
    assert rows == {2: {"Time": "1", 'up{a="1",b="2",c="3"}': "2", "x,y,z": "3"}}
