"""Text lines: `raw` is (position, line, path, ingested_at), a blank line being no record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.read.stream import RAW_CHARACTERS, Broken, Chunk, Stream, arrivals

_FIELDS: dict[str, pa.DataType] = {
    "position": pa.int64(),
    "line": pa.string(),
    "path": pa.string(),
    "ingested_at": pa.timestamp("us", tz="UTC"),
}
SCHEMA = pa.schema(_FIELDS)


def read(path: Path, now: datetime) -> Iterator[Chunk]:
    """Read a file's lines; one that is not UTF-8 is broken, the others are not."""
    received, seen = arrivals(path, now), 0
    with Stream(path) as stream:
        for block in stream.lines():
            lines, broken = split(block.text, block.first)
            at = received(range(seen, seen + len(lines)))
            lines = lines.append_column("path", pa.repeat(str(path), len(lines)))
            lines = lines.append_column("ingested_at", at)
            yield Chunk(lines, block.broken + broken, stream.consumed)
            seen += len(lines)


def split(block: bytes, first: int) -> tuple[pa.Table, tuple[Broken, ...]]:
    """Split a block into (position, line); its first line has the position `first`."""
    lines, broken = every(block, first)
    return lines.filter(pc.match_substring_regex(lines["line"], r"\S")), broken


def every(block: bytes, first: int) -> tuple[pa.Table, tuple[Broken, ...]]:
    """Split a block as `split` does, the blank lines too."""
    broken: tuple[Broken, ...] = ()
    try:
        text = block.decode()
    except UnicodeDecodeError:
        text, broken = _readable(block, first)
    lines = pc.split_pattern(pa.array([text]), "\n").flatten()
    if "\r" in text:
        lines = pc.utf8_rtrim(lines, "\r")
    position = pa.array(np.arange(first, first + len(lines)))
    return pa.table({"position": position, "line": lines}), broken


def _readable(block: bytes, first: int) -> tuple[str, tuple[Broken, ...]]:
    """Blank the lines that are not UTF-8."""
    lines, broken = [], []
    for position, line in enumerate(block.split(b"\n"), first):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError:
            raw = line[: RAW_CHARACTERS // 2].hex()
            broken.append(Broken(position, "the line is not UTF-8 text", raw))
            lines.append("")
    return "\n".join(lines), tuple(broken)
