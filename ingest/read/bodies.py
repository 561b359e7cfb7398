"""Bodies of protobuf: (position, body, path, ingested_at), cut from a file in some ways.

A file holds one body alone, or each behind its length: 4 bytes, big-endian, or a varint. A body may
be a zstd frame of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import zstandard
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types

from ingest.read import lines
from ingest.read.stream import (
    CHUNK_BYTES,
    COMPRESSED_BLOCK_BYTES,
    RAW_CHARACTERS,
    Broken,
    Chunk,
    Stream,
    arrivals,
)

Cut: TypeAlias = Callable[[bytes, int], tuple[int, int] | None]
Decode: TypeAlias = Callable[[pa.Table], pa.Table]

MAX_BODY_BYTES = 64 << 20
SCHEMA = lines.SCHEMA.set(1, pa.field("body", pa.binary()))

_FIXED_LENGTH_BYTES = 4
_VARINT_BYTES = 5


def read(path: Path, now: datetime, framing: Callable[[bytes], Cut]) -> Iterator[Chunk]:
    """Read a file's bodies, some megabytes at a time; `framing` tells from a head how to cut."""
    received, seen = arrivals(path, now), 0
    with Stream(path) as stream:
        for bodies in _grouped(_frames(stream, framing)):
            numbers = range(seen, seen + len(bodies))
            origin = pa.repeat(str(path), len(bodies))
            columns: list[Any] = [[n + 1 for n in numbers], bodies, origin, received(numbers)]
            yield Chunk(pa.table(columns, schema=SCHEMA), (), stream.consumed)
            seen += len(bodies)
        if stream.fault:
            fault = Broken(seen + 1, stream.fault, shown(stream.rest))
            yield Chunk(SCHEMA.empty_table(), (fault,), stream.consumed)


def decoded(decode: Decode, bodies: pa.Table) -> tuple[pa.Table, pa.Table]:
    """What bodies decode to, and those that do not."""
    try:
        return decode(bodies), bodies[:0]
    except (ValueError, DecodeError):
        if len(bodies) == 1:
            return decode(bodies[:0]), bodies
    half = len(bodies) // 2
    (left, lost), (right, more) = decoded(decode, bodies[:half]), decoded(decode, bodies[half:])
    return pa.concat_tables([left, right]), pa.concat_tables([lost, more])


def shown(content: bytes) -> str:
    """What of bytes is kept in quarantine: hex digits."""
    return content[: RAW_CHARACTERS // 2].hex()


def is_fixed(head: bytes) -> bool:
    """Whether a length of 4 bytes stands there: the first of them is small."""
    return head[0] <= MAX_BODY_BYTES >> 24


def after_fixed(held: bytes, at: int) -> tuple[int, int] | None:
    """Where the body begins and ends whose length stands in 4 bytes; None if not all do."""
    start = at + _FIXED_LENGTH_BYTES
    return (start, start + int.from_bytes(held[at:start])) if start <= len(held) else None


def after_varint(held: bytes, at: int) -> tuple[int, int] | None:
    """The same of a length of 7 bits a byte, the lowest first, of which the last byte is < 128."""
    if found := varint(held[at : at + _VARINT_BYTES]):
        length, size = found
        return at + size, at + size + length
    return (at, at + MAX_BODY_BYTES + 1) if len(held) >= at + _VARINT_BYTES else None


def alone(held: bytes, at: int) -> tuple[int, int] | None:
    """None, as long as one body may hold all that there is."""
    return (at, len(held)) if len(held) > MAX_BODY_BYTES else None


def varint(head: bytes) -> tuple[int, int] | None:
    """A number at the head of bytes, and how many of them it takes; None if it goes on."""
    number = 0
    for size, byte in enumerate(head, 1):
        number |= (byte & 127) << 7 * (size - 1)
        if byte < 128:
            return number, size
    return None


def _frames(stream: Stream, framing: Callable[[bytes], Cut]) -> Iterator[bytes]:
    """Cut a stream into its bodies; what cannot be cut becomes the stream's fault."""
    held, cut = b"", None
    for block in filter(None, stream.blocks()):
        held, at = held + block, 0
        cut = cut or framing(held)
        while found := cut(held, at):
            start, end = found
            if end - start > MAX_BODY_BYTES:
                stream.fault, stream.rest = "no body begins here", held[at:]
                return
            if end > len(held):
                break
            yield _inflated(held[start:end])
            at = end
        held = held[at:]
    if held and cut is alone and not stream.fault:
        yield held
    elif held:
        stream.fault, stream.rest = stream.fault or "the last body breaks off", held


def _inflated(body: bytes) -> bytes:
    """Decompress a body that is a zstd frame; one that is damaged or too large is left so."""
    if not body.startswith(zstandard.FRAME_HEADER):
        return body
    inflate, whole = zstandard.ZstdDecompressor().decompressobj(), b""
    try:
        for at in range(0, len(body), COMPRESSED_BLOCK_BYTES):
            whole += inflate.decompress(body[at : at + COMPRESSED_BLOCK_BYTES])
            if inflate.eof or len(whole) > MAX_BODY_BYTES:
                break
    except zstandard.ZstdError:
        return body
    return whole if inflate.eof and len(whole) <= MAX_BODY_BYTES else body


def _grouped(frames: Iterator[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for frame in frames:
        group.append(frame)
        size += len(frame)
        if size >= CHUNK_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
