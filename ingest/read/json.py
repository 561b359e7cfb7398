"""JSON: `raw` is (position, doc, path, ingested_at), where `doc` is the text of one document.

A file is JSON lines, one document or several that each take several lines, or one array of
documents. `position` is the ordinal in an array, else the line where the document begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingest.read import lines, records
from ingest.read.stream import RAW_CHARACTERS, Broken, Chunk, Stream, arrivals

SCHEMA = lines.SCHEMA.set(1, pa.field("doc", pa.string()))

_BEGINNING = r"^[{\[]"


@cache
def database() -> duckdb.DuckDBPyConnection:
    """Open the DuckDB that looks into JSON; to open one for each file would cost more than it."""
    return duckdb.connect()


def read(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file's documents; text that is not JSON is broken."""
    received, seen = arrivals(path, now), 0
    with Stream(path) as stream, database().cursor() as connection:
        for docs, broken in _documents(stream, connection):
            at = received(range(seen, seen + len(docs)))
            seen += len(docs)
            docs = docs.rename_columns({"line": "doc"})
            docs = docs.append_column("path", pa.repeat(str(path), len(docs)))
            docs, invalid = _valid(docs.append_column("ingested_at", at), connection)
            yield Chunk(docs, broken + invalid, stream.consumed)


def _documents(
    stream: Stream, connection: duckdb.DuckDBPyConnection
) -> Iterator[tuple[pa.Table, tuple[Broken, ...]]]:
    """Yield (position, line) of JSON lines; anything else is read whole and made into such."""
    text, head = stream.text(), b""
    while b"\n" not in head.lstrip() and (more := next(text, None)) is not None:
        head += more
    text, is_open = chain([head], text), _is_open(head)
    if is_open:
        text = iter([_unrolled(b"".join(text), connection)])
    for block in stream.lines(text):
        docs, broken = lines.every(block.text, block.first)
        if is_open:
            docs = records.joined(docs, records.matching(docs, _BEGINNING))
        yield docs.filter(pc.match_substring_regex(docs["line"], r"\S")), block.broken + broken


def _is_open(head: bytes) -> bool:
    """Whether the first line is no document by itself, but the beginning of one or of many."""
    line = head.lstrip().partition(b"\n")[0]
    try:
        return isinstance(orjson.loads(line), list)
    except orjson.JSONDecodeError:
        return line.startswith((b"{", b"["))


def _unrolled(text: bytes, connection: duckdb.DuckDBPyConnection) -> bytes:
    """Write one JSON text as a line, or as one for each element; give back what is not JSON."""
    try:
        parameters = [text.decode()]
    except UnicodeDecodeError:
        return text
    found = connection.execute(
        "SELECT CASE json_type(t) WHEN 'ARRAY' THEN array_to_string(json(t)->'$[*]', chr(10)) "
        "ELSE json(t)::VARCHAR END FROM (SELECT $1 AS t) WHERE json_valid(t)",
        parameters,
    ).fetchall()
    return found[0][0].encode() if found else text


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
