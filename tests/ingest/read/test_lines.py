"""Text lines of files as they are found: damaged, of other encodings, binary, endless."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.read import lines, stream
from ingest.read.stream import Broken

NOW = datetime(2025, 1, 15, 12, tzinfo=UTC)


def read(path: Path, content: bytes) -> tuple[list[tuple[int, str]], list[Broken]]:
    path.write_bytes(content)
    chunks = list(lines.read(path, NOW))
    found = [(r["position"], r["line"]) for chunk in chunks for r in chunk.raw.to_pylist()]
    return found, [one for chunk in chunks for one in chunk.broken]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_crlf_blank_lines_and_a_byte_order_mark_are_no_content(log: Path) -> None:
    assert read(log, b"\xef\xbb\xbfa\r\n\r\n b\r\n") == ([(1, "a"), (3, " b")], [])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_with_its_mark_is_read(log: Path, encoding: str) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    assert read(log, mark + "é\r\nb\n".encode(encoding)) == ([(1, "é"), (2, "b")], [])


def test_a_line_that_is_latin_1_is_set_aside_and_the_others_are_not(log: Path) -> None:
    found, broken = read(log, b"a\ncaf\xe9\nb")
    assert found == [(1, "a"), (3, "b")]
    assert broken == [Broken(2, "the line is not UTF-8 text", b"caf\xe9".hex())]


@pytest.mark.parametrize(
    "content",
    [gzip.compress(bytes(range(256)) * 9)[4:], b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50],
)
def test_a_binary_file_is_set_aside_once(log: Path, content: bytes) -> None:
    found, broken = read(log, content)
    assert (found, len(broken)) == ([], 1)
    assert broken[0].reason.startswith("the file is binary")
    assert broken[0].raw.startswith(content[:8].hex())


def test_zeros_are_kept_as_they_are(log: Path) -> None:
    assert read(log, b"\0" * 100 + b"a\nb\0c\n") == ([(1, "\0" * 100 + "a"), (2, "b\0c")], [])


def test_a_long_line_is_kept_exactly(log: Path) -> None:
    long = "é" * (5 << 20)
    assert read(log, f"a\n{long}\nb".encode()) == ([(1, "a"), (2, long), (3, "b")], [])


def test_a_line_longer_than_a_chunk_is_set_aside_and_never_cut(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 1 << 20)
    monkeypatch.setattr(stream, "BLOCK_BYTES", 1 << 16)
    found, broken = read(log, b"a\n" + b"x" * (3 << 20) + b"\nb\nc")
    assert found == [(1, "a"), (3, "b"), (4, "c")]
    assert broken == [Broken(2, "the line is longer than 1,048,576 bytes", "x" * 4096)]


def test_a_truncated_archive_gives_what_it_holds_and_says_that_it_breaks_off(log: Path) -> None:
    content = gzip.compress(b"".join(b"line %d\n" % number for number in range(9999)))
    found, broken = read(log, content[: len(content) // 2])
    assert found[:2] == [(1, "line 0"), (2, "line 1")]
    assert [one.reason for one in broken] == ["the compressed stream breaks off here"]
    assert broken[0].position == found[-1][0]
