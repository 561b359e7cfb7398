"""Whole texts."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.read import text
from ingest.read.stream import Broken

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def read(path: Path, content: bytes) -> tuple[list[Any], tuple[Broken, ...]]:
    path.write_bytes(content)
    (chunk,) = text.read(path, NOW)
    return [row["text"] for row in chunk.raw.to_pylist()], chunk.broken


def test_a_file_is_one_row(tmp_path: Path) -> None:
    assert read(tmp_path / "a", b"\xef\xbb\xbfName: caf\xc3\xa9\r\n\r\nx\n") == (
        ["Name: café\n\nx\n"],
        (),
    )


def test_a_blank_file_is_no_record(tmp_path: Path) -> None:
    assert read(tmp_path / "a", b" \n\n") == ([], ())


def test_of_a_cut_file_there_is_what_came_before(tmp_path: Path) -> None:
    texts, broken = read(tmp_path / "a.gz", gzip.compress(b"Name: a\n")[:-4])
    assert texts == ["Name: a\n"]
    assert [one.reason for one in broken] == ["the compressed stream breaks off here"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_mark_at_the_front_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path / "a", "Name: café ☂\r\n".encode(encoding)) == (["Name: café ☂\n"], ())


def test_a_byte_of_another_encoding_is_written_out_and_the_rest_is_read(tmp_path: Path) -> None:
    content = b"Name: caf\xe9\n" + "Other: café\n".encode()
    assert read(tmp_path / "a", content) == (["Name: caf\\xe9\nOther: café\n"], ())


def test_what_is_no_text_or_too_long_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, (broken,) = read(tmp_path / "a", b"\x7fELF\0\0\xff")
    assert texts == []
    assert broken.reason.startswith("the file is binary")
    assert broken.raw == "7f454c460000ff"
    monkeypatch.setattr("ingest.read.stream.WHOLE_BYTES", 3)
    assert read(tmp_path / "b", b"abcd") == ([], (Broken(1, "the text is longer than 0 MiB"),))
