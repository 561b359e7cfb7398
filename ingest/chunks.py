"""Chunks of a file, shaped for the SELECT that maps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.read.stream import Chunk

LARGE_BYTES = 64 << 10
"""From which size on a document is mapped alone."""

NUMBER_BIT = 40
"""Above which bits of a position stands the number of its file, where several are mapped as one."""

CONTEXT_BYTES = 256 << 20
"""How much of a file is mapped at a time where records mean what those around them say."""


def gathered(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Put the chunks of a file together, as far as memory should go."""
    held: list[Chunk] = []
    for chunk in chunks:
        held.append(chunk)
        if sum(one.raw.nbytes for one in held) >= CONTEXT_BYTES:
            yield joined(held)
            held = []
    if held:
        yield joined(held)


def apart(chunk: Chunk) -> Iterator[Chunk]:
    """Split a chunk so that each large document is alone.

    A SELECT makes many rows of one, and what it asks of the document it then asks for every row:
    for one document alone DuckDB answers once.
    """
    if "doc" not in chunk.raw.column_names:
        yield chunk
        return
    sizes = pc.binary_length(chunk.raw["doc"]).to_numpy()
    at = np.flatnonzero(sizes > LARGE_BYTES).tolist()
    ends = [0, *chain.from_iterable((one, one + 1) for one in at), len(chunk.raw)]
    parts = [chunk.raw.slice(a, b - a) for a, b in pairwise(ends) if b > a]
    for part in parts[:-1]:
        yield Chunk(part, (), chunk.consumed)
    yield Chunk(parts[-1] if parts else chunk.raw, chunk.broken, chunk.consumed)


def numbered(raw: pa.Table, number: int) -> pa.Table:
    """The records of a file that is mapped with others, its number above their positions."""
    at = raw.schema.get_field_index("position")
    position = pc.add(raw["position"], number << NUMBER_BIT)
    return raw.set_column(at, raw.schema.field(at), position)


def parted(position: int) -> tuple[int, int]:
    """The number of the file that a record is of, and its position there."""
    return position >> NUMBER_BIT, position & ((1 << NUMBER_BIT) - 1)


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks of a file as one."""
    raw = pa.concat_tables([one.raw for one in chunks])
    return Chunk(raw, tuple(chain.from_iterable(one.broken for one in chunks)), chunks[-1].consumed)


def placed(chunk: Chunk, shown: str, before: int, captured_at: datetime | None = None) -> Chunk:
    """A chunk as of the file that a person knows, in which some lines stand before it.

    `captured_at` is when the file was taken, where that is known better than by the file.
    """
    raw = chunk.raw
    if captured_at and "captured_at" in raw.column_names:
        at = raw.schema.get_field_index("captured_at")
        moment = pa.scalar(captured_at, raw.schema.field(at).type)
        raw = raw.set_column(at, raw.schema.field(at), pa.repeat(moment, len(raw)))
    if "path" in raw.column_names:
        at = raw.schema.get_field_index("path")
        raw = raw.set_column(at, "path", pa.repeat(shown, len(raw)))
    if before:
        at = raw.schema.get_field_index("position")
        raw = raw.set_column(at, "position", pc.add(raw["position"], before))
    broken = tuple(one._replace(position=one.position + before) for one in chunk.broken)
    return replace(chunk, raw=raw, broken=broken)
