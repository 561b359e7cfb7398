"""JSON: `raw` is (position, doc, path, ingested_at), where `doc` is the text of one document.

A file is JSON lines; or it is read whole, being one document or several, each in one line or many,
or one array of documents. `position` is the ordinal in an array, else the line where the document
begins. A document of more than CHUNK_BYTES that is little more than one array of objects is dealt
out as documents that hold some of the array each and all that is beside it; then `position` is the
ordinal of the first of those.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.read import lines, stream
from ingest.read.stream import RAW_CHARACTERS, Broken, Chunk, Stream, arrivals

SCHEMA = lines.SCHEMA.set(1, pa.field("doc", pa.string()))

_FOUND = lines.SCHEMA.empty_table().select(["position", "line"]).schema
_BEGINNING = re.compile(rb"^[{\[]", re.MULTILINE)
_BESIDE_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 22
_STEPS = np.zeros(256, np.int8)
_STEPS[[*b"[{"]], _STEPS[[*b"]}"]] = 1, -1
_IS_MARK = _STEPS != 0
_IS_MARK[ord(",")] = True
_IS_SPACE = np.isin(np.arange(256), [*b" \t\r\n"])


class _Marks(NamedTuple):
    """Brackets and commas outside strings: where, which, and how many are open behind each.

    Those behind which more than two are open are left out; `is_closed` says whether none is at the
    end of the text.
    """

    at: npt.NDArray[np.int64]
    byte: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.int64]
    is_closed: bool

    def places(self, marks: bytes, depth: int) -> list[int]:
        """Where any of some marks stands behind which so many are open."""
        is_one = (self.depth == depth) & np.isin(self.byte, [*marks])
        found: list[int] = self.at[is_one].tolist()
        return found


class _Part(NamedTuple):
    """A document of a text that was read whole, or what stands between two."""

    position: int
    text: bytes


@cache
def database() -> duckdb.DuckDBPyConnection:
    """Open the DuckDB that looks into JSON; to open one for each file would cost more than it."""
    return duckdb.connect()


def read(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file's documents; text that is not JSON is broken."""
    received, seen = arrivals(path, now), 0
    with Stream(path) as content, database().cursor() as connection:
        for docs, broken in _documents(content):
            docs = docs.filter(pc.match_substring_regex(docs["line"], r"\S"))
            at = received(range(seen, seen + len(docs)))
            seen += len(docs)
            docs = docs.rename_columns({"line": "doc"})
            docs = docs.append_column("path", pa.repeat(str(path), len(docs)))
            docs, invalid = _valid(docs.append_column("ingested_at", at), connection)
            yield Chunk(docs, broken + invalid, content.consumed)


def _documents(content: Stream) -> Iterator[tuple[pa.Table, tuple[Broken, ...]]]:
    """Yield (position, line) of documents, and of what else stands there."""
    text = content.text()
    head = _first_line(text)
    text = chain([head], text)
    if _is_whole(head.strip()):
        whole, broken = content.whole(text)
        yield from map(_decoded, _batches(_parts(whole)))
        yield _FOUND.empty_table(), broken
    else:
        for block in content.lines(text):
            found, broken = lines.every(block.text, block.first)
            yield found, block.broken + broken


def _first_line(text: Iterator[bytes]) -> bytes:
    """Take the text up to where something follows its first line, or there is no more."""
    held, size, is_begun, is_ended = list[bytes](), 0, False, False
    for block in text:
        held.append(block)
        size += len(block)
        shown = block if is_begun else block.lstrip()
        is_begun = is_begun or bool(shown)
        if size > stream.WHOLE_BYTES or b"\n" in shown.rstrip() or (is_ended and shown.strip()):
            break
        is_ended = is_ended or b"\n" in shown
    return b"".join(held)


def _is_whole(head: bytes) -> bool:
    """Whether the first line is all there is, or is not one document of several one a line."""
    line, newline, _ = head.partition(b"\n")
    if not newline or not line.startswith(b"{"):
        return not newline or line.startswith(b"[")
    return _marks(line).places(b"}", 0)[:1] != [len(line.rstrip()) - 1]


def _parts(text: bytes) -> Iterator[_Part]:
    """Part a text that was read whole into its documents and what stands between them."""
    marks = _marks(text)
    begins, ends = marks.places(b"[{", 1), marks.places(b"]}", 0)
    first = text[: begins[0] + 1].strip() if begins else b""
    is_one = marks.is_closed and len(ends) == 1 and not text[ends[0] + 1 :].strip()
    if first == b"[" and (is_one or not ends):
        yield from _elements(_compact(text))
    elif first == b"{" and is_one:
        position = 1 + text.count(b"\n", 0, begins[0])
        text = _compact(text) if b"\n" in text.strip() else text.strip()
        yield from (
            _dealt(text, position) if len(text) > stream.CHUNK_BYTES else [_Part(position, text)]
        )
    elif marks.is_closed:
        yield from _placed(text, [*begins, *(end + 1 for end in ends)])
    else:
        yield from _placed(text, [begin.start() for begin in _BEGINNING.finditer(text)])


def _elements(text: bytes) -> Iterator[_Part]:
    """The elements of an array, of which the last may break off."""
    marks = _marks(text)
    bounds = [0, *marks.places(b",", 1), *(marks.places(b"]", 0) or [len(text)])]
    for position, (at, to) in enumerate(pairwise(bounds), 1):
        yield _Part(position, text[at + 1 : to])


