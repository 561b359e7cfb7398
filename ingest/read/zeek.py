r"""Logs of Zeek: `raw` is (position, doc, path, ingested_at), as of `json`.

Zeek writes JSON, or tables under a header that names and types their columns: then each row becomes
the document that Zeek would have written as JSON, with the table's `#path` as `_path`. `position`
is the line. A field that is not set is left out; `\x09` and the like are what stood there.
https://docs.zeek.org/en/current/log-formats.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.read import json, lines
from ingest.read.stream import RAW_CHARACTERS, Broken, Chunk, Stream, arrivals

_DOCUMENTS = Path(__file__).with_suffix(".sql").read_text("utf-8")
_TOLD = ("fields", "types", "set_separator", "empty_field", "unset_field", "path")


@dataclass(frozen=True)
class _Header:
    """What the lines above a table's rows say."""

    separator: str = "\t"
    set_separator: str = ","
    empty_field: str = "(empty)"
    unset_field: str = "-"
    path: str = ""
    fields: Sequence[str] = ()
    types: Sequence[str] = ()

    def with_line(self, line: str) -> _Header:
        """Take in one more line of a header; one that says nothing of its rows changes nothing."""
        if line.startswith("#separator "):
            codes = bytes.fromhex("".join(re.findall(r"\\x([0-9a-fA-F]{2})", line)))
            return replace(self, separator=codes.decode("latin-1") or "\t")
        name, *values = line[1:].split(self.separator)
        told: Any = values if name in ("fields", "types") else values[0] if values else ""
        return replace(self, **{name: told}) if name in _TOLD and values else self


def read(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file's records; a row that has more or fewer fields than its header is broken."""
    if not _is_table(path):
        yield from json.read(path, now)
        return
    received, seen, header = arrivals(path, now), 0, _Header()
    with Stream(path) as stream, json.database().cursor() as connection:
        for block in stream.lines():
            rows, broken = lines.split(block.text, block.first)
            tables = [json.SCHEMA.empty_table().select(["position", "doc"])]
            faults = block.broken + broken
            for under, part in _parts(rows, header):
                header, (table, unfit) = under, _documents(part, under, connection)
                tables.append(table)
                faults += unfit
            docs = pa.concat_tables(tables)
            docs = docs.append_column("path", pa.repeat(str(path), len(docs)))
            at = received(range(seen, seen + len(docs)))
            yield Chunk(docs.append_column("ingested_at", at), faults, stream.consumed)
            seen += len(docs)


def _is_table(path: Path) -> bool:
    with Stream(path) as stream:
        return next(stream.blocks(), b"").lstrip().startswith(b"#")


def _parts(rows: pa.Table, header: _Header) -> Iterator[tuple[_Header, pa.Table]]:
    """Part rows at the lines that begin with #, each part with the header that it stands under.

    The last is always there, though it may have no rows.
    """
    begin = 0
    marks: Any = pc.starts_with(rows["line"], "#")
    for at in np.flatnonzero(marks.to_numpy()):
        if at > begin:
            yield header, rows[begin:at]
        begin = int(at) + 1
        header = header.with_line(rows["line"][begin - 1].as_py())
    yield header, rows[begin:]


def _documents(
    rows: pa.Table, header: _Header, connection: duckdb.DuckDBPyConnection
) -> tuple[pa.Table, tuple[Broken, ...]]:
    """Make (position, doc) of a table's rows."""
    connection.register("rows", rows)
    found = connection.sql(
        _DOCUMENTS,
        params={
            "path": header.path,
            "names": list(header.fields),
            "types": list(header.types),
            "unset": header.unset_field,
            "empty": header.empty_field,
            "comma": header.set_separator,
            "separator": header.separator,
        },
    ).to_arrow_table()
    fits: Any = pc.equal(found["found"], pa.scalar(len(header.fields)))
    unfit = found.filter(pc.invert(fits)).select(["position", "line"]).to_pylist()
    reason = f"the row has not the {len(header.fields)} fields of its header"
    return found.filter(fits).select(["position", "doc"]), tuple(
        Broken(row["position"], reason, row["line"][:RAW_CHARACTERS]) for row in unfit
    )