def _placed(text: bytes, bounds: Iterable[int]) -> Iterator[_Part]:
    """Cut a text, each part with the line where it begins."""
    line = 1
    for at, to in pairwise(sorted({0, *bounds, len(text)})):
        part = text[at:to]
        shown = part.lstrip()
        yield _Part(line + part.count(b"\n", 0, len(part) - len(shown)), shown)
        line += part.count(b"\n")


def _dealt(text: bytes, position: int) -> Iterator[_Part]:
    """Deal out a document that is little more than one array of objects."""
    marks = _marks(text)
    arrays = list(zip(marks.places(b"[", 2), marks.places(b"]", 1), strict=False))
    begin, end = max(arrays, key=lambda one: one[1] - one[0], default=(0, 0))
    before, after = text[: begin + 1], text[end:]
    others = (text[at:to] for at, to in arrays if at != begin)
    is_much = len(before) + len(after) > _BESIDE_BYTES or any(b"{" in other for other in others)
    if is_much or not arrays:
        yield _Part(position, text)
        return
    bounds = np.array([begin, *(at for at in marks.places(b",", 2) if begin < at < end), end])
    last = np.flatnonzero(np.diff((bounds - begin) // stream.CHUNK_BYTES)) + 1
    for at, to in pairwise(sorted({0, *last.tolist(), len(bounds) - 1})):
        yield _Part(at + 1, before + text[bounds[at] + 1 : bounds[to]] + after)


def _marks(text: bytes) -> _Marks:
    """Find the brackets and commas of a JSON text."""
    found, depth, is_even = list[Any](), 0, True
    for begin, block, at, is_even in _outside(text, _IS_MARK):  # noqa: B007 - the last one counts
        behind = depth + np.cumsum(_STEPS[block[at]], dtype=np.int64)
        depth = int(behind[-1]) if len(at) else depth
        at, behind = at[behind <= 2], behind[behind <= 2]
        found.append((at + begin, block[at], behind))
    none: Any = (np.zeros(0, np.int64), np.zeros(0, np.uint8), np.zeros(0, np.int64))
    at, byte, behind = (np.concatenate(column) for column in zip(none, *found, strict=True))
    return _Marks(at, byte, behind, is_even and depth == 0)


def _compact(text: bytes) -> bytes:
    """Leave out the space between what a JSON text says."""
    return b"".join(
        np.delete(np.frombuffer(text, np.uint8, len(block), begin), at).tobytes()
        for begin, block, at, _ in _outside(text, _IS_SPACE)
    )


def _outside(
    text: bytes, is_wanted: npt.NDArray[np.bool_]
) -> Iterator[tuple[int, npt.NDArray[np.uint8], npt.NDArray[np.int64], bool]]:
    """Yield blocks: where one begins, its bytes, where wanted ones stand in it outside strings.

    Last comes whether no string is open at its end. An escape is two spaces in the bytes.
    """
    plain, quotes = text.replace(b"\\\\", b"  ").replace(b'\\"', b"  "), 0
    for begin in range(0, len(plain), _BLOCK_BYTES):
        block = np.frombuffer(plain, np.uint8, min(_BLOCK_BYTES, len(plain) - begin), begin)
        quote, at = np.flatnonzero(block == ord('"')), np.flatnonzero(is_wanted[block])
        at = at[(quotes + np.searchsorted(quote, at)) % 2 == 0]
        quotes += len(quote)
        yield begin, block, at, quotes % 2 == 0


def _batches(parts: Iterable[_Part]) -> Iterator[list[_Part]]:
    """Put parts together; a large one is alone, as what DuckDB unnests is then held but once."""
    held, size = list[_Part](), 0
    for part in parts:
        if size + len(part.text) > stream.CHUNK_BYTES:
            yield held
            held, size = [], 0
        held.append(part)
        size += len(part.text)
    yield held


def _decoded(parts: list[_Part]) -> tuple[pa.Table, tuple[Broken, ...]]:
    """Make (position, line) of parts; one that is not UTF-8 is broken."""
    texts, broken = list[str](), list[Broken]()
    for part in parts:
        try:
            texts.append(part.text.decode().strip())
        except UnicodeDecodeError:
            texts.append("")
            shown = part.text[: RAW_CHARACTERS // 2].hex()
            broken.append(Broken(part.position, "the text is not UTF-8", shown))
    columns: list[Any] = [[part.position for part in parts], texts]
    return pa.table(columns, schema=_FOUND), tuple(broken)


def _valid(
    docs: pa.Table, connection: duckdb.DuckDBPyConnection
) -> tuple[pa.Table, tuple[Broken, ...]]:
    """Split off what is not JSON."""
    connection.register("docs", docs)
    valid = connection.sql("SELECT json_valid(doc) AS valid FROM docs").to_arrow_table()["valid"]
    if pc.all(valid).as_py():
        return docs, ()
    invalid: list[dict[str, Any]] = docs.filter(pc.invert(valid)).to_pylist()
    return docs.filter(valid), tuple(
        Broken(one["position"], "the text is not JSON", one["doc"][:RAW_CHARACTERS])
        for one in invalid
    )
